"""Synthetic clips in AudioSet's tree: its segment lists, and the clips that could still be downloaded."""

import os
import string
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import torch

from randquant.data_prep.datasets.audioset import DATASET
from randquant.data_prep.synthetic.published import AUDIOSET_LISTED, apportion
from randquant.data_prep.synthetic.sounds.events import EVENTS, synthesize_event
from randquant.data_prep.synthetic.sounds.noise import noise_file
from randquant.data_prep.synthetic.tree import check_counts, torch_generator, write_csv, write_parts, write_sound

PARTS = ("balanced_train", "unbalanced_train", "eval")
# Machine identifier, name, and the event it sounds like.
CLASSES = (
    ("/m/025wky1", "Air conditioning", "air_conditioner"),
    ("/m/05tny_", "Bark", "dog_bark"),
    ("/m/0ytgt", "Child speech, kid speaking", "children_playing"),
    ("/m/01d380", "Drill", "drilling"),
    ("/m/032s66", "Gunshot, gunfire", "gun_shot"),
    ("/t/dd00065", "Idling", "engine_idling"),
    ("/m/03p19w", "Jackhammer", "jackhammer"),
    ("/m/04rlf", "Music", "street_music"),
    ("/m/03kmc9", "Siren", "siren"),
    ("/m/0912c9", "Vehicle horn, car horn, honking", "car_horn"),
)
_IDENTIFIER = string.ascii_letters + string.digits + "-_"
_LINKS = 10_000  # to one file; file systems allow some ten thousands
_ABSENT = 6  # every sixth video is gone
# How the tools that fetch clips name them.
_NAMES = ("{id}.wav", "Y{id}.wav", "{id}.wav", "{id}_{start}_{end}.flac")


@dataclass(frozen=True, slots=True)
class _Segment:
    identifier: str
    start: int
    labels: tuple[int, ...]

    def name(self, place: int) -> str:
        """The file name that a download tool gives the clip."""
        start = 1000 * self.start  # ms
        return _NAMES[place % len(_NAMES)].format(id=self.identifier, start=start, end=start + 10_000)

    def row(self) -> str:
        mids = ",".join(CLASSES[label][0] for label in self.labels)
        return f'{self.identifier}, {self.start:.3f}, {self.start + 10:.3f}, "{mids}"\n'


def write_audioset(
    root: Path, *, balanced: int = 30, unbalanced: int = 42, evaluation: int = 18, seconds: float = 2.0, seed: int = 0
) -> Path:
    """Write `{balanced_train,unbalanced_train,eval}_segments.csv`, `class_labels_indices.csv`, and the clips in folders
    named as the lists.

    The lists open with three lines of comment and quote their labels. Every sixth clip is missing; the others are named
    as various tools name them, some lie a folder deeper. The defaults list 90 segments, 5 MB; real clips last 10 s.

    Args:
        balanced, unbalanced, evaluation: segments listed.
        seconds: how long each clip is.
    """
    check_counts(balanced=balanced, unbalanced=unbalanced, evaluation=evaluation)
    counts = dict(zip(PARTS, (balanced, unbalanced, evaluation), strict=True))
    parts = {"class_labels_indices.csv": _write_classes}
    for name, count in counts.items():
        segments = _segments(count, torch_generator(seed, name))
        parts[f"{name}_segments.csv"] = partial(_write_list, segments)
        parts[f"{name}_segments"] = partial(_write_clips, segments, seconds, seed, name == "unbalanced_train")
    parameters = {"dataset": "audioset", "segments": counts, "seconds": seconds, "seed": seed}
    return write_parts(root, "AudioSet", parameters, parts)


def write_published_audioset(root: Path, *, items: int | None = None, seed: int = 0) -> Path:
    """Write AudioSet's complete lists and a tree of 1,963,807 training clips, as many as BYOL-A was pretrained on.

    The clips are hard links to some hundred files of noise, WAV and FLAC. The clips that are missing are spread over
    both parts of training; those of `eval` are listed and not there.

    Args:
        root: folder to write into, on a file system with hard links.
    """
    total = DATASET.items["train"]
    items = total if items is None else items
    check_counts(items=items)
    listed = {part: max(1, count * items // total) for part, count in AUDIOSET_LISTED.items()}
    training = [part for part in PARTS if part != "eval"]
    present = dict(zip(training, apportion(items, [listed[part] for part in training]), strict=True))
    parameters = {"dataset": "audioset", "published": True, "items": items, "seed": seed}
    parts = {"class_labels_indices.csv": _write_classes}
    for part, count in listed.items():
        segments = _segments(count, torch_generator(seed, part))
        parts[f"{part}_segments.csv"] = partial(_write_list, segments)
        if part in present:
            parts[f"{part}_segments"] = partial(_write_links, segments[: present[part]], seed)
    return write_parts(root, "AudioSet", parameters, parts)


def _write_links(segments: list[_Segment], seed: int, folder: Path) -> None:
    """Clips as links to noise files; a new noise file is written from time to time."""
    pool = folder / ".noise"
    pool.mkdir(parents=True)
    for place, segment in enumerate(segments):
        if place % _LINKS == 0:
            sources = _noises(pool / str(place), seed)
        path = folder / segment.name(place)
        os.link(sources[path.suffix], path)


def _noises(stem: Path, seed: int) -> dict[str, Path]:
    """The same noise in both formats, by suffix."""
    paths = {suffix: stem.with_suffix(suffix) for suffix in (".wav", ".flac")}
    paths[".wav"].write_bytes(noise_file(seed=seed, name=f"{stem.parts[-3]}/{stem.name}"))
    waveform, _ = soundfile.read(paths[".wav"], dtype="float32")
    write_sound(paths[".flac"], waveform, format="FLAC")
    return paths


def _segments(count: int, generator: torch.Generator) -> list[_Segment]:
    codes = torch.randint(len(_IDENTIFIER), (count, 11), generator=generator).numpy()
    identifiers = np.array(list(_IDENTIFIER))[codes].view("U11").ravel().tolist()
    starts, others = (torch.randint(stop, (count,), generator=generator).tolist() for stop in (30, len(CLASSES)))
    found = []
    for place, (identifier, start, other) in enumerate(zip(identifiers, starts, others, strict=True)):
        labels = (place % len(CLASSES), other)[: 1 + place % 2]
        found.append(_Segment(identifier, 10 * start, tuple(dict.fromkeys(labels))))
    return sorted(found, key=lambda segment: segment.identifier)


def _write_list(segments: list[_Segment], path: Path) -> None:
    labels = [label for segment in segments for label in segment.labels]
    lines = [
        "# Segments csv created Sun Mar  5 10:54:31 2017\n",
        f"# num_ytids={len(segments)}, num_segs={len(segments)}, num_unique_labels={len(set(labels))}, "
        f"num_positive_labels={len(labels)}\n",
        "# YTID, start_seconds, end_seconds, positive_labels\n",
    ]
    path.write_text("".join([*lines, *(segment.row() for segment in segments)]))


def _write_clips(segments: list[_Segment], seconds: float, seed: int, deeper: bool, folder: Path) -> None:
    for place, segment in enumerate(segments):
        if place % _ABSENT == _ABSENT - 1:
            continue
        name = segment.name(place)
        below = folder / "unbalanced_train_segments_part00" if deeper and place % 5 == 1 else folder
        generator = torch_generator(seed, segment.identifier)
        sounds = [synthesize_event(EVENTS[CLASSES[label][2]], seconds, generator=generator) for label in segment.labels]
        write_sound(below / name, np.mean(sounds, axis=0), format=name[-4:].strip(".").upper())


def _write_classes(path: Path) -> None:
    rows = ((index, mid, name) for index, (mid, name, _) in enumerate(CLASSES))
    write_csv(path, rows, header=("index", "mid", "display_name"))
