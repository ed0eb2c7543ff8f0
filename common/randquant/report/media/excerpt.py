"""What is shown of one item of a store."""

from base64 import b64encode
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Excerpt:
    """An item of which there is nothing to show but its name.

    Attributes:
        item: its number in the store.
    """

    item: int

    @property
    def size(self) -> int:
        """About how many bytes of a page it takes."""
        return 0


@dataclass(frozen=True)
class Sound(Excerpt):
    """The beginning of a recording.

    Attributes:
        mime: of `data`.
        data: the compressed file.
        seconds: of the recording.
        heard: seconds of it that `data` holds.
        outline: (n,) peaks of equal parts of it, in [0, 1].
    """

    mime: str
    data: bytes
    seconds: float
    heard: float
    outline: list[float]

    @property
    def size(self) -> int:
        """As in `Excerpt`."""
        return len(self.data) * 4 // 3 + 16 * len(self.outline)


@dataclass(frozen=True)
class Shape(Excerpt):
    """Points on a grid.

    Attributes:
        points: (n, 3) uint8, x, y, z with z up; a side of the grid is that of the longest axis.
        stored: points of the shape in the store.
    """

    points: NDArray[np.uint8]
    stored: int

    @property
    def size(self) -> int:
        """As in `Excerpt`."""
        return self.points.size * 4 // 3


@dataclass(frozen=True)
class Thumbnail(Excerpt):
    """A small picture.

    Attributes:
        mime: of `data`.
        data: the file.
        width, height: of the stored picture, in pixels.
    """

    mime: str
    data: bytes
    width: int
    height: int

    @property
    def size(self) -> int:
        """As in `Excerpt`."""
        return len(self.data) * 4 // 3


@dataclass(frozen=True)
class Row(Excerpt):
    """Some cells of a row.

    Attributes:
        cells: name and value of each.
        columns: of the table.
    """

    cells: list[tuple[str, str]]
    columns: int

    @property
    def size(self) -> int:
        """As in `Excerpt`."""
        return sum(len(name) + len(value) + 40 for name, value in self.cells)


def data_url(mime: str, data: bytes) -> str:
    """A file inside a page.

    >>> data_url("image/png", b"ab")
    'data:image/png;base64,YWI='
    """
    return f"data:{mime};base64,{b64encode(data).decode()}"
