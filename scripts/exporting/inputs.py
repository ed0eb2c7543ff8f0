"""What the items of a store are for an exported function."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.audio.evaluation.tasks import ClipTask, read_batches, usual_unit
from randquant.audio.spectrogram.logmel import INT16_SCALE
from randquant.data.labelled_store import items_of
from randquant.data.store import Store
from randquant.export.exportable import Exportable
from randquant.images.fitted_pictures import fitted_batch
from randquant.images.stored_images import StoredImages
from randquant.pointcloud.evaluation.shape_features import require_channels, store_layout
from randquant.pointcloud.evaluation.shape_task import POINTS
from randquant.pointcloud.points.first_points import filled

_BATCH = {"audio": 16, "points": 32, "images": 32, "tables": 1024}
Read = Callable[[NDArray[np.int64]], Tensor]


@dataclass(frozen=True)
class Inputs:
    """The items of a store, one after the other, as inputs of one size.

    Attributes:
        store: the store.
        read: the inputs of these items, (b,) numbers.
        batch: items read at a time.
    """

    store: Store
    read: Read
    batch: int

    def batches(self, rows: NDArray[np.int64]) -> Iterator[Tensor]:
        """The inputs of these items (n,), batch by batch, in order."""
        for first in range(0, len(rows), self.batch):
            yield self.read(rows[first : first + self.batch])

    def unlabelled(self, most: int) -> Iterator[Tensor]:
        """Inputs of at most so many training items, spread over the store; of any where there are no training items."""
        split = np.array([each not in ("valid", "test") for each in self.store.column("split")])
        rows = np.flatnonzero(split) if split.any() else np.arange(len(split))
        spread = np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(np.int64)
        return self.batches(rows[spread])


def inputs_of(store: Store, exportable: Exportable) -> Inputs:
    """The items of a store for a function of its kind.

    Raises:
        DataError: its points lack a channel.
    """
    read = {"audio": _clips, "points": _clouds, "images": _pictures, "tables": _rows}[store.kind]
    return Inputs(store, read(store, exportable), _BATCH[store.kind])


def _clips(store: Store, exportable: Exportable) -> Read:
    """Clips of the length that the store is probed at, zeros at the end of shorter ones, longer ones cut."""
    assert exportable.size is not None
    unit, source = usual_unit(store)
    task = ClipTask(store.path.name, store, items_of(store), max(unit, exportable.size.fewest), source)

    def read(rows: NDArray[np.int64]) -> Tensor:
        head = np.ones(len(rows), dtype=bool)
        (clips,) = read_batches(task, rows, pad="tail", head=head, seed=0, epoch=0, batch=len(rows))
        return clips.float() * INT16_SCALE

    return read


def _clouds(store: Store, exportable: Exportable) -> Read:
    """As many points of each as in training; of a smaller cloud all, over and over."""
    layout = store_layout(store)
    wanted = [str(name) for name in exportable.about["channels"]]  # type: ignore[union-attr]
    require_channels(wanted, layout, store.path)
    columns = [layout.index(name) for name in wanted]
    said = exportable.about["points"]
    points = said if isinstance(said, int) else min(POINTS, int(store.lengths.max()))
    points = max(points, exportable.size.fewest if exportable.size else 1)
    return lambda rows: torch.from_numpy(
        np.stack([filled(store.rows(int(row))[:points, columns], points) for row in rows])
    )


def _pictures(store: Store, exportable: Exportable) -> Read:
    pictures, side = StoredImages(store), exportable.about["size"]
    assert isinstance(side, int)
    return lambda rows: fitted_batch(pictures, rows, side)


def _rows(store: Store, exportable: Exportable) -> Read:
    every = torch.from_numpy(store.every_row())
    return lambda rows: every[torch.from_numpy(rows)]
