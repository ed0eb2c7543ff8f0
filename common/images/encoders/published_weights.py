"""Published encoders of pictures: the tensor names in their files, and class and sizes from the shapes.

| files | prefix | names |
|---|---|---|
| MoCo v1 and v2 | module.encoder_q. | torchvision's |
| MoCo v3, and RQ in MoCo v3 | module.base_encoder. | torchvision's, or timm's for ViT |
| solo-learn | backbone. or encoder. | torchvision's |
| lightly, and re-implementations of BYOL | backbone., online_encoder., ... | the network's children by number |
| torchvision, timm | none | their own |
"""

import math
import re
from pathlib import Path

import torch
from torch import Tensor

from randquant.errors import DataError
from randquant.images.encoders.image_encoder import ImageEncoder
from randquant.images.encoders.registry import ENCODERS
from randquant.images.encoders.resnet import ResNet18, ResNet50
from randquant.images.encoders.small_cnn import SmallCNN
from randquant.images.encoders.vision_transformer import PATCH, ViTBase, ViTSmall, sine_positions
from randquant.weights.state_dict import OTHER_PARTS, Found, Naming, fill_encoder, find_encoder, holds
from randquant.weights.weight_file import Content

OTHER_PART = re.compile("|".join([*OTHER_PARTS, "^fc$", "^encoder_k$", "^key_encoder$"]))
_RESNET = re.compile(r"(conv1|bn1|layer[1-4])\.")
_TRANSFORMER = re.compile(r"(cls_token|pos_embed|patch_embed|blocks|norm)\b")
_CHILDREN = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}
_OF_TORCHVISION = (
    (r"^class_token$", "cls_token"),
    (r"^encoder\.pos_embedding$", "pos_embed"),
    (r"^conv_proj\.", "patch_embed.proj."),
    (r"^encoder\.ln\.", "norm."),
    (r"^encoder\.layers\.encoder_layer_(\d+)\.", r"blocks.\1."),
    (r"\.ln_([12])\.", r".norm\1."),
    (r"\.self_attention\.in_proj_", ".attn.qkv."),
    (r"\.self_attention\.out_proj\.", ".attn.proj."),
    (r"\.mlp\.(0|linear_1)\.", ".mlp.fc1."),
    (r"\.mlp\.(3|linear_2)\.", ".mlp.fc2."),
)


def open_published(content: Content) -> tuple[ImageEncoder, str]:
    """The one encoder in a file, and the report.

    Raises:
        DataError: none, a target network alone, several different ones, or tensors that do not fit or are of unknown
            purpose.
    """
    found = find_encoder(content, NAMINGS, OTHER_PART, ", ".join(ENCODERS))
    with torch.device("meta"):
        encoder, why = _described(content.file, found)
    fill_encoder(content.file, encoder, found.tensors)
    return encoder, found.report(encoder) + why


def is_recognised(content: Content) -> bool:
    """Whether a file names tensors as a known encoder of pictures."""
    return holds(content, NAMINGS)


def _of_resnet(name: str) -> str | None:
    return name if _RESNET.match(name) else None


def _of_children(name: str) -> str | None:
    number, _, rest = name.partition(".")
    return f"{_CHILDREN[number]}.{rest}" if number in _CHILDREN else None


def _of_small_cnn(name: str) -> str | None:
    return name if name.startswith("blocks.") else None


def _of_transformer(name: str) -> str | None:
    return name if _TRANSFORMER.match(name) else None


def _of_torchvision(name: str) -> str | None:
    for pattern, own in _OF_TORCHVISION:
        name = re.sub(pattern, own, name)
    return _of_transformer(name)


NAMINGS = (
    Naming("layer1.0.conv1.weight", _of_resnet),
    Naming("4.0.conv1.weight", _of_children, source="the children of torchvision's network by number"),
    Naming("blocks.0.0.weight", _of_small_cnn),
    Naming("blocks.0.attn.qkv.weight", _of_transformer),
    Naming("encoder.layers.encoder_layer_0.ln_1.weight", _of_torchvision, source="torchvision's transformer"),
)


def _described(file: Path, found: Found) -> tuple[ImageEncoder, str]:
    """A network without tensors, and what its sizes were taken from, where the shapes alone do not say."""
    if "blocks.0.attn.qkv.weight" in found.tensors:
        return _transformer(file, found.tensors)
    if "blocks.0.0.weight" in found.tensors:
        return SmallCNN(width=len(found.tensors["blocks.0.0.weight"]) / 16), ""
    first = found.tensors.get("conv1.weight")
    if first is None or first.ndim != 4:
        raise DataError(f"{file} is for another network than {' or '.join(ENCODERS)}: it has no first convolution.")
    kind = ResNet50 if "layer1.0.conv3.weight" in found.tensors else ResNet18
    size = 32 if first.shape[-1] == 3 else 224
    return kind(width=len(first) / 64, size=size), ""


def _transformer(file: Path, tensors: dict[str, Tensor]) -> tuple[ImageEncoder, str]:
    """The positions tell whose it is: MoCo v3's are fixed, and its small one has twelve heads where others have six."""
    positions = tensors.get("pos_embed")
    sizes = {kind.dimension: kind for kind in (ViTSmall, ViTBase)}
    if positions is None or positions.ndim != 3 or positions.shape[2] not in sizes:
        shape = "none" if positions is None else tuple(positions.shape)
        raise DataError(
            f"{file} is for another network than {' or '.join(ENCODERS)}: expected positions pos_embed of shape "
            f"(1, patches + 1, 384 or 768), got {shape}."
        )
    _, tokens, dimension = positions.shape
    side = math.isqrt(tokens - 1)
    with torch.device("cpu"):
        fixed = side**2 == tokens - 1 and torch.allclose(positions.float(), sine_positions(side, dimension), atol=1e-3)
    heads = 12 if fixed else dimension // 64
    origin = "fixed positions of MoCo v3" if fixed else "learned positions"
    return sizes[dimension](size=max(side, 1) * PATCH, heads=heads), f"; {heads} heads, as by its {origin}"
