"""The network of i-Mix for tables."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from randquant.batch_floor import at_least

_EMBEDDED = 64  # numbers of each block
_PIECES = 4  # of which maxout takes the largest
_FEWEST = 16  # rows that are multiplied at once; matrix products of fewer than 4 take other kernels


class MLP(nn.Module):
    """Blocks of columns, each through a layer of its own, then five layers; the last is reduced by maxout.

    A row (B, F) is cut into blocks; each becomes 64 numbers. Four layers with batch norm and ReLU follow, of 32, 32, 64
    and 64 times the width, and a last one of 128 times the width, of every four numbers of which the largest stays. At
    width 64 it is the published network, with D = 2,048.

    Args:
        blocks: sizes of the blocks, which add up to F; one block for all columns has batch norm and ReLU too.
        width: factor of the layers; D is 32 times as much.

    Raises:
        ValueError: a size or width below 1.

    Source: Lee et al., "i-Mix", ICLR 2021, and its published code.
    """

    name: ClassVar[str] = "MLP"

    def __init__(self, blocks: Sequence[int] = (10, 4, 40), width: int = 64) -> None:
        super().__init__()
        if width < 1 or not blocks or min(blocks) < 1:
            raise ValueError(f"width and the sizes of blocks should be at least 1, got {width} and {list(blocks)}.")
        self.width, self.sizes = width, list(blocks)
        self.embed = BlockEmbedding(self.sizes)
        sizes = [_EMBEDDED * len(blocks), *(factor * width for factor in (32, 32, 64, 64))]
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(taken, given), nn.BatchNorm1d(given), nn.ReLU(inplace=True))
            for taken, given in pairwise(sizes)
        )
        self.last = nn.Linear(sizes[-1], 128 * width)

    @property
    def arguments(self) -> dict[str, Any]:
        """Those of the constructor, JSON values; they make the same network again."""
        return {"blocks": self.sizes, "width": self.width}

    @property
    def stages(self) -> Mapping[str, nn.Module]:
        """Modules behind which a training may quantize or mix."""
        return {"embed": self.embed, **{f"block{number}": layer for number, layer in enumerate(self.layers, 1)}}

    def embedding_size(self) -> int:
        """D."""
        return 128 * self.width // _PIECES

    def forward(self, x: Tensor) -> Tensor:
        """(B, F) -> (B, D).

        Raises:
            ValueError: another number of columns.
        """
        if x.ndim != 2 or x.shape[1] != sum(self.sizes):
            raise ValueError(f"expected rows of shape (B, {sum(self.sizes)}), got {tuple(x.shape)}.")
        rows = x.shape[0]
        # In eval mode the kernels, and the rounding (1.1e-6 apart), are those of any other batch.
        x = self.embed(x if self.training else at_least(_FEWEST, x))
        for layer in self.layers:
            x = layer(x)
        return self.last(x).unflatten(1, (-1, _PIECES)).amax(dim=2)[:rows]


class BlockEmbedding(nn.Module):
    """Each block of columns through a layer of its own: (B, F) -> (B, 64 * blocks).

    Args:
        sizes: of the blocks.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.sizes = list(sizes)
        self.parts = nn.ModuleList(nn.Linear(size, _EMBEDDED) for size in sizes)
        alone = len(self.sizes) == 1
        self.norm = nn.Sequential(nn.BatchNorm1d(_EMBEDDED), nn.ReLU(inplace=True)) if alone else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Embed rows."""
        pieces = x.split(self.sizes, dim=1)
        return self.norm(torch.cat([part(piece) for part, piece in zip(self.parts, pieces, strict=True)], dim=1))
