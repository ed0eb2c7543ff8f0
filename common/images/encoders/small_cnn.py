"""A small convolutional network that learns in minutes on one core."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from randquant.images.encoders.image_encoder import ImageEncoder, channels, pooled


class SmallCNN(ImageEncoder):
    """Four blocks of a 3x3 convolution and batch norm, halved by a maximum after each but the last; D = 256.

    For pictures of 32 pixels; larger ones leave larger maps, of which the embedding is the mean. The maximum stands
    before the ReLU: values and gradients are the same in this order, at a quarter of the work.

    Args:
        width: factor of every number of channels.
        size: side of the pictures it is trained on; the network does not depend on it.
    """

    name: ClassVar[str] = "small_cnn"
    usual_size: ClassVar[int] = 32

    def __init__(self, width: float = 1.0, size: int | None = None) -> None:
        super().__init__(width, size)
        sizes = [3, *(channels(number, width) for number in (16, 32, 64, 256))]
        self.blocks = nn.ModuleList(
            _block(sizes[place], sizes[place + 1], halved=place < 3) for place in range(len(sizes) - 1)
        )
        self._embedding_size = sizes[-1]

    @property
    def stages(self) -> Mapping[str, nn.Module]:
        """As in `ImageEncoder`."""
        return dict(zip(("stem", "stage1", "stage2", "stage3"), self.blocks, strict=True))

    def embedding_size(self) -> int:
        """256 times the width."""
        return self._embedding_size

    def refuses(self, size: int) -> str | None:
        """As in `ImageEncoder`."""
        return None if size >= 8 else f"{self.name} takes pictures of at least 8 pixels, got {size}."

    def forward(self, x: Tensor) -> Tensor:
        """As in `ImageEncoder`."""
        self.check(x)
        for block in self.blocks:
            x = block(x)
        return pooled(x)


def _block(taken: int, given: int, *, halved: bool) -> nn.Sequential:
    convolution = nn.Conv2d(taken, given, kernel_size=3, padding=1, bias=False)
    parts = [convolution, nn.BatchNorm2d(given), *([nn.MaxPool2d(2)] if halved else []), nn.ReLU(inplace=True)]
    return nn.Sequential(*parts)
