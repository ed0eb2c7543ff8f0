"""Tasks: the clip length, and the published evaluation protocols."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.audio.crops import SAMPLE_RATE, Pad, fit_length, random_starts
from randquant.audio.evaluation.choices import ProtocolName
from randquant.data import labelled_store
from randquant.data.features import Items
from randquant.data.labelled_store import folds_of, items_of, split_counts
from randquant.data.store import Store
from randquant.errors import DataError
from randquant.probes.linear import LinearSettings

# Seconds a clip of each known task has: the dataset's average (Niizumi et al., BYOL-A, IJCNN 2021).
UNIT_SECONDS = {"nsynth": 4.0, "us8k": 4.0, "voxceleb1": 8.2, "voxforge": 5.8, "spcv2": 1.0, "spcv2-12": 1.0}
ALIASES = {"ns": "nsynth", "vc1": "voxceleb1", "vf": "voxforge"}

# Candidates of a sweep: every published rate lies between them.
SWEPT_RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)


@dataclass(frozen=True)
class Protocol:
    """A published way to evaluate frozen audio features; a preset of every choice.

    Attributes:
        name: "byola-v1" or "evar".
        pad: where a clip shorter than the unit gets its zeros.
        test_crop: which part of a longer test clip is used; train and validation clips are cropped at random. In
            cross-validation every item is a test item once and has this one vector throughout.
        statistics_crops: training clips that the log-mel statistics are computed from, at most.
        fold_statistics: which items these are in cross-validation, where the same statistics serve every fold.
        linear: how the linear layer is trained.
        task_learning_rates: published rate by task, where it differs from `linear.learning_rates`.
        source: where it is described.
    """

    name: ProtocolName
    pad: Pad
    test_crop: Literal["random", "head"]
    statistics_crops: int
    fold_statistics: Literal["all folds", "all folds but the first"]
    linear: LinearSettings
    task_learning_rates: tuple[tuple[str, float], ...] = ()
    source: str = ""

    def learning_rates(self, task: str) -> tuple[float, ...]:
        """The published rate for a task, as the only candidate."""
        published = dict(self.task_learning_rates).get(task)
        return self.linear.learning_rates if published is None else (published,)


PROTOCOLS: dict[ProtocolName, Protocol] = {
    "byola-v1": Protocol(
        "byola-v1",
        pad="both",
        test_crop="random",
        statistics_crops=10_000,
        fold_statistics="all folds",
        linear=LinearSettings(learning_rates=(1e-3,), weight_decay=1e-8, patience=10, repeats=10),
        source="Niizumi et al., BYOL for Audio, IJCNN 2021, and its evaluation code",
    ),
    "evar": Protocol(
        "evar",
        pad="tail",
        test_crop="head",
        statistics_crops=5_120,  # the first whole batches of 256 that make 5,000
        fold_statistics="all folds but the first",
        linear=LinearSettings(
            learning_rates=(3e-4,), weight_decay=1e-8, patience=20, repeats=3, divide_loss_by_classes=True
        ),
        task_learning_rates=(
            ("nsynth", 1e-3),
            ("us8k", 3e-5),
            ("spcv2", 3e-5),
            ("voxceleb1", 4e-5),
            ("voxforge", 1e-4),
        ),
        source="EVAR, the evaluation package of Niizumi et al., BYOL for Audio v2, TASLP 2023",
    ),
}


@dataclass(frozen=True)
class ClipTask:
    """A labelled store with the clip length it is evaluated at.

    Attributes:
        name: of the dataset where the store names it, else the store's folder name.
        store: 16 kHz recordings with labels and splits.
        items: its manifest.
        unit: samples every clip is brought to.
        unit_source: how `unit` came about, in words.
    """

    name: str
    store: Store
    items: Items
    unit: int
    unit_source: str

    @property
    def unit_seconds(self) -> float:
        """The unit in seconds."""
        return self.unit / SAMPLE_RATE

    @property
    def folds(self) -> list[str]:
        """The folds of a cross-validated task, "fold1" first; empty where there are splits instead."""
        return folds_of(self.items.splits)

    def training(self, left_out: str | None = None) -> NDArray[np.int64]:
        """Rows of the training items; of a cross-validated task all folds' but `left_out`'s."""
        folds = self.folds
        if not folds:
            return self.items.select("train")
        used = set(folds) - {left_out}
        return np.array([row for row, split in enumerate(self.items.splits) if split in used], dtype=np.int64)

    def counts(self) -> dict[str, int]:
        """Items by split, or by fold where the task is cross-validated; "unused" are those in none."""
        return split_counts(self.items.splits)


def open_task(store: Store, *, unit_seconds: float | None = None) -> ClipTask:
    """Describe a store as a task.

    The unit is `unit_seconds` where given, the published one of a known dataset, or else, by the paper's
    rule, the average duration of the training items, rounded to 0.1 s and at least that.

    Raises:
        DataError: the store has neither training items nor folds.
    """
    name = task_name(store)
    task = ClipTask(name, store, items_of(store), 0, "")
    train = task.training()
    if not len(train):
        raise DataError(
            f'{store.path} has no items with split "train", so nothing can be learnt from it; '
            "prepare it with labels and splits (python -m scripts.prepare labelled)."
        )
    seconds, source = _unit(name, store.lengths[train], unit_seconds)
    return replace(task, unit=round(seconds * SAMPLE_RATE), unit_source=source)


def task_name(store: Store) -> str:
    """The dataset's name as the store records it, else its folder's name; known aliases are resolved."""
    return labelled_store.task_name(store, ALIASES)


def read_batches(
    task: ClipTask,
    indices: NDArray[np.int64],
    *,
    pad: Pad,
    head: NDArray[np.bool_],
    seed: int,
    epoch: int,
    batch: int,
) -> Iterator[Tensor]:
    """Yield unit-length clips of `indices` as (B, unit) int16, in order.

    Args:
        task: where the clips are.
        indices: (n,) items.
        pad: where shorter clips get zeros.
        head: (n,) whether a longer clip is cut at its start rather than at random.
        seed: of the random cuts.
        epoch: of the random cuts; another epoch is an independent draw.
        batch: clips a batch at most.
    """
    starts = random_starts(indices, task.store.lengths[indices], task.unit, seed=seed, epoch=epoch)
    starts[head] = 0
    for first in range(0, len(indices), batch):
        clips = np.empty((min(batch, len(indices) - first), task.unit), dtype=np.int16)
        for row in range(len(clips)):
            index, start = int(indices[first + row]), int(starts[first + row])
            samples = task.store.rows(index, start, start + task.unit)
            clips[row] = fit_length(samples, task.unit, pad=pad)
        yield torch.from_numpy(clips)


def usual_unit(store: Store) -> tuple[int, str]:
    """Samples of a clip of a store, whether it has labels or not, and how they came about."""
    training = ClipTask("", store, items_of(store), 0, "").training()
    seconds, source = _unit(task_name(store), store.lengths[training] if len(training) else store.lengths, None)
    return round(seconds * SAMPLE_RATE), source


def _unit(name: str, lengths: NDArray[np.int64], given: float | None) -> tuple[float, str]:
    if given is not None:
        return given, "given"
    if name in UNIT_SECONDS:
        return UNIT_SECONDS[name], "published for this dataset"
    return max(0.1, round(float(lengths.mean()) / SAMPLE_RATE, 1)), "average duration of the training items"
