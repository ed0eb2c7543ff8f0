"""Typed records that are JSON on disk: read from an object and checked, written as one, unknown keys kept."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Self, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    Json = bool | int | float | str | None | Sequence["Json"] | Mapping[str, "Json"]
else:
    Json = object  # read as it is


@dataclass(frozen=True, kw_only=True)
class Record:
    """A frozen dataclass whose fields are the keys of a JSON object.

    Fields are numbers, texts, lists, dicts by text and other records. One of type `X | None` is null in JSON, or absent
    where its default is None too.

    Attributes:
        more: keys of the object that are no field, kept as they are.
    """

    more: Mapping[str, Json] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> Self:
        """The record of a JSON object.

        Raises:
            ValueError: a field is absent or of another type; the message names it.
        """
        if not isinstance(value, Mapping):
            raise ValueError(f"should be an object, got {_short(value)}")
        kinds = _kinds(cls)  # type: ignore[arg-type]  # a class can be hashed
        found: dict[str, Any] = {
            name: _read(kinds[name], value[name], name) for name in kinds if name in value and name != "more"
        }
        for each in fields(cls):
            if each.name not in found and not _has_default(each):
                if NoneType not in get_args(kinds[each.name]):
                    raise ValueError(f"{each.name} is absent")
                found[each.name] = None
        return cls(**found, more={name: kept for name, kept in value.items() if name not in kinds})

    def to_json(self) -> dict[str, Any]:
        """The JSON object of this record."""
        written = {
            each.name: _written(value)
            for each in fields(self)
            if each.name != "more" and ((value := getattr(self, each.name)) is not None or each.default is not None)
        }
        return {**written, **self.more}


@cache
def _kinds(cls: type[Record]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {each.name: hints[each.name] for each in fields(cls)}


def _has_default(each: "Field[Any]") -> bool:
    return each.default is not MISSING or each.default_factory is not MISSING


def _written(value: Any) -> Json:
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, Mapping):
        return {name: _written(each) for name, each in value.items()}
    return [_written(each) for each in value] if isinstance(value, list | tuple) else value


def _read(kind: Any, value: Any, name: str) -> Any:
    if kind is object:
        return value
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        plain = next((each for each in inner if isinstance(each, type) and type(value) is each), inner[0])
        return None if value is None and NoneType in inner else _read(plain, value, name)
    if isinstance(kind, type) and issubclass(kind, Record):
        try:
            return kind.from_json(value)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    if origin is list and isinstance(value, list | tuple):
        return [_read(inner[0], each, name) for each in value]
    if origin in (dict, Mapping) and isinstance(value, Mapping):
        return {key: _read(inner[1], each, name) for key, each in value.items()}
    wanted = (int, float) if kind is float else kind
    if origin is not None or not isinstance(value, wanted) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{name} should be of type {getattr(kind, '__name__', kind)}, got {_short(value)}")
    return value


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
