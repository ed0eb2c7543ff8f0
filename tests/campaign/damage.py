"""Damage to the bytes of a good file, of the kinds that disks, networks, editors and strangers do."""

import io
import random
import zipfile
from collections.abc import Iterator

PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n"
POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345678\n"
)


def impostors() -> Iterator[tuple[str, bytes]]:
    """What is not the file at all."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("archive/data/0", b"0" * 64)
    yield "empty", b""
    yield "one byte", b"\0"
    yield "a new line", b"\n"
    yield "web page", PAGE
    yield "LFS pointer", POINTER
    yield "zip", packed.getvalue()
    yield "zeros", bytes(4096)
    yield "0xff", b"\xff" * 4096
    yield (
        "NPY",
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 3), }".ljust(128),
    )
    yield "pickle", b"cos\nsystem\n(S'true'\ntR."
    yield "HDF5 head", b"\x89HDF\r\n\x1a\n" + bytes(64)
    yield "Parquet ends", b"PAR1" + bytes(32) + b"PAR1"
    yield "deep JSON", b"[" * 20_000
    yield "text of controls", b"\x1b]0;owned\x07\x1b[2J\n\x9b31m\n"
    yield "UTF-16", "x,y,z\n1,2,3\n".encode("utf-16")
    yield "long line", b"1 " * 300_000


def damages(content: bytes, draw: random.Random, edges: list[int] | None = None) -> Iterator[tuple[str, bytes]]:
    """Damaged forms of `content`, without end.

    Args:
        content: of the good file.
        draw: what decides.
        edges: places where one part of the format ends and the next begins.
    """
    size = len(content)
    for edge in sorted({*(edges or []), 4, 12, 44, size // 2, size - 1, size - 2, size - 100}):
        if 0 < edge < size:
            yield f"cut at {edge}", content[:edge]
    yield "swapped magic", content[4:8] + content[:4] + content[8:]
    yield "appended garbage", content + draw.randbytes(97)
    yield "appended zeros", content + bytes(4096)
    yield "twice", content + content
    yield "first half zeroed", bytes(size // 2) + content[size // 2 :]
    while True:
        kind = draw.randrange(8)
        place = draw.randrange(size) if kind % 2 else draw.randrange(min(size, 256))
        if kind < 4:
            bit = draw.randrange(8)
            yield f"bit {bit} of byte {place}", _with(content, place, bytes([content[place] ^ 1 << bit]))
        elif kind < 6:
            count = draw.choice([1, 4, 64, 512])
            yield f"{count} zeros at {place}", _with(content, place, bytes(min(count, size - place)))
        elif kind == 6:
            word = draw.choice([b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80"])
            yield f"{word.hex()} at {place}", _with(content, place, word[: size - place])
        else:
            yield f"cut at {place}", content[:place]


def _with(content: bytes, place: int, part: bytes) -> bytes:
    return content[:place] + part + content[place + len(part) :]
