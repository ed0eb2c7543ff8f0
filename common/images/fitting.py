"""Pictures brought to one size: the middle square, scaled; on the CPU, one picture after the other."""

import numpy as np
from numpy.typing import NDArray

from randquant.extras import needs

Pixels = NDArray[np.uint8]


def fitted(pixels: Pixels, size: int, share: float = 1.0) -> Pixels:
    """The middle square of a picture (H, W, 3), scaled to (size, size, 3).

    Args:
        pixels: uint8.
        size: side of the result in pixels.
        share: of the shorter side that the square has; 224/256 in the protocols of ImageNet. A picture of the right
            size comes back as it is, whatever the share: there is nothing to scale.
    """
    height, width = pixels.shape[:2]
    if height == width == size:
        return pixels
    side = share * min(height, width)
    top, left = (height - side) / 2, (width - side) / 2
    return resized(pixels, size, (left, top, left + side, top + side))


def resized(pixels: Pixels, size: int, box: tuple[float, float, float, float] | None = None) -> Pixels:
    """A part of a picture (H, W, 3), scaled to (size, size, 3): bilinear, antialiased where it shrinks.

    Args:
        pixels: uint8.
        size: side of the result in pixels.
        box: left, top, right, bottom in pixels; all of the picture where None.
    """
    with needs("images"):
        from PIL import Image

    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR, box=box))
