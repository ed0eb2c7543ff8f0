"""Made-up languages in VoxForge's tree: one folder a submission, and the list of what was submitted."""

import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from data_prep.sounds.voices import LANGUAGES, Voice, draw_letters, draw_voices, speak
from data_prep.sounds.waves import Range, integer, uniform
from data_prep.synthetic.tree import check_counts, letters, seeded, write_litter, write_parts, write_sound
from data_prep.voxforge import speaker_splits

URL_FILE = "voxforge_urls.txt"
ANONYMOUS, ANONYMOUS_IN = "anonymous", ("de", "en", "fr")  # one name, many people, several languages
_ATTEMPTS = 100
_URL = "www.repository.voxforge1.org/downloads/{language}/Trunk/Audio/Main/16kHz_16bit/{stem}.tgz"


@dataclass(frozen=True)
class _Submission:
    language: str
    speaker: str
    stem: str
    voice: Voice
    flac: bool


def write_voxforge(
    root: str | Path,
    *,
    speakers_per_language: int = 8,
    recordings: int = 2,
    seconds: Range = (1.0, 2.0),
    seed: int = 0,
) -> Path:
    """Write `<speaker>-<date>-<id>/wav/*.wav` for six languages, and `voxforge_urls.txt`.

    16 kHz, mono, 16 bit. Speakers submit once or twice, `anonymous` does in several languages, and one submission holds
    `flac` instead of `wav`. The defaults make 78 submissions, 7 MB.

    Args:
        root: folder to write into.
        speakers_per_language: beside `anonymous`.
        recordings: per submission.
        seconds: shortest and longest recording.
        seed: of everything that is drawn.

    Returns:
        `root`.

    Raises:
        DataError: `root` already holds another VoxForge.
    """
    root = Path(root)
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
    write_parts(root, "VoxForge", parameters, {**parts, URL_FILE: partial(_write_list, submissions)})
    return root


def _fair_submissions(speakers_per_language: int, seed: int) -> list[_Submission]:
    """Submissions whose speakers the published split parts so that every language is in train and in test, if any."""
    for attempt in range(_ATTEMPTS):
        submissions = list(_submissions(speakers_per_language, seeded(seed, "submissions", attempt)))
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
        generator = seeded(seed, submission.stem, number)
        duration = uniform(seconds, generator)
        said = draw_letters(LANGUAGES[submission.language], duration, generator)
        name = f"{submission.language}{number + 1:04d}"
        waveform = speak(submission.voice, said, duration, generator=generator)
        write_sound(folder / kind / f"{name}.{kind}", waveform, format=kind.upper())
        lines.append(f"{submission.stem}/mfc/{name} {said.upper()}\n")
    write_litter(folder / kind, f"{submission.language}0001.{kind}")
    (folder / "etc").mkdir()
    (folder / "etc" / "PROMPTS").write_text("".join(lines))
    (folder / "etc" / "README").write_text(f"User Name:{submission.speaker}\nLanguage: {submission.language}\n")


def _write_list(submissions: list[_Submission], path: Path) -> None:
    path.write_text("".join(_URL.format(language=piece.language, stem=piece.stem) + "\n" for piece in submissions))
