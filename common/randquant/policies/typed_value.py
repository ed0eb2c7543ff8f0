"""Values read from YAML against type hints."""

import types
import typing
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal


def typed_value(value: Any, hint: Any, where: str) -> Any:
    """The value as a type hint wants it; a number also stands for a list of one.

    Raises:
        ValueError: it is of another type.
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _any_of(value, arguments, where)
    if origin is Literal and value in arguments:
        return value
    if origin is list:
        given = value if isinstance(value, list | tuple) else [value]
        with suppress(ValueError):
            return [typed_value(each, arguments[0], where) for each in given]
    if origin is tuple and isinstance(value, list | tuple) and len(value) == len(arguments):
        return tuple(typed_value(each, its, where) for each, its in zip(value, arguments, strict=True))
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if hint is type(None) and value is None:
        return None
    if hint in (bool, int, str) and type(value) is hint:
        return value
    raise ValueError(f"{where} should be {_words(hint)}, got {value!r}.")


def _any_of(value: Any, hints: Sequence[Any], where: str) -> Any:
    for hint in hints:
        with suppress(ValueError):
            return typed_value(value, hint, where)
    raise ValueError(f"{where} should be {' or '.join(map(_words, hints))}, got {value!r}.")


def _words(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if origin is list:
        return f"a list ({_words(arguments[0])} each)"
    if origin is tuple:
        return f"{len(arguments)} values ({_words(arguments[0])} each)"
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text", type(None): "nothing"}
    return names.get(hint, str(hint))
