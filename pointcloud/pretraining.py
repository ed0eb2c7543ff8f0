"""The training task of point clouds: subsets of stored points, augmented views, an encoder.

    stored rows (V, B, N, C) -> unit sphere -> a policy a view -> CloudBatch(points, neighbours, kept) -> encoder

With clean neighbours these are found on the stored coordinates, by PointNetLite once for each cloud and before the
first step; whatever moves points afterwards, randomized quantization among them, changes the features and not who is
whose neighbour. In the encoders that find neighbours again in every layer this holds for the first one.
"""

from functools import partial
from inspect import signature
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from randquant.data.bounded_batches import bounded
from randquant.data.repeated_stores import repeated
from randquant.data.store import Store
from randquant.errors import UsageError
from randquant.packed import PackedBatch
from randquant.pointcloud.cloud_views import CloudViews, PackedViews, in_unit_spheres
from randquant.pointcloud.encoders.point_encoder import PointEncoder
from randquant.pointcloud.encoders.pointnet_lite import PointNetLite
from randquant.pointcloud.encoders.registry import ENCODERS
from randquant.pointcloud.encoders.weights import UP, LoadedPointEncoder, save_encoder
from randquant.pointcloud.mixing import cloud_blend
from randquant.pointcloud.points.first_points import filled, require_points
from randquant.pointcloud.points.geometry import unit_sphere
from randquant.pointcloud.preparation import batch_points
from randquant.pointcloud.settings import PointPretraining
from randquant.pointcloud.start import turn_inputs
from randquant.pointcloud.stored_clouds import StoredClouds, WholeClouds, leading_columns
from randquant.training.memory import require_memory
from randquant.training.task import Task
from randquant.training.watching.monitor import KnnMonitor
from randquant.weights.start import Start, data_of, notes_of, start_of
from randquant.weights.training_metadata import metadata_of_run


def build_task(settings: PointPretraining, device: torch.device) -> Task:
    """Everything the loop needs; called once the device is known and the seed is set.

    Raises:
        DataError: a store is missing, empty, not of points, lacks normals that are asked for, or has no shape of as
            many points as are asked for; or a shape is larger than the encoder takes; or the weights to start from
            cannot be opened.
        UsageError: a size the encoder cannot have, batches that are too large, or settings that contradict these
            weights.
    """
    start: Start[LoadedPointEncoder] | None = start_of(settings)
    require_memory(settings, lambda: make_encoder(settings, settings.d), device)
    stores = [Store.open(path, kind="points") for path in settings.data]
    encoder, up = (make_encoder(settings, settings.d), UP) if start is None else (start.encoder(), start.loaded.up)
    encoder.set_part(settings.part)
    turn_inputs(encoder, settings.layout, up)
    find = encoder.neighbourhoods if settings.neighbours == "clean" else None
    if settings.points == "any":
        source: StoredClouds = WholeClouds(stores, settings)
    else:
        # A table of PointNetLite's neighbourhoods takes 10 KB a shape; DGCNN's, of every point, would take 80.
        source = StoredClouds(stores, settings, find if isinstance(encoder, PointNetLite) else None)

    def views_of(wanted: PointPretraining) -> CloudViews | PackedViews:
        policies, local = wanted.view_policies()
        return PackedViews(policies, local) if wanted.points == "any" else CloudViews(policies, find, local)

    def save(path: Path, trained: nn.Module, step: int) -> None:
        about = metadata_of_run(settings, step) | {"splits": " ".join(settings.splits)}
        assert isinstance(trained, PointEncoder)
        save_encoder(path, trained, points=settings.points, up=up, metadata=about)

    monitor = None if settings.monitor is None else knn_monitor(settings, device)
    data = {"stores": [store.content_hash for store in stores], **data_of(start), **({} if up == UP else {"up": up})}
    return Task(
        source,
        views_of(settings),
        encoder,
        encoder.embedding_size(),
        save,
        monitor,
        data,
        [*notes_of(start, settings), *repeated(stores), *source.notes],
        partial(make_encoder, settings),
        partial(cloud_blend, how=settings.mix_points, layout=settings.layout, packed=settings.points == "any"),
        views_of,
    )


def knn_monitor(settings: PointPretraining, device: torch.device) -> KnnMonitor:
    """kNN on the validation split of `settings.monitor`, the first points of each shape, or all."""
    store = Store.open(settings.monitor or Path(), kind="points")
    columns = leading_columns(store, settings.layout)
    require_points(store, settings.points)

    def load(items: NDArray[np.int64]) -> list[Tensor]:
        assert settings.points != "any"
        rows = [filled(store.rows(int(item), 0, settings.points)[:, columns], settings.points) for item in items]
        clouds = torch.from_numpy(np.stack(rows))
        clouds[..., :3] = unit_sphere(clouds[..., :3])
        return list(clouds.to(device).split(64))

    def load_packed(items: NDArray[np.int64]) -> list[PackedBatch]:
        batches = bounded(items.tolist(), lambda item: int(store.lengths[item]), batch_points(device))
        clouds = ([torch.from_numpy(store.rows(item)[:, columns]) for item in batch] for batch in batches)
        return [packed.with_rows(in_unit_spheres(packed)).to(device) for packed in map(PackedBatch.of, clouds)]

    return KnnMonitor(store, seed=settings.seed, load=load_packed if settings.points == "any" else load)


def make_encoder(settings: PointPretraining, width: int) -> PointEncoder:
    """The encoder of these settings, of a width in place of `settings.d`.

    Raises:
        UsageError: a width it cannot have.
    """
    kind, part = ENCODERS[settings.encoder], {"part": settings.part} if settings.part else {}
    if not part.keys() <= signature(kind).parameters.keys():
        raise UsageError(f"--parts is of encoders that take part, and {settings.encoder} does not; leave it out.")
    try:
        return kind(d=width, channels=len(settings.layout), **part)  # type: ignore[arg-type, call-arg]
    except ValueError as error:
        raise UsageError(f"--encoder {settings.encoder} --d {width}: {error}") from None
