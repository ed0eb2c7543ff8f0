"""Pickle files of unknown origin, read without running anything they ask for.

A pickle is a program: it may name any function and have it called. Here only the names in `_NAMES` exist, none of
them is numpy's or Python's own function, and the stand-ins they lead to do nothing but note what an array is made of.
The arrays are built afterwards, from plain bytes. So neither a function of the system nor numpy's own unpickling,
which trusts what it is given, is ever reached. Before anything is loaded the file is walked through once
(`randquant.weights.pickle_walk`), so that one that is cut off, claims more than it holds, or would fill the memory
is refused early.
"""

import math
import mmap
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from randquant.errors import DataError
from randquant.weights.pickle_walk import MAX_DEPTH, RefusedError, check_walk

MAX_BYTES = 2**34  # of a file; the largest of the known ones, ModelNet40 at 8,192 points, has 2 GB
_DTYPE = re.compile(r"[<>=|]?([iu][1248]|f[248]|c(8|16)|b1|O8?|[SU][1-9][0-9]{0,8})")
_REMEDY = "which was not run; take another copy of the file from a source you trust"


def read_pickle(path: str | Path, *, max_bytes: int = MAX_BYTES) -> Any:
    """The content of a pickle file, if it is no more than numbers, texts, plain containers and numpy arrays.

    Args:
        path: a file that `pickle.dump` wrote, with any protocol, under Python 2 or 3 and numpy 1 or 2.
        max_bytes: the largest file to read.

    Returns:
        Numbers, strings, bytes, lists, tuples, dicts, sets, numpy arrays (of their own, writable), scalars and dtypes,
        nested. Text of Python 2 is read as Latin-1.

    Raises:
        DataError: the file is missing, too large, cut off or no pickle, or it asks for anything else.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size > max_bytes:
                raise DataError(f"{path} has {size:,} bytes, but at most {max_bytes:,} are read; split the file.")
            return _read(file, size)
    except RefusedError as refused:
        raise DataError(f"{path} should hold only numbers, texts and arrays but {refused}.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the path.") from None
    except DataError:
        raise
    except Exception as error:  # a broken stream may fail in any way at all
        why = " ".join(str(error).split())[:100] or type(error).__name__
        raise DataError(f"{path} is not a whole pickle file ({why}); copy or download it again.") from None


def _read(file: IO[bytes], size: int) -> Any:
    if size == 0:
        raise ValueError("it is empty")
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        check_walk(data)
    budget = _Budget(8 * size + 2**20)
    return _Finished(budget).value(_Unpickler(file, budget).load())


# --- the stand-ins


class _Budget:
    """How many bytes may still be made: a few lines can ask for the same large copy again and again."""

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise RefusedError("unfolds to many times its size; take another copy of the file")


class _Inert:
    """Nothing of it can be changed by the file: a pickle may ask any object to take a new state."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]  # so that sets and keys of dicts need no second look

    def __setstate__(self, state: object) -> NoReturn:
        raise ValueError("an object without a state is given one")


class _NdarrayName(_Inert):
    """Stands where the name numpy.ndarray stands; it cannot be called."""

    __slots__ = ()


class _Function(_Inert):
    """What a permitted name leads to."""

    __slots__ = ("_call",)
    _call: Callable[..., Any]

    def __init__(self, call: Callable[..., Any]) -> None:
        object.__setattr__(self, "_call", call)

    def __call__(self, *values: Any) -> Any:
        return self._call(*values)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise ValueError("a function is given an attribute")


class _Dtype:
    """A dtype to be: its name and then, as a state, its byte order."""

    __slots__ = ("dtype",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, name: str) -> None:
        self.dtype = np.dtype(name)

    def __setstate__(self, state: Any) -> None:
        _, order, subarray, names, fields, *_ = state
        if subarray is not None or names is not None or fields is not None or order not in tuple("<>|="):
            raise RefusedError("holds an array of records; save its columns as arrays of numbers")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """An array to be: shape, dtype and the bytes, or the list of objects."""

    __slots__ = ("axes", "content", "dtype", "order", "shape")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self.dtype: np.dtype | None = None
        self.shape: tuple[int, ...] = ()
        self.order = "C"
        self.content: Any = b""
        self.axes: tuple[int, ...] | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, content = state
        self.fill(shape, dtype, "F" if fortran else "C", content)

    def fill(self, shape: Any, dtype: Any, order: str, content: Any) -> None:
        if self.dtype is not None:
            raise ValueError("an array is filled twice")
        if not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
            raise ValueError("the shape of an array is no tuple of whole numbers")
        if isinstance(content, str):  # the bytes of Python 2
            content = content.encode("latin-1")
        if not isinstance(content, list if dtype.dtype.hasobject else bytes | bytearray):
            raise ValueError("an array has no content")
        self.shape, self.order, self.content = shape, order, content
        self.dtype = dtype.dtype

    def numbers(self) -> NDArray[Any]:
        """A copy of the bytes as the array they stand for."""
        if self.dtype is None or math.prod(self.shape) * self.dtype.itemsize != len(self.content):
            raise ValueError(f"{len(self.content)} bytes for an array of shape {self.shape}")
        if not len(self.content):
            return np.empty(self.shape, self.dtype)
        flat = np.frombuffer(self.content, self.dtype)
        return self.shaped(flat).copy(order="K")

    def shaped(self, flat: NDArray[Any]) -> NDArray[Any]:
        if self.axes is not None:
            return flat.reshape(self.shape).transpose(self.axes)
        return flat.reshape(self.shape, order="F" if self.order == "F" else "C")


class _Unpickler(pickle.Unpickler):
    """Knows the names of `_NAMES` only."""

    def __init__(self, file: IO[bytes], budget: _Budget) -> None:
        super().__init__(file, encoding="latin-1")
        self._budget = budget
        self._functions = {name: _Function(call) for name, call in self._calls().items()}

    def find_class(self, module: str, name: str) -> Any:
        place = _NAMES.get((module, name))
        if place is None:
            raise RefusedError(f"asks for {_shown(module)}.{_shown(name)}, {_REMEDY}")
        return _NDARRAY if place == "ndarray" else self._functions[place]

    def persistent_load(self, pid: object) -> NoReturn:
        raise RefusedError("refers to a persistent object outside itself; save the arrays themselves")

    def _calls(self) -> dict[str, Callable[..., Any]]:
        return {
            "reconstruct": _reconstruct,
            "frombuffer": _frombuffer,
            "scalar": self._scalar,
            "dtype": _dtype,
            "encode": self._encode,
            "bytes": _no_bytes,
            "bytearray": self._bytearray,
            "set": lambda *content: set(self._list(*content)),
            "frozenset": lambda *content: frozenset(self._list(*content)),
            "OrderedDict": lambda *content: dict(self._list(*content)),
            "complex": lambda real, imaginary: complex(_float(real), _float(imaginary)),
        }

    def _encode(self, text: Any, encoding: Any) -> bytes:
        if type(text) is not str or encoding not in ("latin1", "latin-1"):
            raise ValueError("bytes are written in another way than Python does")
        self._budget.spend(len(text))
        return text.encode("latin-1")

    def _bytearray(self, content: Any = b"", encoding: Any = "latin-1") -> bytearray:
        content = self._encode(content, encoding) if type(content) is str else content
        if type(content) is not bytes:
            raise ValueError("bytes are made of something else")
        self._budget.spend(len(content))
        return bytearray(content)

    def _scalar(self, dtype: Any, content: Any = "") -> Any:
        if not isinstance(dtype, _Dtype) or dtype.dtype.hasobject:
            raise ValueError("a number of numpy is made in another way than numpy does")
        array = _Array()
        array.fill((), dtype, "C", content)
        self._budget.spend(len(array.content))
        return array.numbers()[()]

    def _list(self, content: Any = ()) -> Any:
        if type(content) not in (list, tuple):
            raise ValueError("a set or a dict is made of something else than a list")
        self._budget.spend(8 * len(content))
        return content


def _reconstruct(kind: Any, shape: Any, code: Any) -> _Array:
    if kind is not _NDARRAY or shape != (0,):
        raise ValueError("an array is begun in another way than numpy does")
    return _Array()


def _frombuffer(content: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> _Array:
    array = _Array()
    if order not in ("C", "F", "K") or not isinstance(dtype, _Dtype) or dtype.dtype.hasobject:
        raise ValueError("an array is made in another way than numpy does")
    array.fill(shape, dtype, order, content)
    if axes is not None:
        if type(axes) is not tuple or sorted(axes) != list(range(len(shape))):
            raise ValueError("the axes of an array are no order of its dimensions")
        array.axes = axes
    return array


def _dtype(name: Any, *_: Any) -> _Dtype:
    if type(name) is not str or not _DTYPE.fullmatch(name):
        raise RefusedError(f"holds an array of type {_shown(name)}; save it as numbers or texts")
    return _Dtype(name)


def _no_bytes(*content: Any) -> bytes:
    if content:
        raise ValueError("bytes are made of something")
    return b""


def _float(value: Any) -> float:
    if type(value) not in (float, int):
        raise ValueError("a complex number is made of something else than numbers")
    return float(value)


def _shown(name: Any) -> str:
    """A name fit to print: the file's author chose it."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(name)[:60])


_NDARRAY = _NdarrayName()
_CORES = ("numpy.core", "numpy._core")  # numpy 1 and numpy 2
_BUILTINS = ("builtins", "__builtin__")  # Python 3 and Python 2
# What a pickle may name, and what stands there instead.
_NAMES: dict[tuple[str, str], str] = {
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",
    ("collections", "OrderedDict"): "OrderedDict",
    **{(f"{core}.multiarray", "_reconstruct"): "reconstruct" for core in _CORES},
    **{(f"{core}.multiarray", "scalar"): "scalar" for core in _CORES},
    **{(f"{core}.numeric", "_frombuffer"): "frombuffer" for core in _CORES},
    **{(module, name): name for module in _BUILTINS for name in ("bytes", "bytearray", "set", "frozenset", "complex")},
}


# --- from stand-ins to what they stand for


class _Finished:
    """Replaces the stand-ins in nested containers; an object that occurs twice stays one object."""

    def __init__(self, budget: _Budget) -> None:
        self._budget = budget
        self._done: dict[int, Any] = {}
        self._kept: list[Any] = []  # an object that is gone would leave its id to another

    def value(self, found: Any, depth: int = 0) -> Any:
        if isinstance(found, _PLAIN):
            return found
        if depth > MAX_DEPTH:
            raise RefusedError(f"nests its containers deeper than {MAX_DEPTH}; save the arrays themselves")
        if id(found) not in self._done:
            self._kept.append(found)
            self._done[id(found)] = self._replaced(found, depth + 1)
        return self._done[id(found)]

    def _replaced(self, found: Any, depth: int) -> Any:
        if isinstance(found, list):
            self._done[id(found)] = found  # it may hold itself
            for index, each in enumerate(found):
                found[index] = self.value(each, depth)
            return found
        if isinstance(found, dict):
            self._done[id(found)] = found
            for key, each in found.items():
                found[key] = self.value(each, depth)
            return found
        if isinstance(found, tuple):
            return tuple([self.value(each, depth) for each in found])
        if isinstance(found, _Array):
            return self._array(found, depth)
        if isinstance(found, _Dtype):
            return found.dtype
        raise ValueError(f"it holds an unfinished {type(found).__name__.strip('_').lower()}")

    def _array(self, found: _Array, depth: int) -> NDArray[Any]:
        if found.dtype is None:
            raise ValueError("it holds an array that was never filled")
        self._budget.spend(len(found.content) * found.dtype.itemsize if found.dtype.hasobject else len(found.content))
        if not found.dtype.hasobject:
            array = found.numbers()
            found.content = b""  # two copies of a large file are one too many
            return array
        if math.prod(found.shape) != len(found.content):
            raise ValueError(f"{len(found.content)} objects for an array of shape {found.shape}")
        flat = np.empty(len(found.content), dtype=object)
        for index, each in enumerate(found.content):
            flat[index] = self.value(each, depth)
        return found.shaped(flat)


# Sets and dict keys hold only what can be hashed: these, and tuples of them, which no stand-in can be part of.
_PLAIN = (type(None), bool, int, float, complex, str, bytes, bytearray, set, frozenset, np.generic)
