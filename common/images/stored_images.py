"""The pictures of a store: uint8 pixels of an item, or of a part of it."""

import numpy as np
from numpy.typing import NDArray

from randquant.data.store import Store
from randquant.errors import DataError
from randquant.images.formats.picture import Picture

KIND = "images"
RAW = "raw"


class StoredImages:
    """The pictures of a store of kind "images".

    A row of such a store is one uint8 number. An item is H * W * 3 pixels where its `encoding` is "raw", else the bytes
    of a JPEG, PNG or WebP file.

    Attributes:
        store: the store.
        heights, widths: (items,) int64, upright.
    """

    def __init__(self, store: Store) -> None:
        """Read the columns `height`, `width` and `encoding`.

        Raises:
            DataError: it is a store of another kind, or not as `scripts.prepare` writes it.
        """
        if store.kind != KIND:
            raise DataError(f"{store.path} holds {store.kind} where {KIND} are expected; give a store of {KIND}.")
        try:
            heights, widths, encodings = (store.column(name) for name in ("height", "width", "encoding"))
        except KeyError as missing:
            raise DataError(f"{store.path} has no column {missing.args[0]}; prepare the store again.") from None
        self.store = store
        self.heights = np.asarray(heights, dtype=np.int64)
        self.widths = np.asarray(widths, dtype=np.int64)
        self._raw = np.asarray([encoding == RAW for encoding in encodings])
        wrong = self._raw & (store.lengths != 3 * self.heights * self.widths)
        if wrong.any():
            raise DataError(
                f"{store.path} is damaged (item {int(np.argmax(wrong))} has not three numbers a pixel); prepare the "
                "store again."
            )

    def __len__(self) -> int:
        return len(self.store)

    @property
    def size(self) -> tuple[int, int] | None:
        """(H, W) where all pictures have the same, else None."""
        same = len(np.unique(self.heights)) == len(np.unique(self.widths)) == 1
        return (int(self.heights[0]), int(self.widths[0])) if same else None

    @property
    def raw(self) -> bool:
        """Whether every item is pixels, none an encoded file."""
        return bool(self._raw.all())

    def picture(self, index: int) -> NDArray[np.uint8]:
        """All pixels of an item: (H, W, 3) uint8, RGB.

        Raises:
            DataError: as `Store.rows`, or an encoded picture cannot be decoded.
        """
        height, width = int(self.heights[index]), int(self.widths[index])
        rows = self.store.rows(index)
        if self._raw[index]:
            return rows.reshape(height, width, 3)
        name = f"{self.store.path} item {index}"
        pixels = Picture(rows.tobytes(), name).pixels()
        if pixels.shape != (height, width, 3):
            raise DataError(f"{name} has {pixels.shape[1]} x {pixels.shape[0]} pixels, not {width} x {height}.")
        return pixels

    def crop(self, index: int, top: int, left: int, height: int, width: int) -> NDArray[np.uint8]:
        """A part of an item's pixels, which lies within it: (height, width, 3) uint8; of raw ones only its lines are
        read.
        """
        if not self._raw[index]:
            return self.picture(index)[top : top + height, left : left + width]
        line = 3 * int(self.widths[index])
        lines = self.store.rows(index, top * line, (top + height) * line)
        return lines.reshape(height, -1, 3)[:, left : left + width]
