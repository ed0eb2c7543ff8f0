"""Encoders of tables by other people, as the probes and embeddings take them."""

from typing import Any

import torch
from torch import Tensor, nn

from randquant.weights.foreign.foreign_encoder import ForeignEncoder


class ForeignTableEncoder(nn.Module):
    """What a user's function made: rows (B, F) -> embeddings (B, D).

    Args:
        foreign: as it was opened.
        columns: F.
    """

    def __init__(self, foreign: ForeignEncoder, columns: int) -> None:
        super().__init__()
        self.foreign, self.columns = foreign.module, columns
        self.sizes = [columns]

    @property
    def arguments(self) -> dict[str, Any]:
        """What it is asked with."""
        return {"columns": self.columns}

    def embedding_size(self) -> int:
        """D."""
        return self.foreign.dimension

    def forward(self, x: Tensor) -> Tensor:
        """Embed a batch."""
        return self.foreign(x)

    def example(self) -> Tensor:
        """Two rows of noise, always the same."""
        return torch.randn(2, self.columns, generator=torch.Generator().manual_seed(0))
