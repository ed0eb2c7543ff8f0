"""Synthetic languages in VoxForge's tree: one folder per submission, and the list of submissions."""

import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from randquant.data_prep.datasets.voxforge import ARCHIVES, DATASET, LIST, speaker_splits
from randquant.data_prep.synthetic.published import apportion
from randquant.data_prep.synthetic.sounds.noise import write_noise
from randquant.data_prep.synthetic.sounds.voices import LANGUAGES, Voice, draw_letters, draw_voices, speak
from randquant.data_prep.synthetic.sounds.waves import Range, integer, uniform
from randquant.data_prep.synthetic.tree import (
    check_counts,
    letters,
    torch_generator,
    write_macos_files,
    write_parts,
    write_sound,
)

ANONYMOUS, ANONYMOUS_IN = "anonymous", ("de", "en", "fr")  # one name, many people, several languages
_ATTEMPTS = 100
_SUBMITTED = 3  # archives of a published speaker, on average
_NAMELESS = 5  # every fifth archive is anonymous
_URL = "www.repository.voxforge1.org/downloads/{language}/Trunk/Audio/Main/16kHz_16bit/{stem}.tgz"


@dataclass(frozen=True)
class _Submission:
    language: str
    speaker: str
    stem: str
    voice: Voice | None  # noise where None
    flac: bool


def write_voxforge(
    root: Path, *, speakers_per_language: int = 8, recordings: int = 2, seconds: Range = (1.0, 2.0), seed: int = 0
) -> Path:
    """Write `<speaker>-<date>-<id>/wav/*.wav` for six languages, and `voxforge_urls.txt`.

    16 kHz, mono, 16 bit. Speakers submit once or twice, `anonymous` does in several languages, and one submission holds
    `flac` instead of `wav`. The defaults make 78 submissions, 7 MB.

    Args:
        speakers_per_language: besides `anonymous`.
        recordings: per submission.
        seconds: shortest and longest recording.
    """
    check_counts(speakers_per_language=speakers_per_language, recordings=recordings)
    parameters = {
        "dataset": "voxforge",
        "speakers_per_language": speakers_per_language,
        "recordings": recordings,
        "seconds": list(seconds),
        "seed": seed,
    }
    submissions = _fair_submissions(speakers_per_language, seed)
    parts = {piece.stem: partial(_write_submission, piece, recordings, seconds, seed) for piece in submissions}
    return write_parts(root, "VoxForge", parameters, {**parts, LIST: partial(_write_list, submissions)})


def write_published_voxforge(root: Path, *, items: int | None = None, seed: int = 0) -> Path:
    """Write VoxForge's tree at its published size: 13,837 submissions with 176,438 recordings of noise.

    The numbers by language and speaker are not published; the languages are of one size here.

    Args:
        items: recordings, with as many archives as go with them; all where None.
    """
    total = DATASET.items["all"]
    items = total if items is None else items
    archives = round(ARCHIVES * items / total)
    check_counts(archives=archives // (2 * len(LANGUAGES)))
    submissions = list(_published(archives, torch_generator(seed, "submissions")))
    voiced = [submission.stem for submission in submissions if not submission.flac]
    counts = dict(zip(voiced, apportion(items, [1] * len(voiced)), strict=True))
    parameters = {"dataset": "voxforge", "published": True, "items": items, "seed": seed}
    parts = {
        piece.stem: partial(_write_submission, piece, counts.get(piece.stem, 1), (0.1, 0.1), seed)
        for piece in submissions
    }
    return write_parts(root, "VoxForge", parameters, {**parts, LIST: partial(_write_list, submissions)})


def _published(archives: int, generator: torch.Generator) -> Iterator[_Submission]:
    """One submission holds FLAC, one in five is anonymous, and `speaker_splits` splits the other speakers."""
    used: set[str] = set()
    for language, count in zip(LANGUAGES, apportion(archives, [1] * len(LANGUAGES)), strict=True):
        for place in range(count):
            if place % _SUBMITTED == 0:
                speaker = _name(used, generator)
            name = ANONYMOUS if place % _NAMELESS == _NAMELESS - 1 else speaker
            yield _Submission(language, name, _stem(name, generator), None, (language, place) == ("en", 1))


def _fair_submissions(speakers_per_language: int, seed: int) -> list[_Submission]:
    """Submissions whose speakers the published split leaves every language in train and in test, if possible."""
    for attempt in range(_ATTEMPTS):
        submissions = list(_submissions(speakers_per_language, torch_generator(seed, "submissions", attempt)))
        splits = speaker_splits(submission.speaker for submission in submissions)
        seen = {(submission.language, splits[submission.speaker]) for submission in submissions}
        if seen >= {(language, split) for language in LANGUAGES for split in ("train", "test")}:
            break
    return submissions


def _submissions(speakers_per_language: int, generator: torch.Generator) -> Iterator[_Submission]:
    used: set[str] = set()
    for language in LANGUAGES:
        names = [_name(used, generator) for _ in range(speakers_per_language)]
        names += [ANONYMOUS] * 2 if language in ANONYMOUS_IN else []
        for place, (name, voice) in enumerate(zip(names, draw_voices(len(names), generator), strict=True)):
            for repeat in range(1 if name == ANONYMOUS else 1 + place % 2):
                flac = (language, place, repeat) == ("en", 1, 1)
                yield _Submission(language, name, _stem(name, generator), voice, flac)


def _name(used: set[str], generator: torch.Generator) -> str:
    """A user's name; capitals and digits among them, which decide how names sort."""
    while True:
        name = "".join(letters("bdfklmnrst", 1, generator) + letters("aeiou", 1, generator) for _ in range(3))
        name = (name, name.capitalize(), name + "_" + letters(string.digits, 2, generator))[integer(3, generator)]
        if name not in used:
            used.add(name)
            return name


def _stem(name: str, generator: torch.Generator) -> str:
    date = f"20{7 + integer(12, generator):02d}{1 + integer(12, generator):02d}{1 + integer(28, generator):02d}"
    return f"{name}-{date}-{letters(string.ascii_lowercase, 3, generator)}"


def _write_submission(submission: _Submission, recordings: int, seconds: Range, seed: int, folder: Path) -> None:
    kind = "flac" if submission.flac else "wav"
    lines = []
    for number in range(recordings):
        name = f"{submission.language}{number + 1:04d}"
        said = _write_recording(folder / kind / f"{name}.{kind}", submission, number, seconds, seed)
        lines.append(f"{submission.stem}/mfc/{name} {said.upper()}\n")
    write_macos_files(folder / kind, f"{submission.language}0001.{kind}")
    (folder / "etc").mkdir()
    (folder / "etc" / "PROMPTS").write_text("".join(lines))
    (folder / "etc" / "README").write_text(f"User Name:{submission.speaker}\nLanguage: {submission.language}\n")


def _write_recording(path: Path, submission: _Submission, number: int, seconds: Range, seed: int) -> str:
    """Write one recording; return its transcript."""
    if submission.voice is None and not submission.flac:
        write_noise(path, seed=seed, name=f"{submission.stem}/{number}")
        return "hush"
    generator = torch_generator(seed, submission.stem, number)
    duration = uniform(seconds, generator)
    said = draw_letters(LANGUAGES[submission.language], duration, generator)
    voice = submission.voice or draw_voices(1, generator)[0]
    write_sound(path, speak(voice, said, duration, generator=generator), format=path.suffix[1:].upper())
    return said


def _write_list(submissions: list[_Submission], path: Path) -> None:
    path.write_text("".join(_URL.format(language=piece.language, stem=piece.stem) + "\n" for piece in submissions))
