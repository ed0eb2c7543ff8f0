"""Point Cloud Data files (.pcd, of the Point Cloud Library), text, binary and compressed.

Open3D gives zeros for coordinates in double precision, and whatever lay in memory for the missing rest of a truncated
text file, hence a reader of our own. The format is that of PCL's documentation ("The PCD file format", version 0.7): a
header of fields and their types, then the points; compressed, field after field instead of point after point.
"""

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.formats.clouds.budget import require_budget
from randquant.data_prep.formats.text import numbers_below_header
from randquant.data_prep.formats.whole_file import read_bytes
from randquant.errors import DataError

_HEADER = re.compile(rb"(?:[^\n]{0,9999}\n){0,99}?[ \t]*DATA[ \t]+(\w+)[ \t]*\r?\n", re.IGNORECASE)
_MOST = 1 << 20  # numbers of one field
_KINDS = {"F": "f", "I": "i", "U": "u"}


@dataclass(frozen=True)
class _Field:
    """One field of each point: `count` numbers of type `dtype`. The name "_" is that of padding."""

    name: str
    dtype: np.dtype
    count: int

    @property
    def bytes(self) -> int:
        return self.dtype.itemsize * self.count


def read_pcd(path: str | Path) -> dict[str, NDArray]:
    """Read the fields of a file's points by name, each (N,); padding and fields of several numbers are ignored.

    Raises:
        DataError: the file is missing, no PCD file, or holds less than its header says.
    """
    path = Path(path)
    data = read_bytes(path)
    found = _HEADER.match(data)
    if found is None:
        raise DataError(f"{path} does not begin with the header of a PCD file; restore it or leave it out.")
    fields, points = _read_header(path, found[0].decode("ascii", errors="replace"))
    kind, body = found[1].decode().lower(), data[found.end() :]
    if kind == "ascii":
        # The body is that of a binary file in double precision.
        fields = [replace(one, dtype=np.dtype(np.float64)) for one in fields]
        body = numbers_below_header(path, body).tobytes()
    elif kind == "binary_compressed":
        body = _decompressed(path, body)
    elif kind != "binary":
        raise DataError(f"{path} holds its points as {kind}; expected ascii, binary or binary_compressed.")
    row = sum(one.bytes for one in fields)
    more = len(body) - points * row
    if more < 0:
        raise DataError(f"{path} ends before its {points:,} points do; it is truncated, restore it.")
    if (kind == "ascii" and more) or (kind == "binary" and more >= row > 0):
        what = "numbers" if kind == "ascii" else "points"
        raise DataError(f"{path} holds more {what} than its header says; restore it or leave it out.")
    columns, start = {}, 0
    for one in fields:
        # Compressed, field follows field; otherwise, point follows point.
        step, size = (one.bytes, one.bytes * points) if kind == "binary_compressed" else (row, one.bytes)
        if one.count == 1 and one.name != "_":
            columns[one.name] = np.ndarray((points,), one.dtype, body, start if points else 0, (step,))
        start += size
    return columns


def _read_header(path: Path, header: str) -> tuple[list[_Field], int]:
    """The fields and the number of points."""
    said = {words[0].upper(): words[1:] for line in header.splitlines() if (words := line.split())}
    said.setdefault("FIELDS", said.get("COLUMNS", []))  # as versions before 0.6 call them
    try:
        counts = said.get("COUNT") or ["1"] * len(said["FIELDS"])
        columns = zip(said["FIELDS"], said["TYPE"], said["SIZE"], counts, strict=True)
        fields = [
            _Field(name, np.dtype(f"<{_KINDS[kind.upper()]}{size}"), int(count)) for name, kind, size, count in columns
        ]
        points = _points(path, said)
    except (KeyError, IndexError, ValueError, TypeError):
        raise DataError(f"{path} does not say what its points are made of; restore it or leave it out.") from None
    if points < 0 or any(not 1 <= one.count <= _MOST for one in fields):
        raise DataError(f"{path} says that it holds {points} points of {len(fields)} fields; restore it.")
    return fields, points


def _points(path: Path, said: Mapping[str, Sequence[str]]) -> int:
    """The number of points that the header states, once or twice."""
    size = int(said["WIDTH"][0]) * int(said["HEIGHT"][0]) if {"WIDTH", "HEIGHT"} <= said.keys() else None
    points = int(said["POINTS"][0]) if "POINTS" in said else size
    if points is None:
        raise KeyError("POINTS")
    if size not in (None, points):
        raise DataError(f"{path} says that it has {points:,} points and that it is {size:,} wide and high; restore it.")
    return points


def _decompressed(path: Path, data: bytes) -> bytes:
    try:
        packed, whole = struct.unpack_from("<II", data)
    except struct.error:
        packed, whole = 0, -1
    if whole < 0 or len(data) < 8 + packed:
        raise DataError(f"{path} ends before its compressed points do; it is truncated, restore it.")
    require_budget(path, whole)
    found = lzf(data[8 : 8 + packed], whole)
    if found is None:
        raise DataError(f"{path} has compressed points that cannot be unpacked; restore it or leave it out.")
    return found


def lzf(data: bytes, size: int) -> bytes | None:
    """Decompress LZF (Lehmann's liblzf), which no dependency does; None if `data` does not give `size` bytes.

    Each piece starts with a byte: below 32, so many bytes and one more follow as they are; else its upper three bits
    are the length of a repetition less 2 (7: the next byte is added) and its lower five with the byte that follows are
    how far back, less 1, it begins.
    """
    out = bytearray()
    place = 0
    try:
        while place < len(data) and len(out) <= size:
            control = data[place]
            place += 1
            if control < 32:
                out += data[place : place + control + 1]
                place += control + 1
                continue
            length = control >> 5
            if length == 7:
                length += data[place]
                place += 1
            start = len(out) - ((control & 31) << 8) - data[place] - 1
            place += 1
            if start < 0:
                return None
            piece = out[start : start + length + 2]
            # What is repeated may run into what it adds.
            out += (piece * (-(-(length + 2) // len(piece))))[: length + 2]
    except IndexError:
        return None
    return bytes(out) if len(out) == size and place == len(data) else None
