"""One picture file: what its header says, and its pixels as upright 8-bit RGB."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from randquant.errors import DataError, one_line
from randquant.extras import needs
from randquant.images.formats.colours import to_rgb
from randquant.images.formats.jpeg import examined_jpeg
from randquant.images.formats.overheard import overheard
from randquant.images.formats.png import require_whole_png

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage
else:
    PillowImage = Any

MOST_PIXELS = 178_956_970  # of a picture, 512 MiB as RGB; Pillow's own limit
# What Pillow may open a file as: no format that runs another program (EPS), and none that is no picture.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "TGA", "JPEG2000", "AVIF", "ICO", "PCX")
_ORIENTATION = 0x0112  # of EXIF
_HEIC = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_RESTORE = "restore it or leave it out"


class Picture:
    """A picture in the bytes of its file; the header is read at once, the pixels when they are asked for.

    Of an animation or a file of several pages it is the first.

    Attributes:
        encoding: "jpeg", "png", "webp", "gif", …, by the content and not by the file's name.
        notes: what was changed, by the names of `randquant.data_prep.notes.READING`; complete once the pixels
            were read.
    """

    def __init__(self, data: bytes, name: str) -> None:
        """Read the header of the file `name` with the content `data`.

        Raises:
            DataError: it is empty, no picture, of a format that is not read, or has too many pixels.
        """
        if not data:
            raise DataError(f"{name} is empty (0 bytes); {_RESTORE}.")
        self._data, self._name = data, name
        with _explained(name):
            self._image = _opened(data, name)
            width, height = self._image.size
            if not 0 < width * height <= MOST_PIXELS:
                raise DataError(_too_large(name, f"{width:,} x {height:,}"))
            self.encoding = {"MPO": "jpeg", "DIB": "bmp"}.get(self._image.format or "", str(self._image.format).lower())
            self.notes: dict[str, int] = {"further_frames": 1} if getattr(self._image, "is_animated", False) else {}

    def pixels(self, *, examine: bool = False) -> NDArray[np.uint8]:
        """The pixels, (H, W, 3) in [0, 255], upright as EXIF tells.

        Args:
            examine: look for damage that the decoders pass over, and keep what they say off the standard error.

        Raises:
            DataError: the file is truncated or damaged, or its colours are not read.
        """
        with _explained(self._name):
            width, height = self._image.size
            plain_jpeg = self.encoding == "jpeg" and self._image.mode in ("L", "RGB")
            pixels = self._examined_jpeg() if examine and plain_jpeg else self._through_pillow(examine=examine)
            if sorted(pixels.shape[:2]) != sorted((height, width)) or pixels.shape[2:] != (3,):
                raise DataError(
                    f"{self._name} decodes to {pixels.shape[1]} x {pixels.shape[0]} pixels where its header says "
                    f"{width} x {height}; {_RESTORE}."
                )
        return pixels

    def _examined_jpeg(self) -> NDArray[np.uint8]:
        pixels, left_over = examined_jpeg(self._data, self._name)
        if left_over:
            self.notes["left_over_bytes"] = left_over
        return self._upright(pixels)

    def _through_pillow(self, *, examine: bool) -> NDArray[np.uint8]:
        if examine and self.encoding == "png":
            require_whole_png(self._data, self._name)
        tiles = getattr(self._image, "tile", ())
        if any(";16" in str(tile[3]) for tile in tiles):
            self.notes["deep_pictures"] = 1
        if self.encoding == "gif" and tiles and tuple(tiles[0][1]) != (0, 0, *self._image.size):
            self.notes["part_frames"] = 1
        self._load(examine=examine)
        return self._upright(np.asarray(to_rgb(self._image, self._name, self.notes)))

    def _load(self, *, examine: bool) -> None:
        """Decode; libtiff gives what it has where a part is damaged, and only says so."""
        if not examine:
            self._image.load()
            return
        said: list[str] = []
        with overheard(said):
            self._image.load()
        if self.encoding == "tiff" and said:
            reason = said[0].strip().split("\n")[0].rstrip(".")[:100]
            raise DataError(f"{self._name} is damaged, a part of the picture is wrong ({reason}); {_RESTORE}.")

    def _upright(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """As `upright`, with a note."""
        found = upright(pixels, self._image)
        if found is not pixels:
            self.notes["turned_pictures"] = 1
        return found


def pillow_pixels(image: PillowImage, name: str, notes: dict[str, int]) -> NDArray[np.uint8]:
    """The pixels of a picture that Pillow holds, (H, W, 3) in [0, 255], upright as its EXIF data tell.

    Args:
        image: the picture.
        name: for messages.
        notes: takes what was changed, as `Picture.notes`.

    Raises:
        DataError: it cannot be decoded, or its colours are not read.
    """
    with _explained(name):
        image.load()
        return upright(np.asarray(to_rgb(image, name, notes)), image)


def upright(pixels: NDArray[np.uint8], image: PillowImage) -> NDArray[np.uint8]:
    """Turned and mirrored as EXIF's orientation tells; asked for after loading, since TIFF is turned by that."""
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # broken EXIF data may fail in any way, and says nothing then
        orientation = 1
    return np.ascontiguousarray(turned(pixels, orientation)) if orientation in range(2, 9) else pixels


def turned(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """(H, W, 3) pixels as EXIF's orientation 1 … 8 tells to show them (Exif 2.32, section 4.6.4).

    >>> turned(np.arange(3, dtype=np.uint8)[:, None, None], 6)[..., 0]
    array([[2, 1, 0]], dtype=uint8)
    """
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    return {
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        6: pixels[:, ::-1],
        7: pixels[::-1, ::-1],
        8: pixels[::-1],
    }.get(orientation, pixels)


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """(H, W, 3) pixels as the bytes of a PNG file, without loss."""
    with needs("images"):
        from PIL import Image
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def _opened(data: bytes, name: str) -> PillowImage:
    with needs("images"):
        from PIL import Image, UnidentifiedImageError
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC:
        return _opened_heic(data, name)
    try:
        return Image.open(io.BytesIO(data), formats=_FORMATS)
    except UnidentifiedImageError:
        raise DataError(
            f"{name} is no picture that can be read (its beginning is damaged, or its format another); restore it, "
            "or convert it to JPEG or PNG."
        ) from None


def _opened_heic(data: bytes, name: str) -> PillowImage:
    from PIL import Image

    try:
        import pillow_heif
    except ImportError:
        raise DataError(f"{name} is HEIC, which needs pillow-heif (pip install pillow-heif); or save JPEG.") from None
    pillow_heif.register_heif_opener()
    return Image.open(io.BytesIO(data), formats=("HEIF",))


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """What a decoder raises becomes one sentence about the file; its warnings are not shown."""
    with needs("images"):
        from PIL import Image
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (DataError, MemoryError, ImportError):
        raise
    except Image.DecompressionBombError:
        raise DataError(_too_large(name, "more")) from None
    except Exception as error:  # broken data may fail in any way at all
        reason = one_line(error)[:100] or type(error).__name__
        raise DataError(f"{name} is truncated or damaged ({reason}); {_RESTORE}.") from None


def _too_large(name: str, size: str) -> str:
    return (
        f"{name} claims {size} pixels where at most {MOST_PIXELS:,} are read, so that no file fills the memory; "
        "scale it down or leave it out."
    )
