"""The reader of pictures: decode to upright 8-bit RGB, and store pixels or the file's own bytes."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.engine.plan import Reader
from randquant.data_prep.formats.whole_file import read_bytes
from randquant.images.fitting import fitted
from randquant.images.formats.colours import BACKGROUND
from randquant.images.formats.picture import Picture, encode_png
from randquant.images.stored_images import KIND, RAW

Keep = Literal["auto", "raw", "encoded"]
KEEP: Keep = "auto"

_SUFFIXES = """
    jpg jpeg jpe jfif mpo png apng webp gif bmp dib tif tiff ppm pgm pbm pnm tga jp2 j2k jpx avif ico pcx
"""
_OTHERS = "heic heif svg psd xcf jxl exr hdr dng cr2 cr3 nef arw orf raf rw2 dcm"
PICTURES = tuple(f".{suffix}" for suffix in _SUFFIXES.split())
# Pictures that nothing here decodes, or only with a further package: planned all the same, to be reported.
FOREIGN = tuple(f".{suffix}" for suffix in _OTHERS.split())
SMALL_PIXELS = 128 * 128  # 48 KiB as pixels; larger pictures keep their file's bytes


def pictures_reader(keep: Keep = KEEP) -> Reader:
    """Pictures as rows of uint8; columns `height`, `width`, `encoding`, and what was changed.

    Args:
        keep: "raw", the pixels; "encoded", the bytes of the file where it is a sound JPEG, PNG or WebP of one frame,
            otherwise those of a PNG of the pixels; "auto", raw up to 128 x 128 pixels, or where that takes no more
            bytes than the file, and else encoded.
    """
    return Reader(KIND, partial(read_picture, keep=keep), {"keep": keep, "background": BACKGROUND})


def read_picture(path: Path, keep: Keep = KEEP) -> tuple[dict[str, Any], Iterable[NDArray]]:
    """A picture's columns, which are complete once its rows were read, and its rows in one block.

    Raises:
        DataError: as `randquant.images.formats.picture.Picture`, here or while the rows are read.
    """
    return picture_rows(read_bytes(path), str(path), keep)


def picture_rows(data: bytes, name: str, keep: Keep = KEEP) -> tuple[dict[str, Any], Iterable[NDArray]]:
    """The same of the picture `name`, whose file's bytes are `data`.

    Raises:
        DataError: as `read_picture`.
    """
    picture = Picture(data, name)
    columns: dict[str, Any] = {}

    def blocks() -> Iterator[NDArray]:
        pixels = picture.pixels(examine=True)
        stored, encoding = _as_stored(picture, data, pixels, keep)
        columns.update(zip(("height", "width"), pixels.shape[:2], strict=True))
        columns.update(encoding=encoding, **picture.notes)
        yield stored

    return columns, blocks()


def fitted_reader(size: int, share: float = 1.0) -> Reader:
    """Pictures as the pixels of their middle square, (size * size * 3,) uint8; columns as of `pictures_reader`.

    Args:
        size: side in pixels.
        share: as in `randquant.images.fitting.fitted`.
    """
    return Reader(KIND, partial(read_fitted, size=size, share=share), {"size": size, "share": share})


def read_fitted(path: Path, size: int, share: float) -> tuple[dict[str, Any], Iterable[NDArray]]:
    """The columns of a picture, height and width those of its file, and the pixels of its middle in one block.

    Raises:
        DataError: as `read_picture`.
    """
    columns, blocks = read_picture(path, keep="raw")

    def middle() -> Iterator[NDArray]:
        (pixels,) = blocks
        yield fitted(pixels.reshape(columns["height"], columns["width"], 3), size, share).reshape(-1)

    return columns, middle()


def pixel_columns(height: int, width: int) -> dict[str, Any]:
    """The columns of a picture that is stored as pixels."""
    return {"height": height, "width": width, "encoding": RAW}


def _as_stored(picture: Picture, data: bytes, pixels: NDArray[np.uint8], keep: Keep) -> tuple[NDArray[np.uint8], str]:
    small = pixels.size <= max(3 * SMALL_PIXELS, len(data))
    if keep == "raw" or (keep == "auto" and small):
        return pixels.reshape(-1), RAW
    odd = {"further_frames", "left_over_bytes"} & picture.notes.keys()
    whole = picture.encoding in ("jpeg", "png", "webp") and not odd
    kept, encoding = (data, picture.encoding) if whole else (encode_png(pixels), "png")
    return np.frombuffer(kept, np.uint8), encoding
