"""Encoders of pictures by other people, as the probes and embeddings take them."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from randquant.images.encoders.image_encoder import ImageEncoder
from randquant.weights.foreign.foreign_encoder import ForeignEncoder


class ForeignImageEncoder(ImageEncoder):
    """What a user's function made: pictures (B, 3, H, W) in [0, 1] -> embeddings (B, D).

    Args:
        foreign: as it was opened; its `size` is the side of pictures it takes, 224 by default.
    """

    name: ClassVar[str] = "foreign"
    usual_size: ClassVar[int] = 224
    normalises: ClassVar[bool] = True

    def __init__(self, foreign: ForeignEncoder) -> None:
        super().__init__(size=foreign.whole("size", self.usual_size, 8, 4096))
        self.foreign = foreign.module

    @property
    def arguments(self) -> dict[str, Any]:
        """What was read of it."""
        return {"size": self.size}

    def embedding_size(self) -> int:
        """D."""
        return self.foreign.dimension

    def forward(self, x: Tensor) -> Tensor:
        """Embed a batch."""
        self.check(x)
        return self.foreign(x)

    def example(self) -> Tensor:
        """Two pictures of noise, always the same."""
        return torch.rand(2, 3, self.size, self.size, generator=torch.Generator().manual_seed(0))
