"""What a user has of pictures -> bytes (size, size, 3) as an encoder sees them."""

from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from randquant.errors import DataError, UsageError
from randquant.images.fitting import Pixels, fitted
from randquant.images.formats.picture import Picture, pillow_pixels
from randquant.loading.ready_encoder import as_array

Axes = Literal["HW", "HWC", "CHW", "BHW", "BHWC", "BCHW"]
_COLOURS = (1, 3, 4)


def read_pictures(x: Any, axes: Axes | None, size: int, notes: list[dict[str, int]]) -> tuple[list[Pixels], bool]:
    """The middle squares of the pictures in an input, (size, size, 3) each, and whether it is one alone.

    Args:
        x, axes: as in a call of `randquant.images.ready_encoder.ImageReadyEncoder`.
        size: in pixels.
        notes: takes what was changed in each picture, as `Picture.notes`.

    Raises:
        DataError: a file or an array cannot be taken.
        UsageError: axes that do not fit or may be read in more than one way, or something else altogether.
    """
    if axes is not None and axes not in get_args(Axes):
        raise UsageError(f"axes={axes!r} should be one of {', '.join(get_args(Axes))}.")
    if isinstance(x, list | tuple):
        found = [_read(f"picture {place}", each, axes, notes) for place, each in enumerate(x)]
        return [fitted(pixels, size) for each in found for pixels in each[0]], False
    pictures, single = _read("the picture", x, axes, notes)
    return [fitted(pixels, size) for pixels in pictures], single


def _read(name: str, x: Any, axes: Axes | None, notes: list[dict[str, int]]) -> tuple[list[Pixels], bool]:
    from PIL import Image

    if isinstance(x, str | Path):
        picture = Picture(_content(Path(x)), str(x))
        pixels = picture.pixels(examine=True)
        notes.append(picture.notes)
        return [pixels], True
    if isinstance(x, Image.Image):
        notes.append({})
        return [pillow_pixels(x, name, notes[-1])], True
    array = _as_bytes(name, as_array(name, x))
    order = axes or _axes(name, array.shape)
    if len(order) != array.ndim:
        raise UsageError(f"{name} has the shape {array.shape}, to which axes={axes!r} does not belong.")
    if "C" not in order:
        array, order = array[..., None], f"{order}C"
    channels = order.index("C")
    if array.shape[channels] not in _COLOURS or 0 in array.shape[order.startswith("B") :]:
        raise UsageError(f"{name} has the shape {array.shape}; expected 1, 3 or 4 colours, and at least a pixel.")
    last = np.moveaxis(array, channels, -1)
    single = not order.startswith("B")
    return [_rgb(pixels, name, notes) for pixels in (last[None] if single else last)], single


def _axes(name: str, shape: tuple[int, ...]) -> str:
    """The order of axes that a shape tells."""
    if len(shape) == 2:
        return "HW"
    batched = "B" * (len(shape) == 4)
    fits = [axes for axes, place in (("HWC", -1), ("CHW", -3)) if len(shape) in (3, 4) and shape[place] in (3, 4)]
    if len(fits) != 1:
        raise UsageError(
            f'{name} has the shape {shape}, whose axes can be read in more than one way or none; say axes="HWC" for '
            'colours last, "CHW" for colours first, "BHW" for a batch of gray ones, or "BHWC", "BCHW".'
        )
    return batched + fits[0]


def _as_bytes(name: str, array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array
    if not np.issubdtype(array.dtype, np.floating):
        raise DataError(f"{name} holds {array.dtype.name}; give bytes (uint8), or floats in [0, 1].")
    if array.size and not (array.min() >= 0.0 and array.max() <= 1.0):  # NaN too
        raise DataError(
            f"{name} holds floats outside [0, 1], or NaN; give them in [0, 1], before they are normalised, or as bytes."
        )
    return np.rint(array * 255).astype(np.uint8)


def _rgb(pixels: NDArray[np.uint8], name: str, notes: list[dict[str, int]]) -> Pixels:
    from PIL import Image

    notes.append({})
    if pixels.shape[-1] == 3:
        return np.ascontiguousarray(pixels)
    if pixels.shape[-1] == 1:
        return np.repeat(pixels, 3, axis=-1)
    return pillow_pixels(Image.fromarray(np.ascontiguousarray(pixels)), name, notes[-1])


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # of a name that no file can have, ValueError
        raise DataError(f"{path} cannot be read ({getattr(error, 'strerror', error)}); check the path.") from None
