"""What a frozen encoder sees of the pictures of a task: their size, their middle, and how colours are normalised."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from randquant.errors import DataError, UsageError
from randquant.evaluation.labelled_task import LabelledTask
from randquant.files.json_record import Json
from randquant.images.encoders.weights import LoadedImageEncoder
from randquant.images.evaluation.settings import Statistics
from randquant.images.normalise import ColourStatistics, colour_statistics, statistics_of
from randquant.images.stored_images import StoredImages
from randquant.probes.classifier_file import SavedClassifier

STATISTICS_PICTURES = 2_000


@dataclass(frozen=True)
class Sight:
    """What an encoder sees of the pictures of a task.

    Attributes:
        size: side in pixels.
        share: of the shorter side of a larger picture.
        colours: by which it is normalised.
        source: of these.
    """

    size: int
    share: float
    colours: ColourStatistics
    source: str

    def settings(self) -> dict[str, Json]:
        """All that features depend on beside weights and pictures."""
        mean, std = map(list, self.colours)
        return {"image_size": self.size, "share": self.share, "mean": mean, "std": std}


def sight_of(
    loaded: LoadedImageEncoder, task: LabelledTask, *, size: int | None, share: float, statistics: Statistics, seed: int
) -> Sight:
    """What the encoder sees of a task.

    Args:
        loaded: the encoder.
        task: of pictures.
        size: side in pixels; as it was trained where None.
        share: of the shorter side of a larger picture.
        statistics: the checkpoint's, or those of the task's training pictures; auto is the checkpoint's where it has
            some.
        seed: of the choice of pictures for statistics.

    Raises:
        DataError: the statistics of a checkpoint are asked for that has none, or all pictures are of one colour.
        UsageError: a size that the encoder does not take.
    """
    size = size or loaded.encoder.size
    reason = loaded.encoder.refuses(size)
    if reason is not None:
        raise UsageError(f"--image_size {size}: {reason}")
    if statistics == "checkpoint" and loaded.statistics is None:
        raise DataError(
            'the checkpoint carries no statistics of colours, which --statistics checkpoint needs; use "task".'
        )
    if loaded.encoder.normalises and statistics == "task":
        raise UsageError("--statistics task: the encoder takes pictures in [0, 1] and normalises them itself.")
    if loaded.statistics is not None and statistics != "task":
        return Sight(size, share, loaded.statistics, "the checkpoint")
    return Sight(size, share, *task_colours(task, seed))


def task_colours(task: LabelledTask, seed: int) -> tuple[ColourStatistics, str]:
    """Statistics over at most 2,000 random training pictures of a task, and these in words; with folds, of all."""
    pictures = StoredImages(task.store)
    used = np.array([split == "train" or split in task.folds for split in task.items.splits])
    order = np.random.default_rng(seed).permutation(np.flatnonzero(used))[:STATISTICS_PICTURES]
    chosen = np.sort(order)
    found = colour_statistics(torch.tensor(pictures.picture(int(item))) for item in chosen)
    return found, f"{len(chosen):,} random {'pictures of all folds' if task.folds else 'training pictures'}"


def sight_of_classifier(saved: SavedClassifier, loaded: LoadedImageEncoder) -> Sight:
    """What a saved classifier was fitted on.

    Raises:
        DataError: the classifier is of another encoder, or not of pictures.
    """
    saved.require(loaded.sha256, {})
    said: Mapping[str, Any] = saved.said.features
    try:
        colours = statistics_of(said["mean"], said["std"])
        return Sight(int(said["image_size"]), float(said["share"]), colours, f"the task {saved.said.task}")
    except (KeyError, TypeError, ValueError):
        raise DataError(f"{saved.path} does not say how pictures were seen; save the classifier again.") from None
