"""A labelled store of shapes as a task: its name, items, and points under a protocol."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from randquant.data.features import Features, Items
from randquant.data.labelled_store import items_of, source_of, task_name
from randquant.data.store import Store
from randquant.pointcloud.encoders.weights import LoadedPointEncoder
from randquant.pointcloud.evaluation.protocols import Order, Protocol
from randquant.pointcloud.evaluation.robustness import Corruption
from randquant.pointcloud.evaluation.shape_features import (
    keeps_file_order,
    require_channels,
    shape_features,
    store_layout,
)
from randquant.pointcloud.points.first_points import Points, in_words, require_points
from randquant.probes.items.splits import assignments, official_train

POINTS = 1024  # of a shape where neither command, preset nor encoder says; fewer where shapes have fewer


@dataclass(frozen=True)
class ShapeTask:
    """What is taken of each shape of a store.

    Attributes:
        name: of the dataset where the store names it, else the store's folder name.
        store: of points.
        items: its manifest, with valid back in train, which it was taken from.
        points: taken of each shape; fewer of those that have fewer.
        order: which they are.
        renormalise: whether they are brought to the unit sphere again.
        change: of every shape, whether it is fitted on or asked about; None for none.
    """

    name: str
    store: Store
    items: Items
    points: Points
    order: Order
    renormalise: bool
    change: Corruption | None = None

    @property
    def notes(self) -> list[str]:
        """What is to be said of shapes that have fewer points."""
        short = require_points(self.store, self.points)
        many = f"{short:,} shapes of {self.name} have" if short > 1 else f"1 shape of {self.name} has"
        return [f"{many} fewer than {in_words(self.points)}: each is taken whole"] if short else []

    def features(
        self,
        loaded: LoadedPointEncoder,
        *,
        cache: Path,
        device: str | torch.device = "cpu",
        rows: NDArray[np.int64] | None = None,
        corruption: Corruption | None = None,
    ) -> Features:
        """`evaluation.shape_features.shape_features` with the points and the splits of the task."""
        features = shape_features(
            loaded,
            self.store,
            points=self.points,
            cache=cache,
            device=device,
            order=self.order,
            renormalise=self.renormalise,
            rows=rows,
            corruption=corruption or self.change,
        )
        return replace(features, splits=official_train(features.items).splits)


def open_shape_task(
    store: Store, loaded: LoadedPointEncoder, protocol: Protocol, *, turned: int | None = None
) -> ShapeTask:
    """Describe a store as a task of this protocol and encoder; turned by a seed, as data that are not aligned.

    Raises:
        DataError: the store cannot be probed, lacks a channel the encoder reads, or no shape has as many points.
    """
    items = official_train(items_of(store))
    assignments(items)
    taken = protocol.points or loaded.points or min(POINTS, int(store.lengths.max()))
    require_channels(loaded.encoder.channels, store_layout(store), store.path)
    require_points(store, taken)
    order: Order = protocol.order if keeps_file_order(store) else "farthest"
    name = shape_task_name(store)
    if turned is None:
        return ShapeTask(name, store, items, taken, order, protocol.renormalise)
    change = Corruption("rotation_up", 180.0, turned)
    return ShapeTask(f"{name}-turned", store, items, taken, order, protocol.renormalise, change)


def shape_task_name(store: Store) -> str:
    """modelnet10 or modelnet40 in whatever release, scanobjectnn with its variant, else as the store calls itself.

    Other meshes in ModelNet's tree are called by the store's folder.
    """
    known = source_of(store)
    dataset = str(known.get("dataset"))
    if dataset.startswith("modelnet"):
        classes = known.get("classes_published")
        return f"modelnet{classes}" if classes else store.path.resolve().name
    return task_name(store) + (f"-{known['variant']}" if known.get("variant") else "")
