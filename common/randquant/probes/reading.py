"""Features as probes read them: in pieces, since a memory map may be larger than memory, and by their splits."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.data.features import Features, Items
from randquant.probes.splits import Assignment

CHUNK = 4096  # rows read at a time


def chunks(features: Features, rows: NDArray[np.int64], device: str | torch.device) -> Iterator[Tensor]:
    """The vectors of `rows`, in their order, as float32 tensors (at most CHUNK, D) on `device`."""
    for start in range(0, len(rows), CHUNK):
        yield torch.from_numpy(features.vectors[rows[start : start + CHUNK]]).to(device)


def one_each(features: Features | Sequence[Features], assignments: Sequence[Assignment]) -> list[Features]:
    """The features of each assignment: the same for all, or those given one by one.

    Raises:
        ValueError: there are not as many as assignments, or they are not of the same items.
    """
    if isinstance(features, Features):
        return [features] * len(assignments)
    if len(features) != len(assignments):
        raise ValueError(f"{len(assignments)} assignments need as many features, got {len(features)}")
    if any(each.items != features[0].items for each in features):
        raise ValueError("features of one task need the same ids, labels, groups and splits")
    return list(features)


def first_of(features: Features | Sequence[Features]) -> Features:
    """Features whose items stand for all."""
    if isinstance(features, Features):
        return features
    if not features:
        raise ValueError("features need at least one entry")
    return features[0]


def official_train(items: Items) -> Items:
    """The same items with those of validation back in train, so that a probe holds out its own of both.

    For data whose published split is train and test alone: what was taken from train to choose a pretraining on is
    train again when the published number is to be met.
    """
    return replace(items, splits=["train" if split == "valid" else split for split in items.splits])
