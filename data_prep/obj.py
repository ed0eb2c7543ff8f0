"""The geometry of Wavefront files (.obj): vertices and faces, read quickly, and as the format means them.

trimesh counts indices from the end of the file where they count back from the line they stand on, takes faces of one
group for equally written (`1/1/1` beside `1//2`), and vertex 0, which does not exist, for the last one; hence a reader
of our own. Texture, normals, groups, materials and curves are passed over.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep.polygons import fans
from data_prep.text_numbers import text_numbers
from data_prep.whole_file import read_bytes
from randquant.errors import DataError

_COMMENT = re.compile(rb"#[^\n]*")
_REFERENCES = re.compile(rb"/[^\s]*")  # of a corner to its texture and normal
_BOM = b"\xef\xbb\xbf"

Lines = Sequence[tuple[int, list[bytes]]]  # number in the file, counted from 1, and words behind the keyword


def read_obj(path: str | Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices and triangles of all objects of a file together; polygons become fans of triangles.

    Returns:
        (V, 3) coordinates and (F, 3) indices from 0: neither finite values nor the largest index is checked.

    Raises:
        DataError: the file is missing, or a line of a vertex or face cannot be read.
    """
    path = Path(path)
    data = read_bytes(path).removeprefix(_BOM).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    data = _COMMENT.sub(b"", data).replace(b"\\\n", b" ")
    vertices: list[tuple[int, list[bytes]]] = []
    faces: list[tuple[int, list[bytes]]] = []
    before: list[int] = []  # vertices above each face
    for number, line in enumerate(data.split(b"\n"), start=1):
        words = line.split()
        if not words:
            continue
        if words[0] == b"v":
            vertices.append((number, words[1:]))
        elif words[0] == b"f":
            faces.append((number, words[1:]))
            before.append(len(vertices))
    places = _read_vertices(path, vertices)
    if not faces:
        return places, np.empty((0, 3), dtype=np.int64)
    return places, _read_faces(path, faces, np.array(before, dtype=np.int64))


def _read_vertices(path: Path, lines: Lines) -> NDArray[np.float64]:
    """(V, 3): the first three numbers of each line; a weight or a colour may follow."""
    numbers = text_numbers(b" ".join(word for _, words in lines for word in words[:3]))
    if numbers is None or any(len(words) < 3 for _, words in lines):
        number, words = next(line for line in lines if len(line[1]) < 3 or _no_numbers(line[1][:3]))
        raise _unreadable(path, number, words, "the three coordinates of a vertex are")
    return numbers.reshape(-1, 3)


def _read_faces(path: Path, lines: Lines, before: NDArray[np.int64]) -> NDArray[np.int64]:
    block = _REFERENCES.sub(b"", b"\n".join(b" ".join(words) for _, words in lines))
    counts = np.array([len(words) for _, words in lines])
    corners = text_numbers(block, np.int64)
    if corners is None or len(corners) != counts.sum():
        number, words = next(line for line in lines if _no_indices(line[1]))
        raise _unreadable(path, number, words, "the corners of a face are")
    if (corners == 0).any():
        face = int(np.searchsorted(np.cumsum(counts), np.flatnonzero(corners == 0)[0], side="right"))
        raise DataError(
            f"{path} line {lines[face][0]} has vertex 0 where vertices count from 1; add 1 to every index of its faces."
        )
    return fans(np.where(corners > 0, corners - 1, np.repeat(before, counts) + corners), counts)


def _no_numbers(words: Sequence[bytes]) -> bool:
    found = text_numbers(b" ".join(words))
    return found is None or len(found) != len(words)


def _no_indices(words: Sequence[bytes]) -> bool:
    found = text_numbers(_REFERENCES.sub(b"", b" ".join(words)), np.int64)
    return found is None or len(found) != len(words)


def _unreadable(path: Path, number: int, words: Sequence[bytes], what: str) -> DataError:
    shown = b" ".join(words)[:60].decode("ascii", errors="backslashreplace")
    return DataError(f"{path} line {number} reads {shown!r} where {what} expected; mend the line.")
