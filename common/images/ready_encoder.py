"""Encoders of pictures that take pictures as users have them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from randquant.images.encoders.registry import ENCODERS
from randquant.images.encoders.weights import LoadedImageEncoder, is_of_pictures, named_encoder
from randquant.loading.ready_encoder import ReadyEncoder
from randquant.weights.weight_file import Content


class ImageReadyEncoder(ReadyEncoder[Tensor]):
    """Arrays, PIL pictures and files -> vectors; `randquant.load` makes it.

    Args:
        loaded: the network and what is known about it.
    """

    modality: ClassVar[str] = "images"
    networks: ClassVar[Mapping[str, type[nn.Module]]] = ENCODERS

    def __init__(self, loaded: LoadedImageEncoder) -> None:
        super().__init__(loaded.encoder, sha256=loaded.sha256, report=loaded.report, metadata=loaded.metadata)

    @classmethod
    def open(cls, name: str, *, seed: int = 42, size: int | None = None) -> Self:
        """Open an encoder; see the class for the options."""
        return cls(named_encoder(name, seed=seed, size=size))

    @classmethod
    def recognises(cls, content: Content) -> bool:
        """Whether they are weights of pictures."""
        return is_of_pictures(content)

    def forward(self, x: Any, *, layer: str = "output") -> Tensor:
        """Vectors of pictures."""
        raise NotImplementedError

    def _embed(self, items: Sequence[Tensor], layer: str) -> Tensor:
        raise NotImplementedError
