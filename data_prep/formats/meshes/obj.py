"""The geometry of Wavefront files (.obj): vertices and faces, with a fast path for regular files.

trimesh counts negative indices from the end of the file instead of from the line they stand on (of `f -3 -2 -1` after
each of two triples of vertices it makes the second triangle twice), and takes vertex 0, which does not exist, for the
last one; hence a reader of our own. Texture, normals, groups and materials are ignored, points and lines are counted,
and free-form surfaces refused. Files whose lines are all usual ones are read by compiled code where it is there.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from randquant.data_prep.formats.meshes.mesh import Mesh, from_polygons
from randquant.data_prep.formats.text import LONG, excerpt, has_compiled_readers, text_numbers, triples
from randquant.data_prep.formats.whole_file import read_bytes
from randquant.errors import DataError
from randquant.files.first_bytes import text_encoding

_COMMENT = re.compile(rb"(?i)#(?!(?:ind|inf|qnan|snan))[^\n]*")  # 1.#IND is what Microsoft's libraries print
# A name that ends in a backslash (a folder of Windows) does not take the next line with it.
_NAME = re.compile(rb"(?m)^([ \t]*(?:mtllib|usemtl|maplib|usemap|map_\w+|o)[ \t][^\n]*?)\\+[ \t]*$")
_REFERENCES = re.compile(rb"/[^\s]*")  # of a corner to its texture and normal
_CONTINUED = re.compile(rb"\\[ \t]*\n")
_LONG_LINE = re.compile(rb"(?:[^\n]*\\[ \t]*\n)+[^\n]*")
_BOM = b"\xef\xbb\xbf"
_HEAD = 1 << 12  # bytes that tell whether it is text
_VERTEX, _FACE = (b"v ", b"V "), (b"f ", b"F ", b"fo ")  # the last is how old files write faces
_BARE = (b"v", b"V", b"f", b"F")  # what a cut leaves of a line
# What says nothing of polygons: attributes, groups, materials, curves, and how to draw them.
_ATTRIBUTES, _OFTEN = (b"vt ", b"vn "), (b"vt", b"vn", b"g", b"s", b"usemtl")
_SHORT = 8  # bytes, of which compiled code looks at one fewer
_PASSED = frozenset(
    b"vt vn vp vnt g o s usemtl mtllib usemap maplib mg lod bevel c_interp d_interp shadow_obj trace_obj cstype deg "
    b"bmat step curv curv2 parm trim hole scrv sp end con ctech stech call csh".split()
)
_LOOSE, _FREE = (b"p ", b"l "), (b"surf ", b"bsp ", b"bzp ", b"cdp ")

_NONE = np.empty(0, dtype=np.int64)

Lines = Sequence[bytes]  # each with its keyword


def read_obj(path: str | Path) -> Mesh:
    """Read the vertices and triangles of all objects of a file.

    Returns:
        indices from 0: neither finite values nor the largest index is checked.

    Raises:
        DataError: the file is missing or no text, a line of a vertex or face cannot be read, there are free-form
            surfaces, or polygons that cross themselves.
    """
    path = Path(path)
    data = _text(path)
    regular = _read_regular(data)
    if regular is not None:
        places, corners, counts, notes = regular
        return _mesh(path, places, corners, counts, notes)
    lines = _lines(data)
    vertices: list[bytes] = []
    faces: list[bytes] = []
    before: list[int] = []  # vertices above each face
    loose = unknown = 0
    for line in map(bytes.lstrip, lines):
        if line.startswith(_VERTEX):
            vertices.append(line)
        elif line.startswith(_FACE):
            faces.append(line)
            before.append(len(vertices))
        elif line.startswith(_LOOSE):
            loose += 1
        elif not line or line.startswith(_ATTRIBUTES) or line.split(maxsplit=1)[0].lower() in _PASSED:
            continue
        elif line.strip() in _BARE:
            raise _unreadable(path, line, lines, "the numbers of a vertex or a face are")
        elif not line.startswith(_FREE):
            unknown += 1
        else:
            raise DataError(
                f"{path} line {_number(line, lines)} has a free-form surface, and only polygons are read; export it as "
                "polygons."
            )
    places = _read_vertices(path, vertices, lines)
    notes = dict(+Counter(loose_elements=loose, unknown_lines=unknown))
    corners, counts = _read_faces(path, faces, np.array(before, dtype=np.int64), lines) if faces else (_NONE, _NONE)
    return _mesh(path, places, corners, counts, notes)


def read_obj_points(path: str | Path) -> NDArray[np.float64]:
    """Read the (V, 3) coordinates of all vertices, with or without faces.

    Raises:
        DataError: the file is missing, or the line of a vertex cannot be read.
    """
    path = Path(path)
    data = _text(path)
    regular = _read_regular(data)
    if regular is not None:
        return regular.vertices
    lines = _lines(data)
    return _read_vertices(path, [line for line in map(bytes.lstrip, lines) if line.startswith(_VERTEX)], lines)


def has_faces(path: str | Path) -> bool:
    """Whether an OBJ file holds faces.

    Raises:
        DataError: it cannot be read.
    """
    return any(line.startswith(_FACE) for line in _lines(_text(Path(path))))


class _Polygons(NamedTuple):
    """What a file holds: coordinates (V, 3), vertices of its faces, from 0, the size of each face, and notes."""

    vertices: NDArray[np.float64]
    corners: NDArray[np.int64]
    counts: NDArray[np.int64]
    notes: dict[str, int]


def _read_regular(data: bytes) -> _Polygons | None:
    """Read by compiled code; None where there is none, or where it leaves the file to `_lines`."""
    if len(data) < LONG or not has_compiled_readers():
        return None
    from randquant.kernels.compiled.wavefront import polygons

    # The shortest lines are "v 1 2 3" and "f 1".
    vertices, sizes = np.empty((len(data) // 8 + 1, 3)), np.zeros(4, dtype=np.int64)
    corners, counts = (np.empty(len(data) // least + 1, dtype=np.int64) for least in (2, 4))
    if not polygons(np.frombuffer(data, dtype=np.uint8), _keywords(), vertices, corners, counts, sizes):
        return None
    vertex, corner, face, loose = sizes.tolist()
    notes = {"loose_elements": loose} if loose else {}
    return _Polygons(vertices[:vertex].copy(), corners[:corner].copy(), counts[:face].copy(), notes)


@cache
def _keywords() -> NDArray[np.int64]:
    """The short ones of lines that are passed over, the most frequent first."""
    ordered = sorted((word for word in _PASSED if len(word) < _SHORT), key=lambda word: (word not in _OFTEN, word))
    return np.array([int.from_bytes(word, "little") for word in ordered], dtype=np.int64)


def _mesh(
    path: Path,
    vertices: NDArray[np.float64],
    corners: NDArray[np.int64],
    counts: NDArray[np.int64],
    notes: dict[str, int],
) -> Mesh:
    if not len(counts):
        return Mesh(vertices, np.empty((0, 3), dtype=np.int64), notes)
    read = from_polygons(path, vertices, corners, counts)
    return replace(read, notes={**notes, **read.notes})


def _text(path: Path) -> bytes:
    """The bytes of a file that may be text."""
    data = read_bytes(path)
    head = data[:_HEAD]
    if b"\0" in head:
        if text_encoding(head) is not None:
            raise DataError(f"{path} is text in UTF-16 where UTF-8 is read; save it as that.")
        raise DataError(
            f"{path} is binary where an OBJ file is text (it holds zero bytes); export the mesh again or leave it out."
        )
    return data.removeprefix(_BOM)


def _lines(data: bytes) -> list[bytes]:
    """The lines of a file without comments, with continuation lines joined."""
    data = _COMMENT.sub(b"", data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    if b"\\" in data:
        data = _LONG_LINE.sub(_joined, _NAME.sub(rb"\1", data))
    return data.replace(b"\t", b" ").split(b"\n")


def _joined(lines: re.Match[bytes]) -> bytes:
    """Join continuation lines and pad with empty lines, so that line numbers stay."""
    text, breaks = _CONTINUED.subn(b" ", lines[0])
    return text + b"\n" * breaks


def _read_vertices(path: Path, vertices: Lines, lines: Lines) -> NDArray[np.float64]:
    """(V, 3): the first three numbers of each line; a weight or a colour may follow."""
    places = triples([line.split(maxsplit=4)[1:4] for line in vertices])
    if isinstance(places, int):
        raise _unreadable(path, vertices[places], lines, "the three coordinates of a vertex are")
    return places


def _read_faces(
    path: Path, faces: Lines, before: NDArray[np.int64], lines: Lines
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Vertex indices from 0, face after face, and the size of each face."""
    counts = np.array([len(line.split()) - 1 for line in faces])
    corners = text_numbers(_REFERENCES.sub(b"", b"\n".join(line[line.index(b" ") :] for line in faces)), np.int64)
    if corners is None or len(corners) != counts.sum():
        corners_of = (_count(_REFERENCES.sub(b"", line).split()[1:], np.int64) for line in faces)
        wrong = next(line for line, found, told in zip(faces, corners_of, counts, strict=True) if found != told)
        raise _unreadable(path, wrong, lines, "the corners of a face are")
    if (corners == 0).any():
        face = int(np.searchsorted(np.cumsum(counts), np.flatnonzero(corners == 0)[0], side="right"))
        raise DataError(
            f"{path} line {_number(faces[face], lines)} has vertex 0 where vertices count from 1; add 1 to every index "
            "of its faces."
        )
    return np.where(corners > 0, corners - 1, np.repeat(before, counts) + corners), counts


def _count(words: Sequence[bytes], dtype: DTypeLike) -> int:
    """How many numbers these are; -1 if one is not a number."""
    found = text_numbers(b" ".join(words), dtype)
    return -1 if found is None else len(found)


def _unreadable(path: Path, wrong: bytes, lines: Lines, what: str) -> DataError:
    return DataError(
        f"{path} line {_number(wrong, lines)} reads {excerpt(wrong[2:])} where {what} expected; fix the line."
    )


def _number(wrong: bytes, lines: Lines) -> int:
    return next(number for number, line in enumerate(lines, start=1) if line.lstrip() == wrong)
