"""The encoders of pictures by name. A new one needs a line here: flags, weights, embedding and probes follow."""

from typing import TYPE_CHECKING, Literal

from randquant.images.encoders.image_encoder import ImageEncoder
from randquant.images.encoders.resnet import ResNet18, ResNet50
from randquant.images.encoders.small_cnn import SmallCNN
from randquant.images.encoders.vision_transformer import ViTBase, ViTSmall

ENCODERS: dict[str, type[ImageEncoder]] = {
    each.name: each for each in (SmallCNN, ResNet18, ResNet50, ViTSmall, ViTBase)
}
if TYPE_CHECKING:
    EncoderName = str
else:
    EncoderName = Literal[tuple(ENCODERS)]
