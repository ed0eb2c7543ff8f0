"""Blocks of convolution 3x3, batch norm, ReLU and maximum over 2x2, one behind the other."""

from collections.abc import Iterator
from itertools import islice

from torch import Tensor, nn

from randquant.kernels.conv_blocks.conv_block import ConvBlock, conv_block, takes

CHANNELS = 64  # of every convolution
PARTS = 4  # modules of a block


class ConvBlocks(nn.Sequential):
    """The modules of all blocks in a row, so that indices, and with them parameter names, are those of published
    weights: (B, 1, F, T) -> (B, 64, F / 2^blocks, T // 2^blocks).

    On a CPU with the extra `fast` a block is one pass of compiled code wherever that can be; its outputs and gradients
    differ from those of the four modules by rounding.
    """

    @classmethod
    def of(cls, count: int) -> "ConvBlocks":
        """So many blocks."""
        return cls(*(part for block in range(count) for part in _block(CHANNELS if block else 1)))

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks():
            x = through(block, x)
        return x

    def blocks(self) -> Iterator[list[nn.Module]]:
        """The modules of each block."""
        parts = iter(self)
        while block := list(islice(parts, PARTS)):
            yield block


def through(block: list[nn.Module], x: Tensor) -> Tensor:
    """The output of a block's modules."""
    if len(block) == PARTS and takes(x, whole := ConvBlock(*block)):  # type: ignore[arg-type]
        return conv_block(x, whole)
    for part in block:
        x = part(x)
    return x


def _block(channels: int) -> tuple[nn.Module, ...]:
    """The maximum stands before the ReLU: values and gradients are the same in this order, at a quarter of the work."""
    convolution = nn.Conv2d(channels, CHANNELS, kernel_size=3, padding=1)
    return convolution, nn.BatchNorm2d(CHANNELS), nn.MaxPool2d(2), nn.ReLU(inplace=True)
