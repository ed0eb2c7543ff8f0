"""The Polygon File Format (.ply), text and binary; a file that is not read completely is refused.

Of the libraries, Open3D fills a truncated file up with whatever lay in memory and refuses polygons it cannot flatten,
and trimesh reads fewer faces than a truncated text file says and no binary file whose faces differ in their number of
corners, as Blender writes them. The format is that of Turk (1994): a header of elements and their properties, then
the elements one after the other. Whatever is not asked for (colours, edges, materials) is ignored.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep.formats.meshes.polygons import strips
from data_prep.formats.ragged import places_within
from data_prep.formats.text_numbers import numbers_below_header
from data_prep.formats.whole_file import read_bytes
from randquant.errors import DataError

_TYPES = {
    **{"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4"},
    **{"int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4"},
    **{"float": "f4", "double": "f8", "float32": "f4", "float64": "f8", "int64": "i8", "uint64": "u8"},
    **{"float16": "f2"},
}
_ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}
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
    corners: NDArray[np.int64]
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class _Property:
    """One number of each row, or a list of them.

    Attributes:
        dtype: of the numbers.
        count: dtype of how many there are; None where it is no list.
    """

    name: str
    dtype: np.dtype
    count: np.dtype | None = None


@dataclass(frozen=True)
class _Element:
    name: str
    rows: int
    properties: Sequence[_Property]


@dataclass(frozen=True)
class _Values:
    """A property of all rows.

    Attributes:
        numbers: row after row.
        counts: (rows,) how many each has.
        is_list: whether rows may have more or fewer than one.
    """

    numbers: NDArray
    counts: NDArray[np.int64]
    is_list: bool = True

    @property
    def whole(self) -> bool:
        """Whether all are integers."""
        return bool((self.numbers % 1 == 0).all())


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
    body = _Body(
        path,
        numbers_below_header(path, data[header.end() :]) if text else np.frombuffer(data[header.end() :], np.uint8),
    )
    found = {element.name: body.read(element) for element in elements}
    body.refuse_more(elements)
    single = {one.name for element in elements for one in element.properties if one.count is None}
    columns = {name: values.numbers for name, values in found.get("vertex", {}).items() if name in single}
    if not columns.keys() & {"x", "y", "z"}:
        columns = {name.lower() if name in {"X", "Y", "Z"} else name: numbers for name, numbers in columns.items()}
    if not {"x", "y", "z"} <= columns.keys():
        raise DataError(f"{path} has no vertices with x, y and z; leave it out.")
    faces, bands = _indices(path, found, "face"), _indices(path, found, "tristrips")
    strip = _strip_triangles(bands)
    corners = np.concatenate([faces.numbers.astype(np.int64), strip.ravel()])
    return Ply(columns, corners, np.concatenate([faces.counts, np.full(len(strip), 3)]))


def _not_a_header(data: bytes) -> str:
    """Describe what is wrong with the first lines of a file."""
    if not data:
        return "is empty where a PLY file begins with its header"
    if data[:3].lower() != b"ply":
        return f"begins with {data[:20].decode('ascii', errors='backslashreplace')!r} where a PLY file begins with ply"
    return "does not begin with the header of a PLY file, which ends in the line end_header"


def _indices(path: Path, found: Mapping[str, Mapping[str, _Values]], element: str) -> _Values:
    """The vertex indices in the rows of an element."""
    lists = {name: values for name, values in found.get(element, {}).items() if values.is_list}
    name = next((name for name in _CORNERS if name in lists), None)
    if name is None and found.get(element):
        # The name is a custom; a list that is alone in its element can mean nothing else.
        if len(lists) != 1:
            held = ", ".join(found[element])
            raise DataError(f"{path} has a {element} without vertex_indices (it has {held}); rename its list.")
        (name,) = lists
    if name is None:
        return _Values(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    if not lists[name].whole:
        raise DataError(f"{path} has a {element} with a corner that is not an integer; fix it or leave it out.")
    return lists[name]


def _strip_triangles(bands: _Values) -> NDArray[np.int64]:
    """(F, 3) of strips; -1 ends one and begins the next (Stanford's files)."""
    numbers = bands.numbers.astype(np.int64)
    breaks = np.cumsum(bands.counts[:-1]) if len(bands.counts) else np.empty(0, dtype=np.int64)
    pieces = [part for piece in np.split(numbers, breaks) for part in np.split(piece, np.flatnonzero(piece == -1))]
    kept = [piece[piece != -1] for piece in pieces]
    return strips(np.concatenate([numbers[:0], *kept]), np.array([len(piece) for piece in kept], dtype=np.int64))


def _read_header(path: Path, header: str) -> tuple[bool, list[_Element]]:
    """Whether the file is text, and its elements in their order."""
    lines = [words for line in header.splitlines() if (words := line.split()) and words[0] not in _REMARKS]
    order = _ORDERS.get(lines[0][1]) if lines and len(lines[0]) == 3 and lines[0][0] == "format" else None
    if order is None:
        raise DataError(f"{path} does not say whether it is text or binary in its second line; restore it.")
    elements: list[_Element] = []
    properties: list[_Property] = []
    for words in lines[1:]:
        match words:
            case ["element", name, rows] if rows.isdecimal() and len(rows) < 16:
                properties = []
                elements.append(_Element(name, int(rows), properties))
            case ["property", "list", count, kind, *name] if elements and name and {count, kind} <= _TYPES.keys():
                numbers, counts = np.dtype(order + _TYPES[kind]), np.dtype(order + _TYPES[count])
                properties.append(_Property(" ".join(name), numbers, counts))
            case ["property", kind, *name] if elements and name and kind in _TYPES:
                properties.append(_Property(" ".join(name), np.dtype(order + _TYPES[kind])))
            case _:
                raise DataError(f"{path} has the line {' '.join(words)[:60]!r} in its header; restore or leave it out.")
    _refuse_doubled(path, "elements", [element.name for element in elements])
    for element in elements:
        _refuse_doubled(path, f"properties of {element.name}", [one.name for one in element.properties])
    return order == "=", elements


def _refuse_doubled(path: Path, what: str, names: Sequence[str]) -> None:
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise DataError(f"{path} has two {what} called {doubled[:40]}; rename or leave out one of them.")


class _Body:
    """The data after the header, read sequentially.

    Text is a row of numbers and binary data a row of bytes, and a property is so many of them wide; otherwise both
    are read alike.

    Args:
        path: for the error messages.
        units: (n,) float64 of a text, uint8 of a binary file.
    """

    def __init__(self, path: Path, units: NDArray) -> None:
        self.path, self.units, self.place = path, units, 0
        self.text = units.dtype != np.uint8

    def read(self, element: _Element) -> dict[str, _Values]:
        """All rows of an element, by property."""
        if not element.rows or not element.properties:
            return {}
        least = sum(self._wide(one.dtype if one.count is None else one.count) for one in element.properties)
        if self.place + element.rows * least > len(self.units):
            self._refuse(element)
        return self._regular(element) or self._row_by_row(element)

    def _regular(self, element: _Element) -> dict[str, _Values] | None:
        """Read at once rows whose lists are all as long as those of the first; None if they are not."""
        spans: list[tuple[np.dtype, int, int, int | None]] = []  # dtype, start, length; what a count should be
        width = 0
        for one in element.properties:
            length = 1
            if one.count is not None:
                length = self._count(element, self.place + width, one.count)
                spans.append((one.count, width, 1, length))
                width += self._wide(one.count)
            spans.append((one.dtype, width, length, None))
            width += length * self._wide(one.dtype)
        end = self.place + element.rows * width
        if end > len(self.units):
            return None
        table = self.units[self.place : end].reshape(element.rows, width)
        found: list[_Values] = []
        for dtype, start, length, expected in spans:
            numbers = self._decoded(table[:, start : start + length * self._wide(dtype)].reshape(-1), dtype)
            if expected is None:
                found.append(_Values(numbers, np.full(element.rows, length)))
            elif (numbers != expected).any():
                return None
        self.place = end
        return {
            one.name: replace(values, is_list=one.count is not None)
            for one, values in zip(element.properties, found, strict=True)
        }

    def _row_by_row(self, element: _Element) -> dict[str, _Values]:
        starts = np.empty((len(element.properties), element.rows), dtype=np.int64)
        counts = np.ones_like(starts)
        place = self.place
        for row in range(element.rows):
            for column, one in enumerate(element.properties):
                length = 1
                if one.count is not None:
                    length = self._count(element, place, one.count)
                    place += self._wide(one.count)
                starts[column, row], counts[column, row] = place, length
                place += length * self._wide(one.dtype)
        if place > len(self.units):
            self._refuse(element)
        self.place = place
        return {
            one.name: _Values(
                self._gathered(starts[column], counts[column], one.dtype), counts[column], one.count is not None
            )
            for column, one in enumerate(element.properties)
        }

    def _gathered(self, starts: NDArray[np.int64], counts: NDArray[np.int64], dtype: np.dtype) -> NDArray:
        """The numbers of lists at given offsets."""
        widths = counts * self._wide(dtype)
        return self._decoded(self.units[np.repeat(starts, widths) + places_within(widths)], dtype)

    def _count(self, element: _Element, place: int, dtype: np.dtype) -> int:
        """The length of the list at an offset."""
        end = place + self._wide(dtype)
        if end > len(self.units):
            self._refuse(element)
        length = self._decoded(self.units[place:end], dtype)[0]
        if not 0 <= length <= len(self.units) or length != int(length):
            raise DataError(
                f"{self.path} has a {element.name} with a list of {length:g} numbers; restore it or leave it out."
            )
        return int(length)

    def refuse_more(self, elements: Sequence[_Element]) -> None:
        """Refuse data beyond the header's counts: any number in text, a row or more of non-zero bytes in binary."""
        rest = self.units[self.place :]
        last = elements[-1].properties if elements else ()
        row = sum(self._wide(one.dtype if one.count is None else one.count) for one in last)
        blank = not self.text and not rest.tobytes().strip(b"\0\r\n\t ")
        if len(rest) >= (1 if self.text else max(row, 1)) and not blank:
            raise DataError(
                f"{self.path} holds more {'numbers' if self.text else 'bytes'} than its header says; restore it or "
                "leave it out."
            )

    def _wide(self, dtype: np.dtype) -> int:
        return 1 if self.text else dtype.itemsize

    def _decoded(self, units: NDArray, dtype: np.dtype) -> NDArray:
        return units if self.text else np.ascontiguousarray(units).view(dtype)

    def _refuse(self, element: _Element) -> None:
        raise DataError(
            f"{self.path} ends before its {element.rows} rows of {element.name} do; it is truncated, restore it."
        )
