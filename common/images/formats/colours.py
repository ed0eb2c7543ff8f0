"""Any pixels that Pillow reads as 8-bit RGB: what `convert("RGB")` would clip, drop or leave black is done by rule."""

from typing import TYPE_CHECKING, Any

import numpy as np

from randquant.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage
else:
    PillowImage = Any

BACKGROUND = "white"  # below what is transparent
_DEEP_GRAY = ("I;16", "I;16B", "I;16L", "I;16N")
_WITH_ALPHA = ("RGBA", "RGBa", "LA", "La", "PA")


def to_rgb(image: PillowImage, name: str, notes: dict[str, int]) -> PillowImage:
    """The picture in mode RGB.

    Gray is repeated to three channels; 16-bit numbers keep their high byte; what is transparent is laid over white;
    CMYK is converted without a colour profile. Profiles are not applied.

    Args:
        image: loaded.
        name: of the file, for error messages.
        notes: takes a count for each conversion that loses something.

    Raises:
        DataError: its numbers have no range that could be known (32-bit integers, floats), or no colours.
    """
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        return _over_background(image.convert("RGBA"), notes)
    if image.mode in _DEEP_GRAY or (image.mode == "I" and image.format == "PPM"):
        notes["deep_pictures"] = 1
        return _from_gray(np.asarray(image).astype(np.int64) >> 8)
    if image.mode in ("I", "F"):
        kind = "32-bit integers" if image.mode == "I" else "floating-point numbers"
        raise DataError(f"{name} holds {kind}, whose range nothing states; save it with 8 or 16 bits a channel.")
    if image.mode == "CMYK":
        notes["cmyk_pictures"] = 1
    try:
        return image.convert("RGB")
    except ValueError:
        raise DataError(f"{name} has colours of mode {image.mode}, which are not read; save it as RGB.") from None


def _over_background(image: PillowImage, notes: dict[str, int]) -> PillowImage:
    from PIL import Image

    lowest, _ = image.getchannel("A").getextrema()
    if lowest == 255:
        return image.convert("RGB")
    notes["transparent_pictures"] = 1
    below = Image.new("RGBA", image.size, BACKGROUND)
    return Image.alpha_composite(below, image).convert("RGB")


def _from_gray(levels: Any) -> PillowImage:
    from PIL import Image

    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).convert("RGB")
