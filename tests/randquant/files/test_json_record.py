"""Records read from JSON and written again: checked, with unknown keys kept."""

from dataclasses import dataclass, field

import pytest

from randquant.files.json_record import Json, Record


@dataclass(frozen=True, kw_only=True)
class Inner(Record):
    name: str


@dataclass(frozen=True, kw_only=True)
class Outer(Record):
    share: float
    count: int | None
    size: int | str = 1
    inner: Inner
    others: list[Inner] = field(default_factory=list)
    numbers: dict[str, int | None] = field(default_factory=dict)
    anything: Json = None


WHOLE = {"share": 0.5, "count": None, "size": "any", "inner": {"name": "a", "own": [1]}, "others": [{"name": "b"}]}


def test_what_is_read_is_written() -> None:
    value = {**WHOLE, "numbers": {"x": 1, "y": None}, "anything": {"z": [None]}, "unknown": {"kept": True}}
    read = Outer.from_json(value)
    assert (read.inner.name, read.others[0].name, read.more) == ("a", "b", {"unknown": {"kept": True}})
    assert read.to_json() == value
    assert Outer.from_json(read.to_json()) == read


def test_what_is_absent() -> None:
    read = Outer.from_json({"share": 1, "inner": {"name": "a"}})
    assert (read.count, read.size, read.others) == (None, 1, [])
    written = read.to_json()
    assert written["count"] is None, "a fact that may be null is always said"
    assert "anything" not in written


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"share": "much"}, "share should be of type float, got 'much'"),
        ({"share": True}, "share should be of type float"),
        ({"count": 0.5}, "count should be of type int"),
        ({"inner": None}, "inner: should be an object, got None"),
        ({"inner": {}}, "inner: name is absent"),
        ({"others": [{"name": 1}]}, "others: name should be of type str"),
        ({"others": {}}, "others should be of type list"),
        ({"numbers": {"x": "1"}}, "numbers should be of type int"),
    ],
)
def test_another_type_is_named(changed: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Outer.from_json({**WHOLE, **changed})
