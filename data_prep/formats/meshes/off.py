"""The text Object File Format (.off), with a fast path; a file that is not read completely is refused.

The libraries read real files wrong: Open3D reads nothing of ModelNet's merged headers (`OFF490 518 0` in bathtub and
others), and both trimesh and Open3D read the faces that a truncated file still has, and no face of
tests/data_prep/cases/points/wrapped.off, whose faces go on over lines.

Files in the wild differ from the format's description (Geomview, "OFF: Object File Format"): counts stand right
after the word OFF or stick to it (`OFF490 518 0`), edges are not counted, comments and blank lines stand anywhere,
colours follow a face, faces have any number of corners, letters before OFF stand in any order, and lines end where they
like. All of that is read. Vertices and faces must be there in full, and no further faces may follow them.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from randquant.data_prep.formats.meshes.mesh import Mesh, from_polygons
from randquant.data_prep.formats.text import excerpt, text_numbers, triples
from randquant.data_prep.formats.whole_file import read_bytes
from randquant.errors import DataError

# Letters before OFF announce columns after x, y, z: texture (ST), colour (C), normal (N). 4 and n mean other spaces.
_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?((?:ST|C|N|4|n){0,6}OFF|(?:st|c|n){0,3}off)(?![A-Za-z])[ \t]*(.*)", re.DOTALL)
_MORE = {b"ST": (2,), b"N": (3,), b"C": (4, 3)}  # numbers that each of them adds to a vertex
_COUNTS = re.compile(rb"([0-9]{1,15})[ \t]+([0-9]{1,15})([ \t].*)?")
_BINARY = re.compile(rb"(?i)\s*[A-Z4]*OFF[ \t]+BINARY")
_COMMENT = re.compile(rb"#[^\n]*")
_HEAD = 1 << 10  # bytes in which the first three lines end, if they are those of an OFF file

Lines = Sequence[tuple[int, bytes]]  # number in the file, counted from 1, and text


@dataclass(frozen=True)
class _Counts:
    """The vertex and face counts of the header."""

    vertices: int
    faces: int
    line: int  # number of the line that told
    kind: bytes  # the word OFF with the letters before it
    rest: bytes  # what else stands on that line: the number of edges, and all of the file where it is one line


def read_off(path: str | Path) -> Mesh:
    """Read the vertices and triangles of a text OFF file.

    Returns:
        values as the file has them: neither finite coordinates nor the range of indices is checked.

    Raises:
        DataError: the file is missing, binary, no OFF file, holds fewer vertices or faces than it says, or a line
            cannot be read.
    """
    path = Path(path)
    data = read_bytes(path)
    if b"\0" in data or _BINARY.match(data):
        raise DataError(f"{path} is a binary OFF file and only text is read; export it as text.")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return _read_regular(path, data) or _read_any(path, data)


def _read_regular(path: Path, data: bytes) -> Mesh | None:
    """Read at once a file with one line per vertex and face and faces of one size; None for any other."""
    head = [(number, line) for number, line in enumerate(data[:_HEAD].splitlines()[:3], start=1) if line.strip()]
    if len(head) < 2 or any(b"#" in line for _, line in head):
        return None
    counts = _read_counts(path, head)
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n")) + 1
    ends = ends if data.endswith(b"\n") else np.append(ends, len(data))
    last_vertex = counts.line + counts.vertices
    if last_vertex + counts.faces > len(ends) or not counts.vertices or not counts.faces:
        return None
    bounds = ends[[counts.line - 1, last_vertex - 1, last_vertex + counts.faces - 1]].tolist()
    vertices = _table(data[bounds[0] : bounds[1]], counts.vertices, np.float64)
    faces = _table(data[bounds[1] : bounds[2]], counts.faces, np.int64)
    if vertices is None or faces is None or vertices.shape[1] < 3:
        return None
    size = int(faces[0, 0])
    if not 3 <= size < faces.shape[1] or (faces[:, 0] != size).any():
        return None
    _refuse_more(path, counts, data[bounds[2] :].lstrip().partition(b"\n")[0])
    corners = np.ascontiguousarray(faces[:, 1 : size + 1])
    return from_polygons(path, np.ascontiguousarray(vertices[:, :3]), corners.ravel(), np.full(len(faces), size))


def _table(block: bytes, rows: int, dtype: DTypeLike) -> NDArray | None:
    """(rows, columns) of a block of numbers with equally long rows; None if they differ."""
    columns = len(block[: block.find(b"\n") + 1 or None].split())
    numbers = text_numbers(block, dtype)
    if numbers is None or not columns or numbers.size != rows * columns:
        return None
    return numbers.reshape(rows, columns)


def _read_any(path: Path, data: bytes) -> Mesh:
    """Read any file: line by line, or number by number if line breaks are arbitrary."""
    text = _COMMENT.sub(b"", data)
    lines = [(number, line) for number, line in enumerate(text.split(b"\n"), start=1) if line.strip()]
    counts = _read_counts(path, lines)
    if not counts.faces:
        raise DataError(f"{path} has no faces, so it has no surface; export the mesh with its faces.")
    body = [(number, line) for number, line in lines if number > counts.line]
    try:
        _refuse_missing(path, counts, len(body), lines[-1][0])
        vertices = _read_vertices(path, body[: counts.vertices])
        polygons = _read_faces(path, body[counts.vertices : counts.vertices + counts.faces])
    except DataError:
        wrapped = _read_wrapped(counts, [line.split() for _, line in body])
        if wrapped is None:
            raise
        vertices, polygons = wrapped
    else:
        _refuse_more(path, counts, b"".join(line for _, line in body[counts.vertices + counts.faces :][:1]))
    if not any(len(polygon) > 2 for polygon in polygons):
        raise DataError(f"{path} has no face of three corners or more, so it has no surface; leave it out.")
    corners = np.array([corner for polygon in polygons for corner in polygon], dtype=np.int64)
    return from_polygons(path, vertices, corners, np.array([len(polygon) for polygon in polygons]))


def _read_wrapped(counts: _Counts, rows: Sequence[list[bytes]]) -> tuple[NDArray[np.float64], list[list[int]]] | None:
    """Vertices and faces of a file with arbitrary line breaks, from the words of each line; None if they do not add up.

    All numbers are used up, or what stands after a face on its last line is its colour.
    """
    letters = re.findall(rb"ST|C|N", counts.kind.removesuffix(b"OFF").removesuffix(b"off").upper())
    rows = [counts.rest.split()[1:], *rows]
    words = [word for row in rows for word in row]
    ends = np.cumsum([len(row) for row in rows])
    for widths in itertools.product(*(_MORE[letter] for letter in letters)):
        width = 3 + sum(widths)
        numbers = text_numbers(b" ".join(words[: width * counts.vertices]))
        if numbers is None or len(numbers) != width * counts.vertices:
            continue
        for coloured in (False, True):
            polygons = _wrapped_faces(counts, words, ends if coloured else None, len(numbers))
            if polygons is not None:
                return np.ascontiguousarray(numbers.reshape(-1, width)[:, :3]), polygons
    return None


def _wrapped_faces(
    counts: _Counts, words: Sequence[bytes], ends: NDArray[np.int64] | None, place: int
) -> list[list[int]] | None:
    """Faces from an offset on, the last of them up to the last word; colours up to the end of a line are ignored."""
    polygons: list[list[int]] = []
    for _ in range(counts.faces):
        size = _whole(words[place]) if place < len(words) else -1
        corners = [_whole(word) for word in words[place + 1 : place + 1 + size]]
        if size < 2 or len(corners) != size or not all(0 <= corner < counts.vertices for corner in corners):
            return None
        polygons.append(corners)
        place += size + 1
        if ends is not None:
            place = int(ends[np.searchsorted(ends, place)]) if place < len(words) else place
    return polygons if place == len(words) else None


def _whole(word: bytes) -> int:
    return int(word) if word.isdigit() and len(word) < 16 else -1


def _read_counts(path: Path, lines: Lines) -> _Counts:
    """Read the vertex and face counts, on the line of the word OFF or on the next."""
    header = _HEADER.fullmatch(lines[0][1].strip()) if lines else None
    if header is None:
        found = f"starts with {excerpt(lines[0][1])}" if lines else "is empty"
        raise DataError(f"{path} {found} where an OFF file starts with the word OFF; restore or leave out the file.")
    kind, told = header[1], [(lines[0][0], header[2])] * bool(header[2]) + list(lines[1:3]) or [(lines[0][0], b"")]
    number, text = told[0]
    if kind.endswith(b"nOFF") and b"4" not in kind and text.split()[:1] == [b"3"]:
        # The number of dimensions stands before the counts, or on a line of its own.
        number, text = (number, text.split(maxsplit=1)[1]) if len(text.split()) > 1 else told[:2][-1]
    elif b"4" in kind or b"n" in kind.removesuffix(b"off"):
        raise DataError(f"{path} has points of other than three dimensions ({kind.decode()}); leave it out.")
    counts = _COUNTS.fullmatch(text.strip())
    if counts is None:
        raise DataError(
            f"{path} line {number} reads {excerpt(text)} where the numbers of vertices and faces are expected; "
            "restore the file."
        )
    return _Counts(int(counts[1]), int(counts[2]), number, kind, counts[3] or b"")


def _refuse_missing(path: Path, counts: _Counts, rows: int, last: int) -> None:
    if rows >= counts.vertices + counts.faces:
        return
    if not rows and len(counts.rest.split()) > 3 * counts.vertices + 4 * counts.faces:
        raise DataError(
            f"{path} is one line whose numbers of vertices, faces and colours cannot be told apart; write a line for "
            "each."
        )
    if rows < counts.vertices:
        found = f"{rows} of {counts.vertices} vertices"
    else:
        found = f"{rows - counts.vertices} of {counts.faces} faces"
    raise DataError(f"{path} ends at line {last} with {found}; it is truncated, restore it.")


def _refuse_more(path: Path, counts: _Counts, line: bytes) -> None:
    """Refuse a further face after the last one."""
    corners = _corners(line)
    if corners is not None and len(corners) > 2 and all(0 <= corner < counts.vertices for corner in corners):
        raise DataError(f"{path} holds more than the {counts.faces:,} faces that its header says; restore it.")


def _read_vertices(path: Path, lines: Lines) -> NDArray[np.float64]:
    places = triples([line.split(maxsplit=3)[:3] for _, line in lines])
    if isinstance(places, int):
        raise _unreadable(path, lines[places], "the coordinates of a vertex are")
    return places


def _read_faces(path: Path, lines: Lines) -> list[list[int]]:
    polygons = [_corners(line) for _, line in lines]
    if None in polygons:
        wrong = lines[polygons.index(None)]
        raise _unreadable(path, wrong, "a face, its number of corners and their indices, is")
    return [polygon for polygon in polygons if polygon is not None]


def _corners(line: bytes) -> list[int] | None:
    """The vertex indices in a face line: as many as its first number says; colours may follow. None if it has fewer."""
    words = line.split()
    try:
        count = int(words[0])
        corners = [int(word) for word in words[1 : count + 1]]
    except (ValueError, IndexError):
        return None
    return corners if len(corners) == count and all(abs(corner) <= 1 << 60 for corner in corners) else None


def _unreadable(path: Path, line: tuple[int, bytes], what: str) -> DataError:
    return DataError(f"{path} line {line[0]} reads {excerpt(line[1])} where {what} expected; fix the line.")
