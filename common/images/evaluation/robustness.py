"""The changes of test pictures that a classifier of clean ones is asked about: JPEG, few levels, noise, blur, contrast.

They are made of the bytes (H, W, 3) that the encoder is to see.
"""

from typing import ClassVar

import torch
from torch import Tensor

from randquant.extras import needs
from randquant.images.augment.blur import blurred
from randquant.images.augment.colour import CONTRAST, blended
from randquant.probes.conditions import corruption
from randquant.probes.conditions.corruption import CorruptionKind


def jpeg(picture: Tensor, quality: float, generator: torch.Generator) -> Tensor:
    """As a JPEG file of this quality shows it."""
    with needs("images"):
        from torchvision.io import ImageReadMode, decode_jpeg, encode_jpeg
    data = encode_jpeg(picture.permute(2, 0, 1).contiguous(), quality=round(quality))
    return decode_jpeg(data, mode=ImageReadMode.RGB).permute(1, 2, 0)


def posterised(picture: Tensor, bits: float, generator: torch.Generator) -> Tensor:
    """With the highest bits of every value alone, at most 2^bits levels a colour."""
    step = 2 ** (8 - round(bits))
    return picture // step * step


def noisy(picture: Tensor, deviation: float, generator: torch.Generator) -> Tensor:
    """With normal noise, its deviation as a share of the range of values."""
    return _bytes(picture + 255.0 * deviation * torch.randn(picture.shape, generator=generator))


def blurry(picture: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
    """Blurred by a Gaussian, its deviation in pixels."""
    x, width = picture.permute(2, 0, 1)[None].float(), torch.tensor([sigma])
    reach = int(3.0 * sigma + 0.5)
    return _bytes(blurred(blurred(x, width, reach, dim=-2), width, reach, dim=-1)[0].permute(1, 2, 0))


def flat(picture: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """With a share of its contrast, about its mean brightness."""
    x = picture.permute(2, 0, 1)[None] / 255.0
    return _bytes(255.0 * blended(x, torch.tensor([share]), torch.tensor([CONTRAST]))[0].permute(1, 2, 0))


class Corruption(corruption.Corruption):
    """A change of pictures (B, H, W, 3), bytes."""

    KINDS: ClassVar = {
        "jpeg": CorruptionKind(jpeg, (50.0, 20.0, 10.0), "quality", 100.0),
        "posterised": CorruptionKind(posterised, (3.0, 2.0), "bits", 8.0),
        "noise": CorruptionKind(noisy, (0.05, 0.1), "deviation over the range", 1.0),
        "blur": CorruptionKind(blurry, (1.0, 2.0), "pixels", 100.0),
        "contrast": CorruptionKind(flat, (0.5, 0.25), "of the contrast", 1.0),
    }


def _bytes(x: Tensor) -> Tensor:
    return x.round().clamp(0.0, 255.0).to(torch.uint8)
