"""Encoders of point clouds that take clouds and files of shapes as users have them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from randquant.loading.ready_encoder import ReadyEncoder
from randquant.pointcloud.encoders.named_encoder import named_encoder, split_neighbours
from randquant.pointcloud.encoders.occupancy import PREFIX
from randquant.pointcloud.encoders.registry import ENCODERS
from randquant.pointcloud.encoders.weights import LoadedPointEncoder, is_of_points
from randquant.weights.weight_file import Content


class PointReadyEncoder(ReadyEncoder[Tensor]):
    """Clouds (N, 3), (B, N, 3) and of several sizes, meshes and files of points -> vectors; `randquant.load` makes it.

    Args:
        loaded: the network and what is known about it.
    """

    modality: ClassVar[str] = "points"
    networks: ClassVar[Mapping[str, type[nn.Module]]] = ENCODERS

    def __init__(self, loaded: LoadedPointEncoder) -> None:
        super().__init__(loaded.encoder, sha256=loaded.sha256, report=loaded.report, metadata=loaded.metadata)

    @classmethod
    def open(cls, name: str, *, seed: int = 42, channels: int = 3) -> Self:
        """Open an encoder; see the class for the options."""
        return cls(named_encoder(name, seed=seed, channels=channels))

    @classmethod
    def recognises(cls, content: Content) -> bool:
        """Whether they are weights of point clouds."""
        return is_of_points(content)

    @classmethod
    def file_of(cls, name: str) -> str:
        """The name without `:k=15`, a number of neighbours."""
        return split_neighbours(name)[0]

    @classmethod
    def has_untrained(cls, name: str) -> bool:
        """Whether it is an untrained encoder of point clouds, or a grid of cells."""
        return name.startswith(PREFIX) or super().has_untrained(cls.file_of(name))

    def forward(self, x: Any, *, layer: str = "output") -> Tensor:
        """Vectors of clouds."""
        raise NotImplementedError

    def _embed(self, items: Sequence[Tensor], layer: str) -> Tensor:
        return torch.cat([self.encoder(item[None]) for item in items])
