"""Synthetic speakers in VoxCeleb1's tree, with its identification split."""

import string
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import torch

from randquant.data_prep.datasets.voxceleb1 import DATASET, LIST
from randquant.data_prep.synthetic.published import apportion
from randquant.data_prep.synthetic.sounds.noise import write_noise
from randquant.data_prep.synthetic.sounds.voices import LANGUAGES, Voice, draw_letters, draw_voices, speak
from randquant.data_prep.synthetic.sounds.waves import Range, uniform
from randquant.data_prep.synthetic.tree import check_counts, letters, torch_generator, write_parts, write_sound

TEST_SPEAKERS = 10270  # from this number on, a speaker comes in the archive vox1_test_wav.zip
_VIDEO = string.ascii_letters + string.digits + "-_"
_UTTERANCES = 7  # of a published video, on average

Utterance = tuple[int, str, str]  # the list's number of the split, speaker, path below the speaker


def write_voxceleb1(
    root: Path,
    *,
    speakers: int = 8,
    train_videos: int = 2,
    utterances_per_video: int = 4,
    seconds: Range = (1.0, 2.5),
    seed: int = 0,
) -> Path:
    """Write `wav/id1XXXX/<video>/<nnnnn>.wav` and `iden_split.txt`.

    16 kHz, mono, 16 bit. Every speaker is in all splits, each time with other videos; one valid and one test video
    each. The defaults make 64 + 32 + 32 utterances, 7 MB; real ones last 4 s and more.

    Args:
        speakers: the last quarter of them is numbered as those of the published test archive.
        train_videos: per speaker.
        utterances_per_video: per video.
        seconds: shortest and longest utterance.
    """
    check_counts(speakers=speakers, train_videos=train_videos, utterances_per_video=utterances_per_video)
    parameters = {
        "dataset": "voxceleb1",
        "speakers": speakers,
        "train_videos": train_videos,
        "utterances_per_video": utterances_per_video,
        "seconds": list(seconds),
        "seed": seed,
    }
    names, voices = _names(speakers), draw_voices(speakers, torch_generator(seed, "voices"))
    videos = [(split, utterances_per_video) for split in [1] * train_videos + [2, 3]]
    utterances = [
        utterance for name in names for utterance in _utterances(name, videos, torch_generator(seed, "videos", name))
    ]
    parts = {
        "wav": partial(_write_sounds, dict(zip(names, voices, strict=True)), utterances, seconds, seed),
        LIST: partial(_write_list, utterances),
    }
    return write_parts(root, "VoxCeleb1", parameters, parts)


def write_published_voxceleb1(root: Path, *, items: int | None = None, seed: int = 0) -> Path:
    """Write VoxCeleb1's tree at its published size: 1,251 speakers, 153,516 utterances of noise, split as published."""
    splits = DATASET.items
    total = sum(splits.values())
    speakers = max(2, round((DATASET.classes or 0) * (items or total) / total))
    check_counts(items=(items or total) // (len(splits) * speakers))
    utterances = list(_published(speakers, items, seed))
    parameters = {"dataset": "voxceleb1", "published": True, "items": items, "seed": seed}
    parts = {"wav": partial(_write_noises, utterances, seed), LIST: partial(_write_list, utterances)}
    return write_parts(root, "VoxCeleb1", parameters, parts)


def _published(speakers: int, items: int | None, seed: int) -> Iterator[Utterance]:
    splits = list(DATASET.items.values())
    # Every speaker is in every split.
    totals = splits if items is None else [speakers + more for more in apportion(items - 3 * speakers, splits)]
    weights = torch.empty(speakers).exponential_(generator=torch_generator(seed, "weights")).tolist()
    counts = [apportion(total, weights, least=1) for total in totals]
    for place, numbers in enumerate(zip(*counts, strict=True)):
        videos = [
            (split, size)
            for split, count in enumerate(numbers, start=1)
            for size in apportion(count, [1] * max(1, count // _UTTERANCES))
        ]
        name = f"id{10001 + place}"
        yield from _utterances(name, videos, torch_generator(seed, "videos", name))


def _names(speakers: int) -> list[str]:
    held = speakers // 4
    return [f"id{n}" for n in (*range(10001, 10001 + speakers - held), *range(TEST_SPEAKERS, TEST_SPEAKERS + held))]


def _utterances(speaker: str, videos: Iterable[tuple[int, int]], generator: torch.Generator) -> list[Utterance]:
    """The utterances of videos, each with a split and a number of utterances."""
    found = []
    for split, count in videos:
        video = letters(_VIDEO, 11, generator)
        found += [(split, speaker, f"{video}/{number:05d}.wav") for number in range(1, count + 1)]
    return sorted(found, key=lambda utterance: utterance[2])


def _write_sounds(
    voices: dict[str, Voice], utterances: list[Utterance], seconds: Range, seed: int, folder: Path
) -> None:
    for _, speaker, path in utterances:
        generator = torch_generator(seed, speaker, path)
        duration = uniform(seconds, generator)
        said = draw_letters(LANGUAGES["en"], duration, generator)
        write_sound(folder / speaker / path, speak(voices[speaker], said, duration, generator=generator))


def _write_noises(utterances: list[Utterance], seed: int, folder: Path) -> None:
    for _, speaker, path in utterances:
        write_noise(folder / speaker / path, seed=seed, name=f"{speaker}/{path}")


def _write_list(utterances: list[Utterance], path: Path) -> None:
    path.write_text("".join(f"{split} {speaker}/{name}\n" for split, speaker, name in utterances))
