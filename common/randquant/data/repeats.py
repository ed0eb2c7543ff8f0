"""Test items that repeat a training item: equal content, or the nearest of the candidates by their descriptors.

With folds, items are compared with those of the other folds.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from randquant.cli.progress import progress
from randquant.data.store import Store, is_fold

_BLOCK = 1 << 24  # distances held at once

Pair = TypeVar("Pair")
Items = NDArray[np.int64]
Vector = NDArray[np.float32]


def compared_items(store: Store) -> tuple[Items, Items, Items]:
    """The items to examine, the items to compare them with, and the side of the split of every item of the store.

    With folds, all items of folds, twice; their sides are the folds.
    """
    splits = store.column("split")
    numbers = {split: number for number, split in enumerate(sorted(filter(is_fold, set(splits))))}
    if len(numbers) > 1:
        sides = np.array([numbers.get(split, -1) for split in splits], dtype=np.int64)
        folded = np.flatnonzero(sides >= 0).astype(np.int64)
        return folded, folded, sides
    tested = store.select("test")
    sides = np.zeros(len(store), dtype=np.int64)
    sides[tested] = 1
    return tested, np.concatenate([store.select("train"), store.select("valid")]), sides


def pairs_across(
    store: Store,
    *,
    describe: Callable[[int], tuple[bytes, Vector]],
    same: Callable[[int, int], Pair],
    nearest: Callable[[int, list[int]], Pair],
    candidates: int,
    unit: str,
    standardise: bool = False,
) -> list[Pair]:
    """For each test item the most similar training item; all callables run in threads.

    Args:
        store: to look through.
        describe: an item's content as a digest, empty where that says nothing, and its descriptor (D,).
        same: the pair of an item and one of the same digest.
        nearest: the pair of an item and the nearest of some others.
        candidates: how many others, those of the nearest descriptors, nearest first.
        unit: of the progress shown.
        standardise: divide each number of the descriptors by its standard deviation over train.
    """
    tested, learnt, sides = compared_items(store)
    if not len(tested) or not len(learnt):
        return []
    items = np.union1d(tested, learnt)
    tested_at, learnt_at = np.searchsorted(items, tested), np.searchsorted(items, learnt)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        described = pool.map(describe, items.tolist())
        digests, rows = zip(*progress(described, label="describing", unit=unit, total=len(items)), strict=True)
        vectors = np.stack(rows)
        if standardise:
            vectors /= np.maximum(vectors[learnt_at].std(axis=0), 1e-3)
        likely = _nearest_rows(vectors[tested_at], vectors[learnt_at], sides[tested], sides[learnt], candidates)
        equal: dict[bytes, list[int]] = {}
        for item, place in zip(learnt.tolist(), learnt_at, strict=True):
            equal.setdefault(digests[place], []).append(item)

        def pair(number: int) -> Pair:
            item, digest = int(tested[number]), digests[tested_at[number]]
            twins = (other for other in equal.get(digest, []) if digest and sides[other] != sides[item])
            twin = next(twins, None)
            return nearest(item, learnt[likely[number]].tolist()) if twin is None else same(item, twin)

        found = pool.map(pair, range(len(tested)))
        return list(progress(found, label="comparing", unit=unit, total=len(tested)))


def _nearest_rows(
    tested: Vector, learnt: Vector, tested_sides: Items, learnt_sides: Items, count: int
) -> Sequence[NDArray[np.int64]]:
    """For each row of `tested` the places of the `count` rows of `learnt` nearest to it on other sides."""
    rows, rows_sides = torch.from_numpy(learnt), torch.from_numpy(learnt_sides)
    size = max(1, _BLOCK // len(learnt))
    found: list[NDArray[np.int64]] = []
    parts = zip(torch.from_numpy(tested).split(size), torch.from_numpy(tested_sides).split(size), strict=True)
    for part, sides in parts:
        distances = torch.cdist(part, rows).masked_fill_(sides[:, None] == rows_sides, torch.inf)
        nearest = distances.topk(min(count, len(learnt)), largest=False)
        usable = nearest.values.isfinite()
        found += [places[kept].numpy() for places, kept in zip(nearest.indices, usable, strict=True)]
    return found
