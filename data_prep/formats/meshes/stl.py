"""Stereolithography files (.stl), text and binary; a file that is not read completely is refused.

trimesh drops a solid of a text file that is cut off or ends in `end solid`, and takes a binary file whose count of
facets is not that of its size, as many programs write it, for an empty one. Format: 3D Systems,
"StereoLithography Interface Specification" (1989). Corners stay separate, three for each facet; stored normals are
ignored, since the order of the corners says the same.
"""

import re
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.formats.meshes.mesh import Mesh, from_polygons
from randquant.data_prep.formats.text import excerpt, triples
from randquant.data_prep.formats.whole_file import read_bytes
from randquant.errors import DataError

_HEAD = 84  # bytes of a binary file before its facets: remarks, and the count
_FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_FAR = 100.0  # widths of a shape beyond which what looks like a facet is none
_BOM = b"\xef\xbb\xbf"
_UNIT = 0.1  # by which the length of a normal may miss 1

# The line of a solid's begin or end with its name, which may be any words.
_SOLID = re.compile(rb"(?m)^[ \t]*(end[ \t]*)?solid\b[^\n]*?(?=\bfacet\s+normal\b|$)|\bend[ \t]*solid\b[^\n]*")
_APART = re.compile(rb"\bend[ \t]+(facet|loop)\b")
_REMARKS = (b"#", b"//", b";")
_REMARK = re.compile(rb"(?m)^[ \t]*(?:#|//|;)[^\n]*")
_LETTERS = {b"facet": "F", b"normal": "N", b"outer": "O", b"loop": "L", b"vertex": "V", b"endloop": "E"}
_LETTERS |= {b"endfacet": "X"}
_FACETS = re.compile(r"(?:FN?\.{0,3}OL(?:V\.{3}){3,}EX)*")


def read_stl(path: str | Path) -> Mesh:
    """Read the facets of all solids of a file.

    A text file may say `end solid`, or not end its last solid at all. A binary one is read by its size where its count
    says something else. Both are noted.

    Returns:
        values as the file has them: finite or not.

    Raises:
        DataError: the file is missing, no STL file, ends within a facet, or a line of text cannot be read.
    """
    path = Path(path)
    data = read_bytes(path)
    begins = data[:_HEAD].removeprefix(_BOM).lstrip().lower().startswith(b"solid")
    if begins and b"\0" not in data:
        return _read_text(path, data)
    if begins and not _fits(data) and re.search(rb"\bfacet\s+normal\b", data.lower()):
        raise DataError(f"{path} is text with other bytes in it (at {data.index(bytes(1)):,}); restore it.")
    return _read_binary(path, data)


def _fits(data: bytes, order: Literal["little", "big"] = "little") -> bool:
    """Whether the size of a binary file matches its facet count."""
    facets = int.from_bytes(data[_HEAD - 4 : _HEAD], order)
    return len(data) >= _HEAD and len(data) == _HEAD + _FACET.itemsize * facets


def _read_binary(path: Path, data: bytes) -> Mesh:
    if len(data) < _HEAD:
        raise DataError(
            f"{path} is {len(data)} bytes long and does not begin with solid, where an STL file is text or has a head "
            f"of {_HEAD} bytes; restore it or leave it out."
        )
    told = int.from_bytes(data[_HEAD - 4 : _HEAD], "little")
    if not _fits(data) and _fits(data, "big"):
        raise DataError(
            f"{path} is a binary STL file in big-endian order where little-endian is read; export it again."
        )
    there, rest = divmod(len(data) - _HEAD, _FACET.itemsize)
    if told > there and rest:
        raise DataError(
            f"{path} says that it has {told:,} facets and ends within number {there + 1:,}; it is truncated or no STL "
            "file, restore it."
        )
    facets = np.frombuffer(data, _FACET, there, _HEAD)
    notes = {}
    if told < there and told and not _are_facets(facets[told:], facets[:told]):
        rest += (there - told) * _FACET.itemsize
        facets = facets[:told]
    if len(facets) != told:
        notes["stl_counts"] = 1
    if rest:
        _refuse_more_files(path, data, _HEAD + len(facets) * _FACET.itemsize)
        notes["trailing_bytes"] = rest
    corners = facets["corners"].reshape(-1, 3).astype(np.float64)
    return Mesh(corners, np.arange(len(corners)).reshape(-1, 3), notes)


def _refuse_more_files(path: Path, data: bytes, place: int) -> None:
    """Refuse concatenated files."""
    rest = data[place:]
    if (_fits(rest) and len(rest) > _HEAD) or re.match(rb"\s*solid\b[^\n]*\n\s*facet\b", rest.lower()):
        raise DataError(f"{path} holds a second STL file after its {place:,} bytes; split it, or join the meshes.")


def _are_facets(rows: NDArray, known: NDArray) -> bool:
    """Whether the bytes after the counted facets are further facets."""
    corners, places = rows["corners"].reshape(-1, 3).astype(np.float64), known["corners"].reshape(-1, 3)
    if not np.isfinite(corners).all() or not np.isfinite(rows["normal"]).all():
        return False
    low, high = places.min(axis=0).astype(np.float64), places.max(axis=0).astype(np.float64)
    lengths = np.linalg.norm(rows["normal"].astype(np.float64), axis=1)
    near = (np.abs(corners - (low + high) / 2) <= _FAR * (high - low).max()).all()
    units = ((np.abs(lengths - 1) < _UNIT) | (lengths == 0)).all()
    return bool(near and units and (corners.reshape(len(rows), 9) != 0).any(axis=1).all())


def _read_text(path: Path, data: bytes) -> Mesh:
    text, begun, ended = _without_solids(data.removeprefix(_BOM).replace(b"\r", b"\n").lower())
    if b"end " in text or b"end\t" in text:
        text = _APART.sub(rb"end\1", text)
    if any(sign in text for sign in _REMARKS):
        text = _REMARK.sub(b"", text)
    words = text.split()
    letters = "".join([_LETTERS.get(word, ".") for word in words])
    whole = _FACETS.match(letters)
    if whole is None or whole.end() < len(letters):
        raise _broken(path, letters, 0 if whole is None else whole.end())
    rows = [words[place + 1 : place + 4] for place, letter in enumerate(letters) if letter == "V"]
    places = triples(rows)
    if isinstance(places, int):
        wrong = b" ".join(rows[places])
        raise DataError(
            f"{path}{_line(data, wrong)} reads {excerpt(b'vertex ' + wrong)} where three coordinates are "
            "expected; fix it."
        )
    notes = {"unended_solids": begun - ended} if begun > ended else {}
    counts = np.array([facet.count("V") for facet in letters.split("X")[:-1]], dtype=np.int64)
    read = from_polygons(path, places, np.arange(len(rows)), counts)
    return Mesh(read.vertices, read.faces, {**read.notes, **notes})


def _without_solids(text: bytes) -> tuple[bytes, int, int]:
    """The text without the solid and endsolid lines, and the number of either."""
    pieces, names, place = [], [], 0
    found = text.find(b"solid")
    while found >= 0:
        start = max(text.rfind(b"\n", place, found) + 1, place)
        end = text.find(b"\n", found)
        end = len(text) if end < 0 else end
        names += [match[0] for match in _SOLID.finditer(text[start:end])]
        pieces += [text[place:start], _SOLID.sub(b"", text[start:end])]
        place, found = end, text.find(b"solid", end)
    ended = sum(name.lstrip().startswith(b"end") for name in names)
    return b"".join([*pieces, text[place:]]), len(names) - ended, ended


def _line(data: bytes, words: bytes) -> str:
    """Where a line holds these words; nothing if they span several lines."""
    lines = data.lower().replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return next((f" line {number}" for number, line in enumerate(lines, 1) if words in b" ".join(line.split())), "")


def _broken(path: Path, letters: str, place: int) -> DataError:
    """The error for an offset where no facet follows."""
    facets = letters[:place].count("X")
    rest = letters[place:]
    complete = re.match(r"F[^F]*X", rest)
    if rest.startswith("F") and complete is None and "F" not in rest[1:]:
        return DataError(f"{path} ends within facet {facets + 1:,}; it is truncated, restore it.")
    return DataError(
        f"{path} has something other than a facet of three vertices or more after its first {facets:,} facets; fix "
        "it or leave it out."
    )
