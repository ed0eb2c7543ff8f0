"""Clouds of a store as an encoder takes them, plain or varied."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.data.store import Store
from randquant.pointcloud.augment.resample import RandomResample
from randquant.pointcloud.augment.scale import RandomAnisotropicScale
from randquant.pointcloud.augment.translation import RandomTranslation
from randquant.pointcloud.evaluation.finetune_settings import FinetuneSettings
from randquant.pointcloud.evaluation.shape_features import require_channels, store_layout
from randquant.pointcloud.points.first_points import filled, require_points
from randquant.pointcloud.preparation import Preparation
from randquant.views import Policy

if TYPE_CHECKING:
    from randquant.pointcloud.encoders.weights import LoadedPointEncoder

_POOL = 1200 / 1024  # points a random subset is taken from, for each point taken, as published


class ShapeViews:
    """Batches of a store's clouds for an encoder, on a device; `settings` say how many points and clouds."""

    def __init__(
        self, loaded: "LoadedPointEncoder", store: Store, settings: FinetuneSettings, device: str | torch.device
    ) -> None:
        require_channels(loaded.encoder.channels, store_layout(store), store.path)
        require_points(store, settings.points)
        self.store, self.device = store, torch.device(device)
        self.points, self.batch_size = settings.points, settings.batch_size
        # The first points of a store are spread over the shape, and so is most of a few more.
        self.pool = min(round(settings.points * _POOL), max(settings.points, int(store.lengths.min())))
        self.prepare = Preparation(loaded, store_layout(store), self.device, renormalise=True)
        self.resample = RandomResample(settings.points)
        self.augment = Policy(RandomAnisotropicScale(layout=loaded.layout), RandomTranslation(0.2))

    def clean(self, rows: NDArray[np.int64]) -> Iterator[Tensor]:
        """The first points of these items, in batches."""
        for part in self._parts(rows):
            yield self.prepare.inputs(self._read(part, self.points))

    def varied(self, rows: NDArray[np.int64], generator: torch.Generator) -> Iterator[Tensor]:
        """Random points, scales and places of these items, in batches."""
        for part in self._parts(rows):
            yield self.vary(part, generator)

    def vary(self, rows: NDArray[np.int64], generator: torch.Generator) -> Tensor:
        """One batch of `varied`: (B, points, C)."""
        clouds = self._read(rows, self.pool)
        return self.augment(self.prepare.inputs(self.resample(clouds, generator=generator)), generator=generator)

    def _read(self, rows: NDArray[np.int64], count: int) -> Tensor:
        clouds = np.stack([filled(self.store.rows(int(row), 0, count), count) for row in rows])
        return torch.from_numpy(clouds).to(self.device)

    def _parts(self, rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        for start in range(0, len(rows), self.batch_size):
            yield rows[start : start + self.batch_size]
