"""From an encoder and a store of shapes to features: the first points of each, or all, as the encoder knows them."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.cli.progress import batch_progress
from randquant.data.bounded_batches import bounded
from randquant.data.features import Features, cached
from randquant.data.labelled_store import items_of
from randquant.data.store import Store
from randquant.errors import DataError
from randquant.pointcloud.encoders.weights import LoadedPointEncoder
from randquant.pointcloud.evaluation.protocols import Order
from randquant.pointcloud.evaluation.robustness import Corruption
from randquant.pointcloud.points.first_points import Points, require_points
from randquant.pointcloud.points.layout import FILE_ROW, Layout
from randquant.pointcloud.preparation import Preparation, batch_points
from randquant.precision import said


def shape_features(
    loaded: LoadedPointEncoder,
    store: Store,
    *,
    points: Points,
    cache: Path,
    device: str | torch.device = "cpu",
    order: Order = "farthest",
    renormalise: bool = True,
    rows: NDArray[np.int64] | None = None,
    corruption: Corruption | None = None,
) -> Features:
    """Embed the shapes of a store once, float32, with the encoder in eval mode; read from `cache` where it was done.

    The first `points` points are taken, changed where there is a corruption, brought to the unit sphere, and turned so
    that the store's up axis z becomes the encoder's. A shape that has fewer is taken whole. Batches are bounded by
    their points, and a shape's features do not depend on who shares its batch.

    Args:
        loaded: the encoder and what it expects.
        store: of points, up axis z.
        points: of each shape, at least 1, or all of them.
        cache: folder of features, keyed by content.
        device: where to compute.
        order: "farthest" takes the first stored points, which are spread over the shape; "file" those that come first
            in the file of the shape, where the store knows (`keeps_file_order`). Both keep the order of the store.
        renormalise: bring what was taken to the unit sphere again; else it keeps the scale of all stored points.
        rows: (n,) items to embed, all where None.
        corruption: changes the clouds before they are embedded.

    Raises:
        DataError: a channel is missing, no shape has as many points, or one has more than the encoder takes.
    """
    layout = store_layout(store)
    require_channels(loaded.encoder.channels, layout, store.path)
    chosen = np.arange(len(store), dtype=np.int64) if rows is None else rows
    require_points(store, points)
    _require_size(loaded, store, chosen, points)
    prepare = Preparation(loaded, layout, device, renormalise=renormalise)

    def batches(start: int) -> Iterator[list[Tensor]]:
        size = (lambda row: int(store.lengths[row])) if points == "any" else lambda row: points
        parts = bounded(chosen[start:].tolist(), size, batch_points(device))
        clouds = (_clouds(store, layout, part, points, order, corruption) for part in parts)
        return batch_progress(
            clouds, label=f"features of {store.path.name}", unit="shapes", total=len(chosen), initial=start
        )

    settings = {
        "weights": loaded.sha256,
        **said(loaded.precision),
        "store": store.content_hash,
        "points": points,
        "order": "first of the file" if order == "file" and keeps_file_order(store) else "farthest",
        "channels": list(loaded.encoder.channels),
        "up": loaded.up,
        "renormalise": renormalise,
        "corruption": None if corruption is None else corruption.facts,
    }
    encode = partial(prepare.embed, points=points)
    return cached(cache, settings, items_of(store).take(chosen), loaded.encoder.embedding_size(), encode, batches)


def _require_size(loaded: LoadedPointEncoder, store: Store, rows: NDArray[np.int64], points: Points) -> None:
    """Refuse shapes that are larger than the encoder takes."""
    largest = rows[store.lengths[rows].argmax()] if len(rows) else 0
    reason = loaded.encoder.too_large(int(store.lengths[largest]) if points == "any" else points)
    if reason is not None:
        raise DataError(f"{store.column('path')[largest]} in {store.path}: {reason}")


def store_layout(store: Store) -> Layout:
    """The column layout of a store's points.

    Raises:
        DataError: the store does not say.
    """
    try:
        return Layout.of(store.info["channels"])
    except (KeyError, TypeError, ValueError):
        raise DataError(
            f"{store.path} does not say what its columns mean (channels in store.json); prepare it again."
        ) from None


def keeps_file_order(store: Store) -> bool:
    """Whether a store knows where in its file each point stood."""
    return FILE_ROW in store_layout(store).channels


def require_channels(wanted: Sequence[str], layout: Layout, source: str | Path) -> None:
    """Refuse clouds from `source` that lack what an encoder reads, with a DataError that names the channels."""
    held = layout.channels
    missing = [name for name in wanted if name not in held]
    if missing:
        raise DataError(
            f"the encoder reads {', '.join(wanted)}, but {source} holds {', '.join(held)}; prepare it with "
            f"{', '.join(missing)}, or choose another --checkpoint."
        )


def _clouds(
    store: Store,
    layout: Layout,
    rows: Sequence[int],
    points: Points,
    order: Order,
    corruption: Corruption | None,
) -> list[Tensor]:
    """The first points of these items, each (n, C) float32."""
    in_file = layout.index(FILE_ROW) if order == "file" and FILE_ROW in layout.channels else None
    if corruption is not None and corruption.of_all:
        whole = (torch.from_numpy(store.rows(row))[None] for row in rows)
        changed = [corruption(cloud, [row], layout)[0] for cloud, row in zip(whole, rows, strict=True)]
        return changed if points == "any" else [cloud[:points] for cloud in changed]
    clouds = [torch.from_numpy(_first(store.rows(row), points, in_file)) for row in rows]
    if corruption is None:
        return clouds
    return [corruption(cloud[None], [row], layout)[0] for cloud, row in zip(clouds, rows, strict=True)]


def _first(cloud: NDArray[np.float32], points: Points, in_file: int | None) -> NDArray[np.float32]:
    if points == "any":
        return cloud
    if in_file is None:
        return cloud[:points]
    first = np.argsort(cloud[:, in_file], kind="stable")[:points]
    return cloud[np.sort(first)]  # in the store's order again: encoders may take the first points for centres
