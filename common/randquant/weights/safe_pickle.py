"""Pickle files of unknown origin, read without running anything they ask for.

A pickle is a program: it may name any function and have it called. Here only the names of `find_class` exist, and each
leads to a function of this file that checks what it is given: numpy's own unpickling trusts shapes, sizes and types.
Python's unpickler in Python is used because it reads what a file claims to hold through `_Reader`, before it
allocates anything for it, and keeps numbered objects in a dict, not in a table as long as the largest number.
"""

import math
import pickle
import re
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, Any, ClassVar, NoReturn

import numpy as np
from numpy.typing import NDArray

from randquant.errors import DataError

MAX_BYTES = 2**34  # of a file; the largest of the known ones, ModelNet40 at 8,192 points, has 2 GB
_MAX_READS = 100_000_000  # opcodes and arguments; each may cost up to 200 bytes of memory
_MAX_DEPTH = 100  # of containers within containers
_TOO_DEEP = f"nests its containers deeper than {_MAX_DEPTH}; save the arrays themselves"
_DTYPE = re.compile(r"[<>=|]?([iu][1248]|f[248]|c(8|16)|b1|O8?|[SU][1-9][0-9]{0,8})")
_PLAIN = (type(None), bool, int, float, complex, str, bytes, bytearray, np.generic, np.dtype)


def read_pickle(path: str | Path, *, max_bytes: int = MAX_BYTES) -> Any:
    """The content of a pickle file, if it is no more than numbers, texts, plain containers and numpy arrays.

    Args:
        path: a file that `pickle.dump` wrote, with any protocol, under Python 2 or 3 and numpy 1 or 2.
        max_bytes: the largest file to read.

    Returns:
        Numbers, strings, bytes, lists, tuples, dicts, sets, numpy arrays (writable), scalars and dtypes, nested. Text
        of Python 2 is read as Latin-1.

    Raises:
        DataError: the file is missing, too large, cut off or no pickle, or it asks for anything else.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size > max_bytes:
                raise DataError(f"{path} has {size:,} bytes, but at most {max_bytes:,} are read; split the file.")
            content = _Unpickler(file, size).load()
        _require_values(content, set())
    except _RefusedError as refused:
        raise DataError(f"{path} should hold only numbers, texts and arrays but {refused}.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the path.") from None
    except DataError:
        raise
    except Exception as error:  # a broken stream may fail in any way at all
        why = " ".join(str(error).split())[:100] or type(error).__name__
        raise DataError(f"{path} is not a whole pickle file ({why}); copy or download it again.") from None
    return content


class _RefusedError(Exception):
    """What a pickle asks for that it should not; completes the sentence "the file should ... but"."""


class _Reader:
    """The bytes of a file; more than it has are refused before memory is taken for them."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._left, self._reads = file, size, 0

    def read(self, count: int) -> bytes:
        self._left -= count
        self._reads += 1
        if self._left < 0:
            raise EOFError("it is cut off")
        if self._reads > _MAX_READS:
            raise _RefusedError(f"has more than {_MAX_READS:,} instructions; save arrays instead of single numbers")
        return self._file.read(count)

    def readline(self) -> bytes:
        line = self._file.readline()
        self._left -= len(line)
        if not line.endswith(b"\n"):
            raise EOFError("it is cut off")
        return line


class _Memo(dict[int, Any]):
    """Numbered objects; genuine pickles count up."""

    def __setitem__(self, index: int, value: Any) -> None:
        if index > len(self) + 1:
            raise _RefusedError(f"numbers its object {len(self)} as {index}; take another copy of the file")
        super().__setitem__(index, value)


class _Unpickler(pickle._Unpickler):
    """Knows the names of `find_class` alone, and no instruction that calls or changes anything else."""

    dispatch: ClassVar[dict[int, Callable[..., None]]] = {**pickle._Unpickler.dispatch}
    stack: list[Any]
    metastack: list[list[Any]]
    read: Callable[[int], bytes]

    def __init__(self, file: IO[bytes], size: int) -> None:
        super().__init__(_Reader(file, size), encoding="latin-1")
        self.memo = _Memo()
        self._limit = self._budget = (
            8 * size + 2**20
        )  # bytes to make: a few lines can ask for the same copy again and again
        self._tuples: dict[int, tuple[int, int]] = {}  # id -> depth and number of leaves

    def find_class(self, module: str, name: str) -> Any:
        """What stands in for a global name; the class of arrays is a mark that cannot be called."""
        core = module.replace("numpy._core.", "numpy.core.")  # numpy 2 and numpy 1
        known = {
            "numpy.ndarray": _NDARRAY,
            "numpy.dtype": _dtype,
            "numpy.core.multiarray._reconstruct": _reconstruct,
            "numpy.core.multiarray.scalar": self._scalar,
            "numpy.core.numeric._frombuffer": self._frombuffer,
            "_codecs.encode": self._encode,
            "collections.OrderedDict": lambda pairs=(): dict(map(self._list, self._list(pairs))),
            "builtins.set": lambda content=(): set(self._list(content)),
            "builtins.frozenset": lambda content=(): frozenset(self._list(content)),
            "builtins.bytes": lambda: b"",
            "builtins.bytearray": lambda content=b"", _="latin-1": bytearray(self._encode(content)),
            "builtins.complex": complex,
        }
        found = known.get(f"{core.replace('__builtin__', 'builtins')}.{name}")
        if found is None:
            raise _RefusedError(
                f"asks for {_shown(module)}.{_shown(name)}, which was not run; take another copy of the file from a "
                "source you trust"
            )
        return found

    def _spend(self, count: int) -> None:
        self._budget -= count
        if self._budget < 0:
            raise _RefusedError("unfolds to many times its size; take another copy of the file")

    def _encode(self, text: Any, encoding: Any = "latin1") -> bytes:
        if type(text) not in (str, bytes) or encoding not in ("latin1", "latin-1"):
            raise ValueError("bytes are written in another way than Python does")
        self._spend(len(text))
        return text if isinstance(text, bytes) else text.encode("latin-1")

    def _list(self, content: Any) -> Any:
        if type(content) not in (list, tuple):
            raise ValueError("a set or a dict is made of something else than a list")
        self._spend(8 * len(content))
        return content

    def _scalar(self, dtype: Any, content: Any = "") -> Any:
        return self._frombuffer(self._encode(content), dtype, (), "C")[()]

    def _frombuffer(self, content: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> NDArray[Any]:
        self._check_array(shape, dtype, content, (bytes, bytearray))
        if dtype.hasobject or order not in ("C", "F", "K"):
            raise ValueError("an array is made in another way than numpy does")
        flat = np.frombuffer(bytearray(content), dtype) if content else np.empty(0, dtype)
        array = flat.reshape(shape, order="F" if order == "F" else "C")
        return array if axes is None else array.transpose(self._list(axes))

    def _check_array(self, shape: Any, dtype: Any, content: Any, kinds: tuple[type, ...]) -> None:
        """Refuse an array whose shape and type do not take up its content to the last byte."""
        if type(shape) is not tuple or not all(type(size) is int and size >= 0 for size in shape):
            raise ValueError("the shape of an array is not a tuple of integers")
        if not isinstance(dtype, np.dtype) or type(content) not in kinds:
            raise ValueError("an array has no content")
        if math.prod(shape) * (1 if dtype.hasobject else dtype.itemsize) != len(content):
            raise ValueError(f"{len(content)} bytes for an array of shape {shape}")
        if not content:
            np.empty(shape, dtype)  # numpy refuses axes too long even of an empty array
        self._spend(len(content) * (dtype.itemsize if dtype.hasobject else 1))

    def load_build(self) -> None:
        """Give an array or a dtype its state; nothing else has one."""
        state, built = self.stack.pop(), self.stack[-1]
        if type(built) is np.ndarray:
            self._fill(built, *state)
        elif isinstance(built, np.dtype):
            _set_order(built, *state)
        else:
            raise ValueError("an object without a state is given one")

    def _fill(self, array: Any, _: Any, shape: Any, dtype: Any, fortran: Any, content: Any) -> None:
        content = content.encode("latin-1") if isinstance(content, str) else content  # the bytes of Python 2
        self._check_array(shape, dtype, content, (list,) if getattr(dtype, "hasobject", False) else (bytes,))
        if array.size:
            raise ValueError("an array is filled twice")
        native = dtype.newbyteorder("=")  # any other order numpy would turn into this one
        array.__setstate__((1, shape, native, bool(fortran), content))
        if native != dtype:
            array.dtype = dtype

    def load_reduce(self) -> None:
        """Call what `find_class` gave."""
        arguments = self.stack.pop()
        if type(arguments) is not tuple:
            raise ValueError("a function is called with something else than a tuple")
        self.stack[-1] = self.stack[-1](*arguments)

    def load_bytearray8(self) -> None:
        """Read before memory is taken, which Python does the other way round."""
        self.stack.append(bytearray(self.read(int.from_bytes(self.read(8), "little"))))

    def load_frame(self) -> None:
        """Pass over the size of a frame: what it holds is read as it comes."""
        self.read(8)

    def load_items(self, opcode: bytes) -> None:
        """Set items of a dict; an array would convert any value, however deep."""
        found = self.stack[-3] if opcode == pickle.SETITEM else self.metastack[-1][-1]
        if type(found) is not dict:
            raise ValueError("an item is set in something else than a dict")
        _BASE[opcode[0]](self)

    def load_any_tuple(self, opcode: bytes) -> None:
        """Make a tuple, unless its hash would run over the interpreter's stack or take exponential time."""
        _BASE[opcode[0]](self)
        made = self.stack[-1]
        inner = [self._tuples[id(each)] for each in made if type(each) is tuple and each]
        depth = 1 + max((depth for depth, _ in inner), default=0)
        leaves = len(made) + sum(leaves for _, leaves in inner)
        if depth > _MAX_DEPTH:
            raise _RefusedError(_TOO_DEEP)
        if leaves > self._limit:
            self._spend(leaves)
        self._tuples[id(made)] = depth, leaves

    def refuse(self, what: str) -> NoReturn:
        """Stop at an instruction that no array needs."""
        raise _RefusedError(f"{what}; save the arrays themselves")


_BASE: dict[int, Callable[..., None]] = {**pickle._Unpickler.dispatch}
_TUPLES = (pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3)
_OBJECTS = (pickle.INST, pickle.OBJ, pickle.NEWOBJ, pickle.NEWOBJ_EX)
_REFUSED = {
    **dict.fromkeys((pickle.PERSID, pickle.BINPERSID), "refers to a persistent object outside itself"),
    **dict.fromkeys((pickle.EXT1, pickle.EXT2, pickle.EXT4), "uses an extension code of another program"),
    **dict.fromkeys(_OBJECTS, "makes an object of a class, which was not run"),
    pickle.READONLY_BUFFER: "refers to a buffer outside itself",
}
_Unpickler.dispatch |= {
    pickle.BUILD[0]: _Unpickler.load_build,
    pickle.REDUCE[0]: _Unpickler.load_reduce,
    pickle.BYTEARRAY8[0]: _Unpickler.load_bytearray8,
    pickle.FRAME[0]: _Unpickler.load_frame,
    **{opcode[0]: partial(_Unpickler.load_items, opcode=opcode) for opcode in (pickle.SETITEM, pickle.SETITEMS)},
    **{opcode[0]: partial(_Unpickler.load_any_tuple, opcode=opcode) for opcode in _TUPLES},
    **{opcode[0]: partial(_Unpickler.refuse, what=what) for opcode, what in _REFUSED.items()},
}
_NDARRAY = object()


def _reconstruct(kind: Any, shape: Any, _: Any) -> NDArray[Any]:
    """An array without content; `load_build` fills it."""
    if kind is not _NDARRAY or shape != (0,):
        raise ValueError("an array is created in another way than numpy does")
    return np.empty(0, np.int8)


def _dtype(name: Any, *_: Any) -> np.dtype:
    if type(name) is not str or not _DTYPE.fullmatch(name):
        raise _RefusedError(f"holds an array of type {_shown(name)}; save it as numbers or texts")
    return np.dtype(name, copy=True)  # `load_build` changes it in place


def _set_order(dtype: Any, _: Any, order: Any, *rest: Any) -> None:
    if rest[:3] != (None, None, None) or order not in tuple("<>|="):
        raise _RefusedError("holds an array of records; save its columns as arrays of numbers")
    if dtype.byteorder != "|":
        dtype.__setstate__((3, order, None, None, None, dtype.itemsize, dtype.alignment, dtype.flags))


def _shown(name: Any) -> str:
    """A name fit to print: the file's author chose it."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(name)[:60])


def _require_values(value: Any, seen: set[int], depth: int = 0) -> None:
    """Refuse containers nested too deep, and functions that were asked for and never called."""
    if isinstance(value, _PLAIN) or id(value) in seen:
        return
    if depth > _MAX_DEPTH:
        raise _RefusedError(_TOO_DEEP)
    seen.add(id(value))
    inner: Iterable[Any]
    if isinstance(value, np.ndarray):
        inner = value.flat if value.dtype.hasobject else ()
    elif isinstance(value, dict):
        inner = chain(value, value.values())
    elif isinstance(value, list | tuple | set | frozenset):
        inner = value
    else:
        raise ValueError(f"it holds an unfinished {type(value).__name__}")
    for each in inner:
        _require_values(each, seen, depth + 1)
