"""Pickles as Python 2 wrote them, which is what CIFAR's authors used: protocol 2, texts as bytes."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
_DTYPE = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


def python2_pickle(content: Mapping[str, Any]) -> bytes:
    """A dict of texts, lists of texts or integers, and uint8 arrays as the bytes of a pickle."""
    pairs = b"".join(_text(name) + _value(value) for name, value in content.items())
    return b"\x80\x02}(" + pairs + b"u."


def _value(value: Any) -> bytes:
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    return _list(value)


def _list(values: Sequence[Any]) -> bytes:
    return b"](" + b"".join(_value(value) for value in values) + b"e"


def _text(text: str) -> bytes:
    return b"T" + struct.pack("<i", len(text)) + text.encode("latin-1")


def _array(array: NDArray[np.uint8]) -> bytes:
    rows, columns = (b"J" + struct.pack("<i", size) for size in array.shape)
    data = np.ascontiguousarray(array).tobytes()
    state = b"(K\x01" + rows + columns + b"\x86" + _DTYPE + b"\x89T" + struct.pack("<i", len(data)) + data + b"t"
    return _ARRAY + state + b"b"
