"""The Polygon File Format (.ply), text and binary; a file that is not read completely is refused.

Of the libraries, Open3D fills a truncated file up with whatever lay in memory and refuses polygons it cannot flatten,
and trimesh reads fewer faces than a truncated text file says and no binary file whose faces differ in their number of
corners, as Blender writes them. The format is that of Turk (1994): a header of elements and their properties, then
the elements one after the other. Whatever is not asked for (colours, edges, materials) is ignored.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.formats.meshes.polygons import Indices, places_within, strip_triangles
from randquant.data_prep.formats.text import numbers_below_header
from randquant.data_prep.formats.whole_file import read_bytes
from randquant.errors import DataError

_TYPES = {
    **{"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4"},
    **{"int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4"},
    **{"float": "f4", "double": "f8", "float32": "f4", "float64": "f8", "int64": "i8", "uint64": "u8"},
    **{"float16": "f2"},
}
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_REMARKS = ("comment", "obj_info")
_CORNERS = ("vertex_indices", "vertex_index", "vertex_indexes", "indices")  # all are written
_HEADER = re.compile(rb"(?i:ply)[ \t]*\r?[\n\r](.*?)[\n\r]end_header[ \t]*(?:\r\n|\n|\r)", re.DOTALL)


@dataclass(frozen=True)
class Ply:
    """The contents of a file.

    Attributes:
        vertices: (V,) numbers of each property of the vertices by its name: x, y, z and others; lists are left out.
        corners: (sum of counts,) int64 indices of vertices, face after face.
        counts: (F,) corners of each face; strips of triangles are faces of three.
    """

    vertices: dict[str, NDArray]
    corners: Indices
    counts: Indices


@dataclass(frozen=True)
class _Property:
    """One number of each row, of type `dtype`; or a list of them, whose length is of type `count`."""

    name: str
    dtype: np.dtype
    count: np.dtype | None = None

    @property
    def least(self) -> int:
        """Bytes that each row has of it: of its number, or of how many there are."""
        return (self.count or self.dtype).itemsize


@dataclass(frozen=True)
class _Element:
    name: str
    rows: int
    properties: Sequence[_Property]

    @property
    def least(self) -> int:
        """Bytes of a row whose lists are empty."""
        return sum(one.least for one in self.properties)


@dataclass(frozen=True)
class _Values:
    """A property of all rows: its numbers, row after row, and where it is a list, (rows,) how many each has."""

    numbers: NDArray
    counts: NDArray[np.int64] | None = None


def read_ply(path: str | Path) -> Ply:
    """Read the vertices and faces of a file.

    Returns:
        Values as the file has them: neither finite coordinates nor the range of indices is checked.

    Raises:
        DataError: the file is missing, no PLY file, has no vertices with x, y and z, or holds less than its header says
            or more, or has faces whose lists of vertices cannot be told.
    """
    path = Path(path)
    data = read_bytes(path)
    header = _HEADER.match(data)
    if header is None:
        raise DataError(f"{path} {_not_a_header(data)}; restore it or leave it out.")
    text, elements = _read_header(path, header[1].decode("ascii", errors="replace"))
    rest = data[header.end() :]
    body = _Body(path, numbers_below_header(path, rest).view(np.uint8) if text else np.frombuffer(rest, np.uint8))
    found = {element.name: body.read(element) for element in elements}
    body.refuse_more(elements, text)
    columns = {name: values.numbers for name, values in found.get("vertex", {}).items() if values.counts is None}
    if not columns.keys() & {"x", "y", "z"}:
        columns = {name.lower() if name in {"X", "Y", "Z"} else name: numbers for name, numbers in columns.items()}
    if not {"x", "y", "z"} <= columns.keys():
        raise DataError(f"{path} has no vertices with x, y and z; leave it out.")
    corners, counts = _indices(path, found, "face")
    strip = _strip_triangles(*_indices(path, found, "tristrips"))
    return Ply(columns, np.concatenate([corners, strip.ravel()]), np.concatenate([counts, np.full(len(strip), 3)]))


def _not_a_header(data: bytes) -> str:
    """Describe what is wrong with the first lines of a file."""
    if not data:
        return "is empty where a PLY file begins with its header"
    if data[:3].lower() != b"ply":
        return f"begins with {data[:20].decode('ascii', errors='backslashreplace')!r} where a PLY file begins with ply"
    return "does not begin with the header of a PLY file, which ends in the line end_header"


def _indices(path: Path, found: Mapping[str, Mapping[str, _Values]], element: str) -> tuple[Indices, Indices]:
    """The vertex indices in the rows of an element, and how many each row has."""
    lists = {name: one for name, one in found.get(element, {}).items() if one.counts is not None}
    name = next((name for name in _CORNERS if name in lists), None)
    if name is None:
        if not found.get(element):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        # The name is a custom; a list that is alone in its element can mean nothing else.
        if len(lists) != 1:
            held = ", ".join(found[element])
            raise DataError(f"{path} has a {element} without vertex_indices (it has {held}); rename its list.")
        (name,) = lists
    numbers, counts = lists[name].numbers, lists[name].counts
    if (numbers % 1 != 0).any():
        raise DataError(f"{path} has a {element} with a corner that is not an integer; fix it or leave it out.")
    assert counts is not None
    return numbers.astype(np.int64), counts


def _strip_triangles(numbers: Indices, counts: Indices) -> Indices:
    """(F, 3) of strips; -1 ends one and begins the next (Stanford's files)."""
    pieces = [
        part for piece in np.split(numbers, np.cumsum(counts)) for part in np.split(piece, np.flatnonzero(piece == -1))
    ]
    kept = [piece[piece != -1] for piece in pieces]
    return strip_triangles(np.concatenate(kept), np.array([len(piece) for piece in kept]))


def _read_header(path: Path, header: str) -> tuple[bool, list[_Element]]:
    """Whether the file is text, and its elements in their order."""
    lines = [words for line in header.splitlines() if (words := line.split()) and words[0] not in _REMARKS]
    order = _ORDERS.get(lines[0][1]) if lines and len(lines[0]) == 3 and lines[0][0] == "format" else None
    if order is None:
        raise DataError(f"{path} does not say whether it is text or binary in its second line; restore it.")
    types = {name: np.dtype(order + code if order else np.float64) for name, code in _TYPES.items()}
    elements: list[_Element] = []
    properties: list[_Property] = []
    for words in lines[1:]:
        match words:
            case ["element", name, rows] if rows.isdecimal() and len(rows) < 16:
                properties = []
                elements.append(_Element(name, int(rows), properties))
            case ["property", "list", count, kind, *name] if elements and name and {count, kind} <= _TYPES.keys():
                properties.append(_Property(" ".join(name), types[kind], types[count]))
            case ["property", kind, *name] if elements and name and kind in _TYPES:
                properties.append(_Property(" ".join(name), types[kind]))
            case _:
                raise DataError(f"{path} has the line {' '.join(words)[:60]!r} in its header; restore or leave it out.")
    _refuse_doubled(path, "elements", [element.name for element in elements])
    for element in elements:
        _refuse_doubled(path, f"properties of {element.name}", [one.name for one in element.properties])
    return not order, elements


def _refuse_doubled(path: Path, what: str, names: Sequence[str]) -> None:
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise DataError(f"{path} has two {what} called {doubled[:40]}; rename or leave out one of them.")


class _Body:
    """The data after the header, read sequentially.

    Args:
        path: for the error messages.
        data: (n,) bytes; of a text file, those of its numbers in double precision.
    """

    def __init__(self, path: Path, data: NDArray[np.uint8]) -> None:
        self.path, self.data, self.place = path, data, 0

    def read(self, element: _Element) -> dict[str, _Values]:
        """All rows of an element, by property."""
        if not element.rows or not element.properties:
            return {}
        if self.place + element.rows * element.least > len(self.data):
            self._refuse(element)
        return self._regular(element) or self._row_by_row(element)

    def _regular(self, element: _Element) -> dict[str, _Values] | None:
        """Read at once rows whose lists are all as long as those of the first; None if they are not."""
        spans: list[tuple[_Property, int, int]] = []  # where in a row it starts, and how many numbers it has
        width = 0
        for one in element.properties:
            length = 1 if one.count is None else self._count(element, self.place + width, one.count)
            spans.append((one, width, length))
            width += one.least + length * one.dtype.itemsize * (one.count is not None)
        end = self.place + element.rows * width
        if end > len(self.data):
            return None

        def column(start: int, length: int, dtype: np.dtype) -> NDArray:
            shape, steps = (element.rows, length), (width, dtype.itemsize)
            return np.ndarray(shape, dtype, self.data, self.place + start, steps).flatten()

        found = {}
        for one, start, length in spans:
            if one.count is None:
                found[one.name] = _Values(column(start, 1, one.dtype))
                continue
            if (column(start, 1, one.count) != length).any():
                return None
            numbers = column(start + one.least, length, one.dtype)
            found[one.name] = _Values(numbers, np.full(element.rows, length))
        self.place = end
        return found

    def _row_by_row(self, element: _Element) -> dict[str, _Values]:
        starts = np.empty((len(element.properties), element.rows), dtype=np.int64)
        counts = np.ones_like(starts)
        place = self.place
        for row in range(element.rows):
            for column, one in enumerate(element.properties):
                length = 1
                if one.count is not None:
                    length = self._count(element, place, one.count)
                    place += one.count.itemsize
                starts[column, row], counts[column, row] = place, length
                place += length * one.dtype.itemsize
        if place > len(self.data):
            self._refuse(element)
        self.place = place
        found = {}
        for one, first, count in zip(element.properties, starts, counts, strict=True):
            widths = count * one.dtype.itemsize
            numbers = self.data[np.repeat(first, widths) + places_within(widths)].view(one.dtype)
            found[one.name] = _Values(numbers, None if one.count is None else count)
        return found

    def _count(self, element: _Element, place: int, dtype: np.dtype) -> int:
        """The length of the list at an offset."""
        if place + dtype.itemsize > len(self.data):
            self._refuse(element)
        length = np.frombuffer(self.data, dtype, 1, place)[0]
        if not 0 <= length <= len(self.data) or length != int(length):
            raise DataError(
                f"{self.path} has a {element.name} with a list of {length:g} numbers; restore it or leave it out."
            )
        return int(length)

    def refuse_more(self, elements: Sequence[_Element], text: bool) -> None:
        """Refuse data beyond the header's counts: any number in text, a row or more of non-zero bytes in binary."""
        rest = self.data[self.place :]
        row = elements[-1].least if elements and not text else 1
        if len(rest) >= max(row, 1) and (text or rest.tobytes().strip(b"\0\r\n\t ")):
            raise DataError(
                f"{self.path} holds more {'numbers' if text else 'bytes'} than its header says; restore it or "
                "leave it out."
            )

    def _refuse(self, element: _Element) -> None:
        raise DataError(
            f"{self.path} ends before its {element.rows} rows of {element.name} do; it is truncated, restore it."
        )
