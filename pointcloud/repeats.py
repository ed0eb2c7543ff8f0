"""Shapes of test that repeat a shape of train: the very same points, or another sample of the same surface.

Two samples of one surface lie about half as far from each other as the points of each lie apart; two surfaces lie
farther. So distances are measured in units of that spacing, which makes them comparable across shapes of any area.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from randquant.progress import bar
from randquant.store import Store

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

# Between two samples of one surface: the largest that was measured and a tenth more; see `distances`. No result of any
# classifier had a part in it.
MEAN, TAIL = 0.8, 2.2
_POINTS = (
    512  # compared at most; a quarter of the stored points, so that they are evenly spread in any order of drawing
)
_SHARE = 4
_CANDIDATES = 8  # shapes of train that are compared with each of test
_QUANTILES = np.linspace(0, 1, 33)[:-1] + 1 / 64
_BLOCK = 1 << 23  # descriptors' distances held at once
_NOT_EXACT = 1e-9  # at least, between the same points in another order
_TREES = 4096  # of shapes of train, kept for the next comparison


@dataclass(frozen=True)
class Nearest:
    """A shape of test and the shape of train that is most like it.

    Attributes:
        test, train: items of the store.
        distance: mean distance of their points to each other, beside that of the points of each; 0 where they are the
            same points.
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


def nearest_in_train(store: Store, *, turned: bool = False) -> list[Nearest]:
    """For each shape of test the nearest of train or valid.

    Of the shapes of train those few are compared whose points are spread alike: in height, and in distance from the
    upright axis and from the centroid. Takes about 30 ms a shape of test.

    Args:
        store: of points in farthest-point order, in the unit sphere, up axis z.
        turned: compare with each shape turned about the upright axis by a quarter, a half and three quarters as well,
            and with the mirror images of all four; takes eight times as long.

    Returns:
        one for each item of test; empty where the store has none, or none to learn from.

    Raises:
        ValueError: the store holds no points.
    """
    if store.kind != "points":
        raise ValueError(f"the store should hold points, got {store.kind}")
    tested = store.select("test")
    learnt = np.concatenate([store.select("train"), store.select("valid")])
    if not len(tested) or not len(learnt):
        return []
    count = max(1, min(_POINTS, int(store.lengths[np.concatenate([tested, learnt])].min()) // _SHARE))
    known = {_content(store, item): int(item) for item in learnt[::-1]}
    likely = _candidates(_descriptors(store, tested), _descriptors(store, learnt))
    compare = _Comparison(store, count, turned)
    found = []
    with bar(label="comparing", unit="shapes", total=len(tested)) as display:
        for item, places in zip(tested.tolist(), likely, strict=True):
            same = known.get(_content(store, item))
            if same is not None:
                found.append(Nearest(item, same, 0.0, 0.0))
            else:
                found.append(min((compare(item, int(train)) for train in learnt[places]), key=lambda n: n.distance))
            display.update(1)
    return found


def _content(store: Store, item: int) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(_points(store, item)).tobytes()).digest()


def _points(store: Store, item: int) -> NDArray[np.float32]:
    return store.rows(item)[:, :3]


def _descriptors(store: Store, items: NDArray[np.int64]) -> NDArray[np.float32]:
    """(n, 96): quantiles of height, of distance from the upright axis and of that from the centroid.

    None of them changes when a shape is turned about the upright axis or mirrored.
    """
    rows = np.empty((len(items), 3 * len(_QUANTILES)), dtype=np.float32)
    for row, item in enumerate(items):
        points = _points(store, item)
        x, y, z = (points - points.mean(axis=0)).T
        flat = x * x + y * y
        spreads = np.sort(np.stack([z, np.sqrt(flat), np.sqrt(flat + z * z)]), axis=1)
        rows[row] = spreads[:, (_QUANTILES * len(points)).astype(int)].ravel()
    return rows


def _candidates(tested: NDArray[np.float32], learnt: NDArray[np.float32]) -> NDArray[np.int64]:
    """(tests, candidates) places of the rows of `learnt` nearest to each row of `tested`, nearest first."""
    rows = torch.from_numpy(learnt)
    count = min(_CANDIDATES, len(learnt))
    parts = torch.from_numpy(tested).split(max(1, _BLOCK // len(learnt)))
    nearest = [torch.cdist(part, rows).topk(count, largest=False).indices for part in parts]
    return torch.cat(nearest).numpy()


class _Comparison:
    """Compares two items of a store by their first points; what is known of one serves for the next."""

    def __init__(self, store: Store, count: int, turned: bool) -> None:
        self._store, self._count = store, count
        self._turns = _turns() if turned else _turns()[:1]
        self._of_train = lru_cache(_TREES)(self._tree)
        self._of_test = lru_cache(1)(self._tree)

    def __call__(self, test: int, train: int) -> Nearest:
        """The nearest of the ways to lay one on the other."""
        (tree, gap), (other, other_gap) = self._of_test(test), self._of_train(train)
        unit = (gap + other_gap) / 2 or 1.0
        mean, tail = min((distances(tree, other, turn) for turn in self._turns), key=lambda pair: pair[0])
        return Nearest(test, train, max(mean / unit, _NOT_EXACT), tail / unit)

    def _tree(self, item: int) -> tuple["cKDTree", float]:
        """An item's first points, and how far they lie apart."""
        from scipy.spatial import cKDTree

        points = np.asarray(_points(self._store, item)[: self._count], dtype=np.float64)
        tree = cKDTree(points)
        return tree, float(tree.query(points, k=min(2, len(points)))[0].reshape(len(points), -1)[:, -1].mean())


def distances(one: "cKDTree", other: "cKDTree", turn: NDArray[np.float64]) -> tuple[float, float]:
    """How far two clouds lie from each other: on average, and for the farthest 2 % of the points.

    The larger of both directions. Measured on two samples each of
    the same surface, in units of the spacing.

    Args:
        one, other: trees of (n, 3) points.
        turn: (3, 3) that the points of `other` are multiplied by first.
    """
    there, _ = one.query(other.data @ turn)
    back, _ = other.query(one.data @ turn.T)
    return max(float(there.mean()), float(back.mean())), max(float(np.quantile(way, 0.98)) for way in (there, back))


def _turns() -> Sequence[NDArray[np.float64]]:
    """The eight ways to lay a square on itself, about z; the first leaves all as it is."""
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    mirror = np.diag([1.0, -1.0, 1.0])
    turns = [np.linalg.matrix_power(quarter, number) for number in range(4)]
    return [*turns, *(turn @ mirror for turn in turns)]
