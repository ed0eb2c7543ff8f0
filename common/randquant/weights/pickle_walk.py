"""A walk through a pickle's instructions before any is followed: is it whole, and would it fit?

Loading a pickle allocates what the file claims, before it is known whether the file holds as much: a table for a huge
number, containers nested until the interpreter's own stack runs over. Whatever of that a genuine pickle of arrays never
does is found here, from the instructions alone; data in between are skipped unread.
"""

import mmap
import pickletools
from collections.abc import Iterator

MAX_STEPS = 50_000_000  # instructions; each may cost some 60 bytes of memory
MAX_DEPTH = 100  # of containers within containers


class RefusedError(Exception):
    """What a pickle asks for that it should not; completes the sentence "the file should ... but"."""


def check_walk(data: bytes | mmap.mmap) -> None:
    """Refuse a pickle that ends early, has instructions that no array needs, or would break the interpreter.

    Raises:
        RefusedError: it is whole, but asks for something.
        ValueError: it is no whole pickle.
    """
    depths = _Depths()
    for step, (name, start) in enumerate(_steps(data)):
        if step > MAX_STEPS:
            raise RefusedError(f"has more than {MAX_STEPS:,} instructions; save arrays instead of single numbers")
        if name in ("PERSID", "BINPERSID"):
            raise RefusedError("refers to a persistent object outside itself; save the arrays themselves")
        if name.startswith("EXT"):
            raise RefusedError("uses an extension code of another program; save the arrays themselves")
        index = _index(data, name, start)
        if name in _PUTS and index > step:
            # Genuine pickles count up; a large number would have a table of that size made.
            raise RefusedError(f"numbers its object {step} as {index}; take another copy of the file")
        depths.follow(name, index)


def _steps(data: bytes | mmap.mmap) -> Iterator[tuple[str, int]]:
    """Name of each instruction and where its argument starts, up to the end."""
    position, end = 0, len(data)
    while position < end:
        opcode = _OPCODES.get(data[position])
        if opcode is None:
            raise ValueError(f"byte {position} is no instruction")
        name, kind = opcode
        yield name, position + 1
        if name == "STOP":
            return
        position = _after(data, position + 1, kind)
    raise ValueError("it is cut off")


def _after(data: bytes | mmap.mmap, start: int, kind: int) -> int:
    """Where the argument that starts at `start` ends."""
    if kind >= 0:
        return start + kind
    if kind in _LINES:
        for _ in range(_LINES[kind]):
            start = data.find(b"\n", start) + 1
            if start == 0:
                raise ValueError("it is cut off")
        return start
    width = _WIDTHS[kind]
    length = int.from_bytes(data[start : start + width], "little")
    if start + width + length > len(data):
        raise ValueError("it is cut off")
    return start + width + length


def _index(data: bytes | mmap.mmap, name: str, start: int) -> int:
    """The place in the memo that an instruction names; -1 where it names none."""
    if name in ("PUT", "GET"):
        return int(data[start : data.find(b"\n", start)])
    width = _INDEX_WIDTHS.get(name)
    return -1 if width is None else int.from_bytes(data[start : start + width], "little")


class _Depths:
    """How deep tuples are nested, followed on a stack of depths; hashing a tuple takes the interpreter's own stack.

    Lists and dicts are not counted: they cannot be hashed.
    """

    def __init__(self) -> None:
        self._stack: list[int] = []
        self._memo: dict[int, int] = {}

    def follow(self, name: str, index: int) -> None:
        """Take what the instruction takes, and leave what it leaves."""
        if name in _PUTS or name == "MEMOIZE":
            self._memo[len(self._memo) if name == "MEMOIZE" else index] = self._stack[-1] if self._stack else 0
            return
        if name in _GETS:
            self._stack.append(self._memo.get(index, 0))
            return
        taken, left = _STACK[name]
        depth = max((self._take(kind) for kind in taken), default=0) + (name in _TUPLES)
        if depth > MAX_DEPTH:
            raise RefusedError(f"nests its containers deeper than {MAX_DEPTH}; save the arrays themselves")
        self._stack.extend(_MARK if kind == "mark" else depth for kind in left)

    def _take(self, kind: str) -> int:
        """The depth of one object, or of all since the last mark."""
        if kind != "stackslice":
            return self._stack.pop() if self._stack else 0
        depth = 0
        while self._stack and self._stack[-1] != _MARK:
            depth = max(depth, self._stack.pop())
        return depth


def _kind(opcode: pickletools.OpcodeInfo) -> int:
    """Bytes of an opcode's argument, or a negative number for how its length is found."""
    if opcode.arg is None:
        return 0
    return _TWO_LINES if opcode.arg.name == "stringnl_noescape_pair" else opcode.arg.n


_MARK = -1  # stands in the stack for a mark
_TWO_LINES = -100
_LINES = {pickletools.UP_TO_NEWLINE: 1, _TWO_LINES: 2}
_WIDTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
_OPCODES = {ord(opcode.code): (opcode.name, _kind(opcode)) for opcode in pickletools.opcodes}
# What each takes from the stack, the top first, and what it leaves there.
_STACK = {
    opcode.name: (
        [each.name for each in reversed(opcode.stack_before)],
        [each.name for each in opcode.stack_after],
    )
    for opcode in pickletools.opcodes
}
_TUPLES = {"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"}
_PUTS = {"PUT", "BINPUT", "LONG_BINPUT"}
_GETS = {"GET", "BINGET", "LONG_BINGET"}
_INDEX_WIDTHS = {"BINPUT": 1, "BINGET": 1, "LONG_BINPUT": 4, "LONG_BINGET": 4}
