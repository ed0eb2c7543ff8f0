"""The features of a task: read in pieces, or on the device with every row once, standardised by the training items."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.data.features import Features
from randquant.data.mapped_pages import let_go
from randquant.probes.items.scaling import Moments, merged, moments
from randquant.probes.items.splits import Assignment

CHUNK = 4096  # rows read at a time, since a memory map may be larger than memory

Device = str | torch.device
Rows = Tensor | slice
TaskFeatures = Features | Sequence[Features]  # for all assignments, or one for each


@dataclass
class Part:
    """The rows of one assignment in x, and their standardisation.

    Attributes:
        assignment: rows of the features by role.
        positions: (n,) row of x for each row of the features, -1 where it has none.
        scale, offset: (D,) such that x * scale + offset is standardised by the training rows; None where x already is.
        moments: what x was standardised by, of the training rows; None where it was not, or by those of all folds.
    """

    assignment: Assignment
    positions: NDArray[np.int64]
    device: torch.device
    scale: Tensor | None = None
    offset: Tensor | None = None
    moments: Moments | None = None

    def rows(self, selected: NDArray[np.int64]) -> Rows:
        """Rows of x that hold these rows of the features; a slice, which costs no copy, where they are contiguous."""
        found = self.positions[selected]
        if len(found) and (np.diff(found) == 1).all():
            return slice(int(found[0]), int(found[-1]) + 1)
        return torch.from_numpy(found).to(self.device)


@dataclass
class Arrangement:
    """x (N, D) float32 and its class ids (N,), with one part an assignment."""

    x: Tensor
    targets: Tensor
    parts: list[Part]


def arrange(
    features: TaskFeatures, assignments: Sequence[Assignment], device: Device, *, standardised: bool = True
) -> Arrangement:
    """Bring features to the device, once.

    Folds that share their features share their rows too: those are standardised as a whole, and each fold gets the
    remaining scale and offset that make it its own training items'.

    Args:
        features: of all assignments, or one for each.
        assignments: one, or one a fold.
        device: where to.
        standardised: False leaves the rows as they are.
    """
    device = torch.device(device)
    blocks = list(_blocks(one_each(features, assignments), assignments))
    dimension = blocks[0][0].vectors.shape[1]
    x = torch.empty(sum(len(order) for _, _, order in blocks), dimension, device=device)
    targets = torch.empty(len(x), dtype=torch.int64, device=device)
    parts, start = [], 0
    for block, members, order in blocks:
        here = slice(start, start + len(order))
        for index, piece in enumerate(chunks(block, order, device)):
            x[here][index * CHUNK : (index + 1) * CHUNK] = piece
            let_go(block.vectors)
        targets[here] = torch.from_numpy(members[0].targets[order])
        positions = np.full(len(block), -1, dtype=np.int64)
        positions[order] = np.arange(here.start, here.stop)
        found = [Part(member, positions, device) for member in members]
        if standardised:
            _standardise(x, here, found)
        parts += found
        start = here.stop
    return Arrangement(x, targets, parts)


def chunks(features: Features, rows: NDArray[np.int64], device: Device) -> Iterator[Tensor]:
    """The vectors of `rows`, in their order, as float32 tensors (at most CHUNK, D) on `device`."""
    for start in range(0, len(rows), CHUNK):
        yield torch.from_numpy(features.vectors[rows[start : start + CHUNK]]).to(device)


def one_each(features: TaskFeatures, assignments: Sequence[Assignment]) -> list[Features]:
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


def first_of(features: TaskFeatures) -> Features:
    """Features whose items stand for all."""
    if isinstance(features, Features):
        return features
    if not features:
        raise ValueError("features need at least one entry")
    return features[0]


def _blocks(
    features: list[Features], assignments: Sequence[Assignment]
) -> Iterator[tuple[Features, list[Assignment], NDArray[np.int64]]]:
    """Features, the assignments that read them, and the rows they read, in an order that makes roles contiguous."""
    if len(assignments) > 1 and all(each is features[0] for each in features):
        # Every item in use is tested in one fold.
        yield features[0], list(assignments), np.concatenate([each.test for each in assignments])
        return
    for each, assignment in zip(features, assignments, strict=True):
        roles = (assignment.train, assignment.valid, assignment.test)
        yield each, [assignment], np.concatenate([rows for rows in roles if rows is not None])


def _standardise(x: Tensor, here: slice, parts: list[Part]) -> None:
    if len(parts) == 1:
        parts[0].moments = moments(x[parts[0].rows(parts[0].assignment.train)].split(CHUNK))
        parts[0].moments.standardise_(x[here])
        return
    lent = [each.test if each.lent is None else each.lent for each in (part.assignment for part in parts)]
    by_fold = [moments(x[part.rows(rows)].split(CHUNK)) for part, rows in zip(parts, lent, strict=True)]
    whole = merged(by_fold)
    for index, part in enumerate(parts):
        train = merged(by_fold[:index] + by_fold[index + 1 :])
        part.scale, part.offset = _remaining(whole, train, x.dtype)
    whole.standardise_(x[here])


def _remaining(whole: Moments, train: Moments, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The transform from rows standardised by `whole` to rows standardised by `train`."""
    scale = whole.deviation / train.deviation
    offset = (whole.mean - train.mean) / train.deviation
    return scale.to(dtype), offset.to(dtype)
