"""The lines of a regular Wavefront file (.obj)."""

from typing import Any

import numpy as np

from randquant.kernels.compiled.compiled import compiled
from randquant.kernels.compiled.numbers import is_blank, number_at

_BACKSLASH, _HASH, _SLASH, _VERTEX, _FACE, _POINT, _LINE = 92, 35, 47, 118, 102, 112, 108
_BLANKS = 32, 9


@compiled
def polygons(text: Any, passed: Any, vertices: Any, corners: Any, counts: Any, sizes: Any) -> bool:
    """Read vertices and faces from the bytes of a file; whether every line is one that this code knows.

    It knows lines that end in CR, LF or both, without continuation, of finite coordinates and of faces whose corners
    are not 0.

    Args:
        text: bytes.
        passed: (n,) int64, keywords of lines that are passed over: lower-case letters, the first in the lowest byte.
        vertices: (..., 3) filled with coordinates; what follows them is passed over.
        corners: filled with vertices of faces, face after face, counted from 0; textures and normals are passed over.
        counts: filled with the corners of each face.
        sizes: (4,) how many vertices, corners, faces, and lines of points and lines there are.
    """
    at, end, known = 0, len(text), True
    vertex, corner, face, loose = 0, 0, 0, 0
    while known:
        while at < end and is_blank(text[at]):  # and ends of lines
            at += 1
        if at == end:
            break
        start, word = at, 0
        while at < end and not is_blank(text[at]) and at < start + 7:
            word |= _lower(text[at]) << 8 * (at - start)
            at += 1
        if text[start] == _HASH:
            at = start
        elif _ends(text, at, end) or text[at] not in _BLANKS:
            known = _ends(text, at, end) and _is_passed(word, passed)
        elif word == _VERTEX:
            at = _coordinates(text, at, end, vertices, vertex)
            vertex += 1
        elif word == _FACE:
            first = corner
            at, corner = _corners(text, at, end, corners, corner, vertex)
            counts[face] = corner - first
            face += 1
            known = corner > first
        elif text[start] == word and word in (_POINT, _LINE):
            loose += 1
        else:
            known = _is_passed(word, passed)
        at = _line_end(text, at, end) if known and at >= 0 else -1
        known = at >= 0
    sizes[0], sizes[1], sizes[2], sizes[3] = vertex, corner, face, loose
    return known


@compiled
def _coordinates(text: Any, at: int, end: int, vertices: Any, vertex: int) -> int:
    """Fill in three; the place behind them, -1 where there are not three."""
    for axis in range(3):
        at = _next_word(text, at, end)
        if at < end:
            at, _, vertices[vertex, axis] = number_at(text, at, end, False)
        else:
            at = -1
        if at < 0 or (at < end and not is_blank(text[at])):
            return -1
    return at


@compiled
def _corners(text: Any, at: int, end: int, corners: Any, corner: int, vertices: int) -> Any:
    """Fill in those of a face; the place behind them, -1 where one cannot be read, and how many corners there are."""
    while True:
        at = _next_word(text, at, end)
        if _ends(text, at, end) or text[at] == _HASH:
            return at, corner
        at, number, _ = number_at(text, at, end, True)
        if at >= 0 and at < end and text[at] == _SLASH:
            while at < end and not is_blank(text[at]) and text[at] != _HASH:
                at += 1
        if at < 0 or number == 0 or (at < end and not is_blank(text[at])):
            return -1, corner
        corners[corner] = number - 1 if number > 0 else vertices + number
        corner += 1


@compiled
def _next_word(text: Any, at: int, end: int) -> int:
    """The place of the next word of the line, or of its end."""
    while at < end and is_blank(text[at]) and not _ends(text, at, end):
        at += 1
    return at


@compiled
def _line_end(text: Any, at: int, end: int) -> int:
    """The place of a line's end, -1 where it goes on in the next line."""
    word = 0
    while not _ends(text, at, end):
        if text[at] == _HASH:
            # Which may be no comment but one of Microsoft's numbers: 1.#IND, 1.#INF, 1.#QNAN, 1.#SNAN.
            if at + 1 < end and _lower(text[at + 1]) in (105, 113, 115):
                return -1
            while not _ends(text, at, end):
                at += 1
            return -1 if word == _BACKSLASH else at
        if not is_blank(text[at]):
            word = text[at]
        at += 1
    return -1 if word == _BACKSLASH else at


@compiled
def _ends(text: Any, at: int, end: int) -> bool:
    """Whether a line ends here."""
    return at >= end or text[at] == 10 or text[at] == 13


@compiled
def _lower(byte: int) -> Any:
    return np.int64(byte) + 32 if 65 <= byte <= 90 else np.int64(byte)


@compiled
def _is_passed(word: int, passed: Any) -> bool:
    for other in passed:  # noqa: SIM110
        if word == other:
            return True
    return False
