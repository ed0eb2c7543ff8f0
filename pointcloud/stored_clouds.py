"""Stored shapes as batches of bytes: as many points of each, or all of them."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.cli.counted import counted
from randquant.cli.progress import progress
from randquant.data.store import Store
from randquant.draws import fractions
from randquant.errors import DataError, UsageError
from randquant.pointcloud.encoders.registry import ENCODERS
from randquant.pointcloud.points.first_points import filled, require_number
from randquant.pointcloud.points.layout import Layout
from randquant.pointcloud.settings import PointPretraining

Finder = Callable[[Tensor], Tensor]  # coordinates (B, N, 3) -> neighbourhoods (B, M, k)
_MOST = 2**20  # points of a packed batch, all views together


class StoredClouds:
    """Subsets of stored points, as bytes: (views, B, N, C) float32, with neighbourhoods (views, B, M, k) int16.

    Subset s of S holds the stored rows s, s + S, s + 2 S, ...: as rows lie in farthest-point order, every subset is
    spread over the shape, and so is the beginning of each.
    """

    def __init__(self, stores: Sequence[Store], settings: PointPretraining, find: Finder | None = None) -> None:
        self.seed, self.subsets = settings.seed, max(settings.subsets, settings.parts)
        self.views = 1 if self.subsets == 1 else 2
        self.items = [
            (store, item)
            for store in stores
            for item, split in enumerate(store.column("split"))
            if split is None or split in settings.splits
        ]
        if not self.items:
            named = ", ".join(str(store.path) for store in stores)
            raise DataError(f"{named} hold no shapes of --splits {' '.join(settings.splits)}; give others.")
        self.columns = {store.path: leading_columns(store, settings.layout) for store in stores}
        self.notes: list[str] = []
        self.stored_points = self._require_points(stores, settings)
        self.neighbours = None if find is None else self._all_neighbourhoods(find)

    def __len__(self) -> int:
        return len(self.items)

    def order(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """A permutation of the shapes."""
        return generator.permutation(len(self.items))

    def groups(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Every shape is its own group."""
        return positions

    def fetch(self, positions: NDArray[np.int64], epoch: int) -> Tensor | tuple[Tensor, ...]:
        """Subsets of these shapes for the epoch: points, and neighbourhoods where they are found beforehand."""
        subsets = self._subsets(positions, epoch)
        clouds = np.stack(
            [[self.cloud(int(at), int(part)) for at, part in zip(positions, drawn, strict=True)] for drawn in subsets]
        )
        if self.neighbours is None:
            return torch.from_numpy(clouds)
        neighbours = np.stack([self.neighbours[positions, drawn] for drawn in subsets])
        return torch.from_numpy(clouds), torch.from_numpy(neighbours)

    def cloud(self, position: int, subset: int = 0) -> NDArray[np.float32]:
        """One subset of one shape: (N, C) float32."""
        store, item = self.items[position]
        rows = filled(store.rows(item, 0, self.stored_points), self.stored_points)
        return rows[subset :: self.subsets, self.columns[store.path]]

    def _require_points(self, stores: Sequence[Store], settings: PointPretraining) -> int:
        """Points of a shape that are read."""
        points = require_number(settings.points, "this source")
        wanted = points * settings.subsets
        if "resample" in settings.augmentations():  # chooses among as many points as all but short shapes have
            whole = [int(length) for store in stores for length in store.lengths if length >= points]
            wanted = min(whole, default=points)
        for store in stores:
            short, most = int((store.lengths < wanted).sum()), int(store.lengths.max())
            if most < wanted:
                raise DataError(
                    f"{wanted:,} points a shape are asked for (--points times --subsets), but {store.path} has "
                    f"shapes of {most:,} at most; lower them, or prepare it with more --points."
                )
            if short:
                shapes = counted(short, "shapes")
                self.notes.append(f"{shapes} of {store.path} with fewer than {wanted:,} points: theirs are repeated")
        return wanted

    def _subsets(self, positions: NDArray[np.int64], epoch: int) -> list[NDArray[np.int64]]:
        """The subset that each view takes of each shape, never the same one twice."""
        if self.views == 1:
            return [np.zeros_like(positions)]
        first = self._drawn(positions, 2 * epoch, self.subsets)
        return [first, (first + 1 + self._drawn(positions, 2 * epoch + 1, self.subsets - 1)) % self.subsets]

    def _drawn(self, positions: NDArray[np.int64], counter: int, below: int) -> NDArray[np.int64]:
        return np.floor(fractions(positions, seed=self.seed, epoch=counter) * below).astype(np.int64)

    def _all_neighbourhoods(self, find: Finder) -> NDArray[np.integer]:
        """(items, subsets, M, k): found once, 10 KB for each subset of a shape with the usual M and k."""
        found: list[NDArray[np.integer]] = []
        slots = np.int16 if self.stored_points <= 2**15 else np.int32
        for position in progress(range(len(self)), label="neighbourhoods", unit="shapes", total=len(self)):
            clouds = np.stack([self.cloud(position, subset)[:, :3] for subset in range(self.subsets)])
            found.append(find(torch.from_numpy(clouds)).numpy().astype(slots))
        return np.stack(found)


class WholeClouds(StoredClouds):
    """All points of every shape, packed: rows (ΣN, C) float32 and offsets (B + 1,) int64, of one view or of two.

    Raises:
        DataError: a shape has more points than the encoder takes.
        UsageError: a batch of the largest shapes would have more than 1,048,576 points.
    """

    def fetch(self, positions: NDArray[np.int64], epoch: int) -> tuple[Tensor, ...]:
        """Rows and offsets, rows and offsets of these shapes for the epoch."""
        raw: list[Tensor] = []
        for drawn in self._subsets(positions, epoch):
            clouds = [self.cloud(int(at), int(part)) for at, part in zip(positions, drawn, strict=True)]
            offsets = np.cumsum([0, *map(len, clouds)])
            raw += [torch.from_numpy(np.concatenate(clouds)), torch.from_numpy(offsets)]
        return tuple(raw)

    def cloud(self, position: int, subset: int = 0) -> NDArray[np.float32]:
        """One subset of one shape, of a shape of fewer points than subsets the first: (N, C) float32."""
        store, item = self.items[position]
        rows = store.rows(item)
        return rows[subset % len(rows) :: self.subsets, self.columns[store.path]]

    def _require_points(self, stores: Sequence[Store], settings: PointPretraining) -> int:
        lengths = np.array([store.lengths[item] for store, item in self.items])
        store, item = self.items[int(lengths.argmax())]
        reason = ENCODERS[settings.encoder].too_large(-(-int(lengths.max()) // self.subsets))
        if reason is not None:
            raise DataError(f"{store.column('path')[item]} in {store.path}: {reason}")
        views = sum(not each.view.local for each in settings.planned())
        largest = views * int(np.sort(lengths)[-settings.batch_size :].sum()) // self.subsets
        if largest > _MOST:
            raise UsageError(
                f"{'two' if views == 2 else views} views of the {settings.batch_size:,} largest shapes have "
                f"{largest:,} points, more than the {_MOST:,} of a batch of --points any; lower --batch_size, or give "
                "--points a number."
            )
        return int(lengths.max())


def leading_columns(store: Store, layout: Layout) -> slice:
    """The columns of a store that an encoder of this layout reads.

    Raises:
        DataError: the store begins with others.
    """
    held = tuple(store.info.get("channels", ()))
    if held[: len(layout)] != layout.channels:
        raise DataError(
            f"{store.path} begins with the columns {', '.join(held) or 'none'}, but {', '.join(layout.channels)} are "
            "asked for; prepare it with them, or leave out --normals."
        )
    return slice(0, len(layout))
