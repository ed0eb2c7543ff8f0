"""The columns of a cloud (B, N, C)."""

from collections.abc import Iterable
from dataclasses import dataclass

FILE_ROW = "file_row"  # the channel that says where in its file a point stood


@dataclass(frozen=True)
class Layout:
    """The names of the C columns of a cloud, coordinates first.

    Args:
        channels: one name a column: x, y, z, then any of nx, ny, nz (unit normals), r, g, b (colours) and others
            (part, file_row, one-hot labels, ...), each once. The three normals stand side by side, so do the three
            colours.

    Raises:
        ValueError: the names are out of order, repeated or incomplete.

    >>> layout = Layout.of(["x", "y", "z", "nx", "ny", "nz", "part"])
    >>> layout.normals, layout.colours, len(layout)
    (slice(3, 6, None), None, 7)
    """

    channels: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", tuple(self.channels))
        if self.channels[:3] != ("x", "y", "z"):
            raise ValueError(f"channels should start with x, y, z, got {', '.join(self.channels) or 'none'}.")
        if len(set(self.channels)) != len(self.channels):
            raise ValueError(f"channels should name each column once, got {', '.join(self.channels)}.")
        for triple in (_NORMALS, _COLOURS):
            self._slice(triple)

    @classmethod
    def of(cls, names: Iterable[str]) -> "Layout":
        """The layout of these column names, in order; refuses them as the constructor does."""
        return cls(tuple(names))

    def __len__(self) -> int:
        return len(self.channels)

    @property
    def xyz(self) -> slice:
        """The coordinates: always 0:3."""
        return slice(0, 3)

    @property
    def normals(self) -> slice | None:
        """The unit normals nx, ny, nz, or None."""
        return self._slice(_NORMALS)

    @property
    def colours(self) -> slice | None:
        """The colours r, g, b, or None."""
        return self._slice(_COLOURS)

    @property
    def features(self) -> slice:
        """Everything after the coordinates; empty where there is nothing."""
        return slice(3, len(self.channels))

    def index(self, name: str) -> int:
        """The column of this name.

        Raises:
            ValueError: no column has it.
        """
        if name not in self.channels:
            raise ValueError(f"channels should hold {name}, got {', '.join(self.channels)}.")
        return self.channels.index(name)

    def _slice(self, triple: tuple[str, str, str]) -> slice | None:
        if not set(triple) & set(self.channels):
            return None
        start = self.channels.index(triple[0]) if triple[0] in self.channels else 0
        if self.channels[start : start + 3] != triple:
            raise ValueError(f"channels should hold {', '.join(triple)} side by side, got {', '.join(self.channels)}.")
        return slice(start, start + 3)


_NORMALS = ("nx", "ny", "nz")
_COLOURS = ("r", "g", "b")

XYZ = Layout.of(("x", "y", "z"))
XYZ_NORMALS = Layout.of(("x", "y", "z", *_NORMALS))
