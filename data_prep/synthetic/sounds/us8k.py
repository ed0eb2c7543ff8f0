"""Synthetic events in UrbanSound8K's tree, in all the formats of its recordings."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np
import torch

from randquant.data_prep.datasets.us8k import CLASSES, TABLE
from randquant.data_prep.synthetic.published import US8K_CLASSES, US8K_FOLDS, scaled
from randquant.data_prep.synthetic.sounds.events import EVENTS, synthesize_event
from randquant.data_prep.synthetic.sounds.waves import uniform
from randquant.data_prep.synthetic.tree import (
    check_counts,
    torch_generator,
    write_csv,
    write_macos_files,
    write_parts,
    write_sound,
)

FOLDER = "UrbanSound8K"
FOLDS = range(1, 11)
COLUMNS = ("slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class")
# Samples a second, channels, subtype, bytes a sample: what the real recordings come in.
FORMATS = (
    (44_100, 2, "PCM_16", 2.0),
    (48_000, 2, "PCM_24", 3.0),
    (8_000, 1, "PCM_U8", 1.0),
    (44_100, 1, "PCM_16", 2.0),
    (22_050, 1, "MS_ADPCM", 0.5),
    (96_000, 2, "PCM_24", 3.0),
    (11_025, 1, "PCM_16", 2.0),
    (48_000, 1, "FLOAT", 4.0),
    (192_000, 1, "PCM_24", 3.0),
    (16_000, 1, "PCM_16", 2.0),
    (44_100, 2, "MS_ADPCM", 0.5),
    (24_000, 1, "PCM_16", 2.0),
    (96_000, 1, "FLOAT", 4.0),
    (32_000, 2, "PCM_16", 2.0),
    (48_000, 1, "PCM_32", 4.0),
    (48_000, 2, "PCM_16", 2.0),
)
SHORTEST, LONGEST = 0.05, 4.0  # seconds
_SLICES = 6  # of a published recording, at most
_BYTES = 48_000  # of a file, about; what is recorded finely is shorter


@dataclass(frozen=True)
class _Slice:
    recording: int
    number: int
    start: float
    seconds: float
    salience: int
    fold: int
    label: int
    format: tuple[int, int, str, float]

    @property
    def name(self) -> str:
        return f"{self.recording}-{self.label}-0-{self.number}.wav"

    def row(self) -> tuple[object, ...]:
        times = self.start, round(self.start + self.seconds, 6)
        return self.name, self.recording, *times, self.salience, self.fold, self.label, CLASSES[self.label]


def write_us8k(root: Path, *, slices_per_class: int = 2, seed: int = 0) -> Path:
    """Write `UrbanSound8K/metadata/UrbanSound8K.csv` and `UrbanSound8K/audio/fold{1..10}/*.wav`.

    8 to 192 kHz, 8 to 32 bit, float and MS-ADPCM, mono and stereo, 0.05 to 4 s, and macOS metadata files. Slices of one
    recording lie in one fold. The defaults make 200 slices, 8 MB.

    Args:
        slices_per_class: in each fold.
    """
    check_counts(slices_per_class=slices_per_class)
    parameters = {"dataset": "us8k", "slices_per_class": slices_per_class, "seed": seed}
    slices = list(_slices(slices_per_class, torch_generator(seed, "slices")))
    return write_parts(root, "UrbanSound8K", parameters, {FOLDER: partial(_write, slices, seed)}) / FOLDER


def write_published_us8k(root: Path, *, items: int | None = None, seed: int = 0) -> Path:
    """Write UrbanSound8K's tree at its published size: 8,732 slices of 0.05 s, in the published folds and classes.

    How many slices of a class are in a fold is not published in words; they are dealt at random.
    """
    check_counts(items=1 if items is None else items)
    parameters = {"dataset": "us8k", "published": True, "items": items, "seed": seed}
    slices = list(_published(items, torch_generator(seed, "slices")))
    return write_parts(root, "UrbanSound8K", parameters, {FOLDER: partial(_write, slices, seed)}) / FOLDER


def _published(items: int | None, generator: torch.Generator) -> Iterator[_Slice]:
    folds = scaled(dict(zip(FOLDS, US8K_FOLDS, strict=True)), items)
    classes = scaled(dict(enumerate(US8K_CLASSES)), items)
    labels = torch.repeat_interleave(torch.tensor(list(classes)), torch.tensor(list(classes.values())))
    dealt = labels[torch.randperm(len(labels), generator=generator)].split(list(folds.values()))
    formats = cycle(FORMATS)
    recordings = iter(torch.randperm(200_000, generator=generator).tolist())
    for fold, members in zip(folds, dealt, strict=True):
        for label in members.unique().tolist():
            for place in range(int((members == label).sum())):
                if place % _SLICES == 0:
                    recording = 10_000 + next(recordings)
                start = round(uniform((0.0, 60.0), generator), 6)
                yield _Slice(recording, place % _SLICES, start, SHORTEST, 1 + place % 2, fold, label, next(formats))


def _slices(slices_per_class: int, generator: torch.Generator) -> Iterator[_Slice]:
    formats = cycle(FORMATS)
    recordings = iter(torch.randperm(200_000, generator=generator).tolist())
    cells = [(fold, label) for fold in FOLDS for label in range(len(CLASSES))]
    extremes = iter((SHORTEST, LONGEST))
    # Shuffled, so that neither a class nor a fold goes with a format.
    for cell in torch.randperm(len(cells), generator=generator).tolist():
        fold, label = cells[cell]
        recording = 10_000 + next(recordings)
        for number in range(slices_per_class):
            format = next(formats)
            seconds = next(extremes, 0.0) if format[0] == 8_000 else 0.0
            seconds = seconds or _seconds(format, generator)
            start = round(uniform((0.0, 60.0), generator), 6)
            salience = 1 + (cell + number) % 2
            yield _Slice(recording, number, start, seconds, salience, fold, label, format)


def _seconds(format: tuple[int, int, str, float], generator: torch.Generator) -> float:
    rate, channels, _, size = format
    longest = min(LONGEST, _BYTES / (rate * channels * size))
    return round(uniform((max(SHORTEST, 0.5 * longest), longest), generator), 6)


def _write(slices: list[_Slice], seed: int, folder: Path) -> None:
    (folder / "metadata").mkdir(parents=True)
    rows = sorted(piece.row() for piece in slices)
    write_csv(folder / TABLE, rows, header=COLUMNS)
    for piece in slices:
        _write_slice(folder / "audio" / f"fold{piece.fold}" / piece.name, piece, torch_generator(seed, piece.name))
    for fold in FOLDS:
        write_macos_files(folder / "audio" / f"fold{fold}", next(s.name for s in slices if s.fold == fold))
    (folder / "UrbanSound8K_README.txt").write_text("Made-up sounds in the tree of UrbanSound8K.\n")


def _write_slice(path: Path, piece: _Slice, generator: torch.Generator) -> None:
    rate, channels, subtype, _ = piece.format
    sound = synthesize_event(EVENTS[CLASSES[piece.label]], piece.seconds, rate=rate, generator=generator)
    if channels == 2:  # somewhere between left and right
        place = uniform((0.5, 1.0), generator)
        sound = np.stack((sound, np.float32(place) * sound), axis=1)
    write_sound(path, sound, rate=rate, subtype=subtype)
