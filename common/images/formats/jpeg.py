"""JPEG through torchvision: its libjpeg tells of damage where Pillow's is silent. Pixels and time are the same."""

import re

import numpy as np
from numpy.typing import NDArray

from randquant.errors import DataError
from randquant.extras import needs
from randquant.images.formats.overheard import overheard

_DAMAGE = re.compile(r"Corrupt JPEG data: (?!\d+ extraneous bytes)|Premature end of JPEG file|Bogus|Unsupported marker")
_LEFT_OVER = re.compile(r"Corrupt JPEG data: (\d+) extraneous bytes")


def examined_jpeg(data: bytes, name: str) -> tuple[NDArray[np.uint8], int]:
    """The pixels as stored, (H, W, 3), not turned by EXIF, and the number of bytes left over in the picture's data.

    libjpeg fills what it cannot decode with gray and goes on; all that tells is a line on the standard error, which is
    read here.

    Raises:
        DataError: a part of the picture is damaged or missing.
        RuntimeError: it is truncated or no JPEG.
    """
    import torch

    with needs("images"):
        from torchvision.io import ImageReadMode, decode_jpeg
    packed = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    said: list[str] = []
    with overheard(said):
        planes = decode_jpeg(packed, mode=ImageReadMode.RGB)
    text = "".join(said)
    damage = next((line.strip() for line in text.splitlines() if _DAMAGE.search(line)), None)
    if damage is not None:
        reason = damage.removeprefix("Corrupt JPEG data: ").rstrip(".")
        raise DataError(f"{name} is damaged, a part of the picture is wrong ({reason}); restore it or leave it out.")
    pixels = np.ascontiguousarray(planes.permute(1, 2, 0).numpy())
    return pixels, sum(int(count) for count in _LEFT_OVER.findall(text))
