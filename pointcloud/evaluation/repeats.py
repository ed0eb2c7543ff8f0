"""Test shapes that repeat a training shape: the same points, or another sample of the same surface.

Two samples of one surface are as far from each other as neighbouring points of one sample: in units of that spacing
their distance is about 1 for any shape, and that of two surfaces is larger.

How much larger may still be one surface was measured on samples alone, and no result of any classifier had a part in
it. Of 369 meshes (of 30 classes of real things and 15 of made-up ones), each sampled twice with 2,048 points, the mean
distance was 1.02 in the median, 1.12 in the 99th percentile and 1.13 at most, and the distance that 2 % of the points
are beyond 2.3, 2.75 and 3.0. Of 240 real meshes and the nearest other one of their class, 14 lay no farther from it
than 1.05, being one thing under two names, and none of the others nearer than 1.41.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.data.features import content_key
from randquant.data.repeats import Vector, compared_items, pairs_across
from randquant.data.store import Store
from randquant.errors import DataError
from randquant.files.atomic import read_json, write_json

_VERSION = 1  # raise it whenever `repeats` would find others
MEAN, TAIL = 1.15, 3.2  # largest distances, in units of the spacing, of what counts as one surface
_SPREAD = 16  # shapes of train with the most similar descriptors, and
_NEAREST = 3  # those of them that are nearest, are compared with each of test
_FIRST = 512  # points that say which is nearest, no more than a quarter of all: the first quarter is evenly spread
_SHARE = 4
_STEPS = 6  # of laying one on the other
_QUANTILES = np.linspace(0, 1, 33)[:-1] + 1 / 64
_LAYERS, _ORDERS, _WEIGHT = 3, (1, 2, 3, 4), 2.0  # of the descriptor's angular part
_KEPT = 1024  # of shapes of train, for the next comparison
_NOT_EXACT = 1e-9  # at least, between the same points in another order

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Nearest:
    """A test shape and the most similar training shape.

    Attributes:
        test, train: items of the store.
        distance: mean distance of the points of one to the other, in units of the spacing of the other's points; the
            larger of both ways, once they are aligned. 0 where they are the same points.
        tail: the distance that 2 % of the points are beyond, in the same units.
    """

    test: int
    train: int
    distance: float
    tail: float

    @property
    def exact(self) -> bool:
        """Whether all their points are the same."""
        return self.distance == 0

    @property
    def repeats(self) -> bool:
        """Whether they are one surface, as far as samples can tell."""
        return self.distance <= MEAN and self.tail <= TAIL


def repeats(store: Store, *, turned: bool = False) -> list[Nearest]:
    """The shapes of test that repeat one of train or valid, in the order of the store.

    Arguments and errors are those of `nearest_in_train`.
    """
    return [pair for pair in nearest_in_train(store, turned=turned) if pair.repeats]


def known_repeats(store: Store, *, cache: Path) -> dict[int, bool]:
    """Test items that repeat an item of train or valid, and whether their points are the very same.

    Found once (some 30 ms a test shape) and kept in `cache`.
    """
    settings = {"store": store.content_hash, "mean": MEAN, "tail": TAIL, "version": _VERSION}
    record = cache / "repeats" / f"{content_key(settings)}.json"
    try:
        return {int(item): bool(exact) for item, exact in read_json(record)["repeats"]}
    except (DataError, OSError, KeyError, TypeError, ValueError):
        pass
    found = {pair.test: pair.exact for pair in repeats(store)}
    write_json(record, {"repeats": [list(pair) for pair in found.items()], "settings": settings})
    return found


def nearest_in_train(store: Store, *, turned: bool = False) -> list[Nearest]:
    """For each test shape the nearest one of train or valid; with folds, of the other folds.

    Of the shapes of train, the sixteen with the most similar descriptors are compared, in any rotation about the
    upright axis. (Of 385 shapes sampled again, among 5,000 of 15 families, all were among these.) Takes about 40 ms a
    shape of test on each core. Empty where there is nothing to compare.

    Args:
        store: of points in farthest-point order, up axis z; where they lie and how large they are does not matter.
        turned: compare with each shape turned about the upright axis by a quarter, a half and three quarters as well,
            and with the mirror images of all four.

    Raises:
        ValueError: the store holds no points.
    """
    if store.kind != "points":
        raise ValueError(f"the store should hold points, got {store.kind}")
    tested, learnt, _ = compared_items(store)
    fewest = store.lengths[np.union1d(tested, learnt)].min(initial=_FIRST * _SHARE)
    first = max(1, int(fewest) // _SHARE)
    turns = TURNS if turned else TURNS[:1]
    sample = lru_cache(_KEPT)(lambda item: SurfaceSample(_scaled(store.rows(item)), first))

    def describe(item: int) -> tuple[bytes, Vector]:
        rows = store.rows(item)[:, :3]
        digest = hashlib.sha256(np.ascontiguousarray(rows).tobytes()).digest()
        return digest, descriptor(_scaled(rows)).astype(np.float32)

    def nearest(item: int, candidates: list[int]) -> Nearest:
        one = SurfaceSample(_scaled(store.rows(item)), first)
        ways = [
            min((one.rough(sample(train), turn), train, way) for way, turn in enumerate(turns)) for train in candidates
        ]
        pairs = [
            Nearest(item, train, *one.distances(sample(train).turned(turns[way])))
            for _, train, way in sorted(ways)[:_NEAREST]
        ]
        return min(pairs, key=lambda pair: pair.distance)

    return pairs_across(
        store,
        describe=describe,
        same=lambda item, other: Nearest(item, other, 0.0, 0.0),
        nearest=nearest,
        candidates=_SPREAD,
        unit="shapes",
    )


def _scaled(rows: NDArray[np.float32]) -> Points:
    """Points around their centroid, at a root mean square distance of 1 from it.

    The largest distance, which the unit sphere goes by, is that of one point and differs more between samples.
    """
    points = rows[:, :3].astype(np.float64)
    points -= points.mean(axis=0)
    return points / max(np.sqrt(np.square(points).sum(axis=1).mean()), np.finfo(np.float32).tiny)


class SurfaceSample:
    """A sample of a surface, to be compared with others.

    Args:
        points: (N, 3), in farthest-point order.
        first: how many of them `rough` looks at, and fit one cloud to another.
    """

    def __init__(self, points: Points, first: int) -> None:
        self.points, self._first = points, points[:first]
        self._tree, self.spacing = _tree(points)
        self._first_tree, self._first_spacing = _tree(self._first)

    def turned(self, turn: Points) -> "SurfaceSample":
        """Its points times a matrix (3, 3)."""
        return self if turn is TURNS[0] else SurfaceSample(self.points @ turn, len(self._first))

    def rough(self, other: "SurfaceSample", turn: Points) -> float:
        """Mean distance of the first points of both, the other's multiplied by `turn`, in units of their spacing."""
        there, _ = self._first_tree.query(other._first @ turn)
        back, _ = other._first_tree.query(self._first @ turn.T)
        return max(float(there.mean()) / self._first_spacing, float(back.mean()) / other._first_spacing)

    def distances(self, other: "SurfaceSample") -> tuple[float, float]:
        """`Nearest.distance` and `Nearest.tail` to another cloud, which is shifted and scaled to lie on this one."""
        scale, shift = self._fit(other)
        there, _ = self._tree.query(other.points * scale + shift)
        back, _ = other._tree.query((self.points - shift) / scale)
        ways = (there / self.spacing, back / other.spacing)
        mean, tail = (max(float(pick(way)) for way in ways) for pick in (np.mean, lambda way: np.quantile(way, 0.98)))
        return max(mean, _NOT_EXACT), tail

    def _fit(self, other: "SurfaceSample") -> tuple[float, Points]:
        """Scale and shift that bring another cloud nearer, step by step (iterative closest points)."""
        scale, shift = 1.0, np.zeros(3)
        for _ in range(_STEPS):
            _, here = self._tree.query(other._first * scale + shift)
            _, there = other._tree.query((self._first - shift) / scale)
            source = np.concatenate([other._first, other.points[there]])
            target = np.concatenate([self.points[here], self._first])
            centred = source - source.mean(axis=0)
            spread = float(np.square(centred).sum())
            # One cloud may be a single place: then there is nothing to scale.
            scale = max(float((centred * target).sum()) / spread, 0.5) if spread > 0 else 1.0
            shift = target.mean(axis=0) - scale * source.mean(axis=0)
        return scale, shift


def _tree(points: Points) -> tuple[Any, float]:
    """A tree of the points, and their mean distance to the nearest other."""
    from scipy.spatial import cKDTree

    tree = cKDTree(points)
    if len(points) < 2:
        return tree, 1.0
    return tree, float(tree.query(points, k=2)[0][:, 1].mean()) or 1.0


# The eight ways to lay a square on itself, about z; the first leaves all as it is.
_QUARTER, _MIRROR = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), np.diag([1.0, -1.0, 1.0])
_ROTATIONS = [np.linalg.matrix_power(_QUARTER, number) for number in range(4)]
TURNS: Sequence[Points] = [*_ROTATIONS, *(turn @ _MIRROR for turn in _ROTATIONS)]


def descriptor(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(108,) numbers that describe the spread of (N, 3) points, invariant to rotation about z.

    Quantiles of height, of distance from the axis and of distance from the centroid; and in each third of the points
    by height, how unevenly they lie around the axis, with one to four maxima.
    """
    x, y, z = points.T
    flat = x * x + y * y
    spreads = np.sort(np.stack([z, np.sqrt(flat), np.sqrt(flat + z * z)]), axis=1)
    layers = np.array_split(np.argsort(z, kind="stable"), _LAYERS)
    around = [_unevenness(x[layer] + 1j * y[layer]) for layer in layers]
    return np.concatenate([spreads[:, (_QUANTILES * len(points)).astype(int)].ravel(), *around])


def _unevenness(places: NDArray[np.complex128]) -> NDArray[np.float64]:
    if not len(places):
        return np.zeros(len(_ORDERS))
    radius = np.abs(places)
    around = places / np.maximum(radius, np.finfo(np.float64).tiny)
    return _WEIGHT * np.array([abs((radius * around**order).mean()) for order in _ORDERS])
