"""Residual networks, made by timm; parameter names are those of torchvision and timm.

Source: He et al., "Deep residual learning for image recognition", CVPR 2016; the stem for small pictures is that of
Chen et al., SimCLR (ICML 2020), appendix B.9.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor, nn

from randquant.extras import needs
from randquant.images.encoders.image_encoder import ImageEncoder, channels, pooled

SMALL = 64  # pixels; pictures up to this side take the small stem


class ResNet(ImageEncoder):
    """A residual network without its classifier.

    Pictures up to 64 pixels take a stem of one 3x3 convolution without stride and no maximum pooling; larger ones the
    published 7x7 convolution of stride 2 and a maximum of stride 2. Both take pictures of any other size too. The last
    batch norm of each block starts at zero, as in MoCo v3.

    Args:
        width: factor of every number of channels.
        size: side of the pictures it is trained on.
    """

    usual_size: ClassVar[int] = 224
    initialised_by_fan_out: ClassVar[bool] = True

    def __init__(self, width: float = 1.0, size: int | None = None) -> None:
        super().__init__(width, size)
        with needs("images"):
            from timm import create_model

        stem, *planes = (channels(number, width) for number in (64, 64, 128, 256, 512))
        network: Any = create_model(self.name, channels=tuple(planes), num_classes=0)
        kernel, stride = (3, 1) if self.size <= SMALL else (7, 2)
        self.conv1 = _convolution(3, stem, kernel, stride)
        self.bn1, self.act1 = nn.BatchNorm2d(stem), nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if self.size <= SMALL else nn.MaxPool2d(3, 2, 1)
        for name in ("layer1", "layer2", "layer3", "layer4"):
            self.add_module(name, getattr(network, name))
        if stem != network.conv1.out_channels:
            _take_input(network.layer1[0], stem)
        self._embedding_size: int = network.num_features

    @property
    def stages(self) -> Mapping[str, nn.Module]:
        """As in `ImageEncoder`."""
        return {"stem": self.maxpool} | {name: getattr(self, name) for name in ("layer1", "layer2", "layer3", "layer4")}

    def embedding_size(self) -> int:
        """512 or 2,048 times the width."""
        return self._embedding_size

    def forward(self, x: Tensor) -> Tensor:
        """As in `ImageEncoder`."""
        self.check(x)
        x = self.act1(self.bn1(self.conv1(x)))
        for stage in self.stages.values():
            x = stage(x)
        return pooled(x)


class ResNet18(ResNet):
    """Of two 3x3 convolutions a block: 11.2 million parameters, D = 512."""

    name: ClassVar[str] = "resnet18"
    usual_size: ClassVar[int] = 32


class ResNet50(ResNet):
    """Of bottlenecks: 23.5 million parameters, D = 2,048."""

    name: ClassVar[str] = "resnet50"


def _take_input(block: Any, taken: int) -> None:
    """Let the first block of a network take another number of channels than timm's 64."""
    given = block.bn3.num_features if hasattr(block, "bn3") else block.bn2.num_features
    block.conv1 = _convolution(taken, block.conv1.out_channels, block.conv1.kernel_size[0])
    block.downsample = None if taken == given else nn.Sequential(_convolution(taken, given, 1), nn.BatchNorm2d(given))


def _convolution(taken: int, given: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    made = nn.Conv2d(taken, given, kernel, stride, kernel // 2, bias=False)
    nn.init.kaiming_normal_(made.weight, mode="fan_out", nonlinearity="relu")
    return made
