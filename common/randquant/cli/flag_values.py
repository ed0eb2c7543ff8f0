"""Values that no flag accepts: NaN and infinity, integers beyond 64 bits, text that is not UTF-8."""

import math
import os
import stat
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from randquant.cli.terminal import printable
from randquant.errors import UsageError

LARGEST_SEED = 2**62 - 1  # leaves room for seed + 1, seed + 2, … in 64 bits
_LARGEST = 2**63 - 1


def require_words(words: Sequence[str]) -> None:
    """Refuse words of a command line that are empty, since an empty path would be taken for the current folder, or
    that no file can hold.

    Raises:
        UsageError: one is empty, no UTF-8, or holds a null character.
    """
    flag = "an argument"
    for word in words:
        value = word
        if word.startswith("--"):
            flag, equals, value = word.partition("=")
            value = value if equals else flag
        if value == "":
            raise UsageError(f"{printable(flag)} is empty; give it a value or leave it out; see --help.")
        _check_text(flag, value)


def require_values(values: Mapping[str, Any], hints: Mapping[str, Any]) -> None:
    """Refuse values that no flag of a command can mean.

    Args:
        values: by flag.
        hints: their types.

    Raises:
        UsageError: one is absent where it is needed, of another number of values, not finite, out of the range of 64
            bits, out of `LARGEST_SEED` for a seed, empty, or no text that a file can hold.
    """
    for name, value in values.items():
        hint = hints.get(name, Any)
        if value is None and not _takes_none(hint):
            raise UsageError(f"--{name} needs a value; give one or leave it out; see --help.")
        wanted = len(typing.get_args(hint)) if typing.get_origin(hint) is tuple else None
        if wanted is not None and len(value) != wanted:
            raise UsageError(f"--{name} takes {wanted} values, got {len(value)}; see --help.")
        for each in value if isinstance(value, list | tuple) else [value]:
            _check(name, each)


def at_home(value: Any) -> Any:
    """A path below ~ as one below the home folder, as a shell makes it; not in a file of flags or behind --flag=.

    >>> at_home(Path("~")) == Path.home(), at_home("a~"), at_home(["~/b"]) == [str(Path.home() / "b")]
    (True, 'a~', True)
    """
    if isinstance(value, list):
        return [at_home(each) for each in value]
    below = isinstance(value, str) and value.startswith("~/")
    if below or (isinstance(value, Path) and value.parts[:1] == ("~",)):
        return type(value)(os.path.expanduser(value))
    return value


def _check(name: str, value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"--{name} {value} should be a finite number; see --help.")
    if isinstance(value, int) and name == "seed" and not 0 <= value <= LARGEST_SEED:
        raise UsageError(f"--seed {_digits(value)} should lie between 0 and {LARGEST_SEED}; see --help.")
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise UsageError(f"--{name} {_digits(value)} should be at most {_LARGEST}; see --help.")
    if isinstance(value, str | Path):
        _check_text(f"--{name}", str(value))
        _check_place(name, str(value))


def _check_text(flag: str, text: str) -> None:
    if "\0" in text:
        raise UsageError(f"{flag} {printable(text)} holds a null character; write it without; see --help.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"{flag} {printable(text)} is not valid UTF-8; rename it, or link to it under another name; see --help."
        ) from None


def _check_place(name: str, text: str) -> None:
    """Refuse devices, sockets and named pipes, whose reading may never end; a pipe of the shell, <(command), does."""
    try:
        mode = os.stat(text).st_mode
    except (OSError, ValueError):
        return  # opening it gives the better message
    kinds = {"device": (stat.S_ISCHR, stat.S_ISBLK), "pipe": (stat.S_ISFIFO,), "socket": (stat.S_ISSOCK,)}
    kind = next((kind for kind, tests in kinds.items() if any(test(mode) for test in tests)), None)
    if kind is not None and not (kind == "pipe" and text.startswith(("/dev/fd/", "/proc/self/fd/"))):
        raise UsageError(f"--{name} {printable(text)} is a {kind}; give an ordinary file or folder.")


def _takes_none(hint: Any) -> bool:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return type(None) in typing.get_args(hint)
    return hint in (Any, None, type(None), object)


def _digits(value: int) -> str:
    """A number as typed, or its length if that is long."""
    bits = value.bit_length()
    return str(value) if bits < 200 else f"(a number of about {int(bits * 0.30103) + 1} digits)"
