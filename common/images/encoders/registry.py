"""The encoders of pictures by name. A new one needs a line here: flags, weights, embedding and probes follow."""

from typing import TYPE_CHECKING, Literal

from randquant.late_registry import LateRegistry

if TYPE_CHECKING:
    from randquant.images.encoders.image_encoder import ImageEncoder

ENCODERS: LateRegistry["type[ImageEncoder]"] = LateRegistry(
    "randquant.images.encoders",
    {
        "small_cnn": "small_cnn:SmallCNN",
        "resnet18": "resnet:ResNet18",
        "resnet50": "resnet:ResNet50",
        "vit_small_patch16_224": "vision_transformer:ViTSmall",
        "vit_base_patch16_224": "vision_transformer:ViTBase",
    },
)
if TYPE_CHECKING:
    EncoderName = str
else:
    EncoderName = Literal[tuple(ENCODERS)]
