"""What differs between a result as it is stated and the same row as it was run again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from randquant.extras import needs
from randquant.files.json_record import Json
from randquant.results.record import Result
from randquant.results.text_table import shortened

with needs("train"):
    import pyarrow as pa

_COMPUTER = ("versions", "device", "threads")
_INPUTS = ("checkpoint.sha256", "store.content_hash")
# Where things lie, how long they took and what repeats the above in words; predictions are compared by themselves.
_ASIDE = ("seconds", "command", "predictions_sha256", "checkpoint", "store", "published")


@dataclass(frozen=True)
class Change:
    """A fact that differs: its name, with dots where it lies in another one, and both values."""

    name: str
    stated: Json
    again: Json

    def __str__(self) -> str:
        short = [_shown(value) for value in (self.stated, self.again)]
        return f"{self.name} {' -> '.join(short if short[0] != short[1] else map(str, (self.stated, self.again)))}"


@dataclass(frozen=True)
class Changes:
    """All that differs in a row.

    Attributes:
        numbers: what was measured, and how much data there was.
        predictions: in words; None where they are equal, or where one of both keeps none.
        inputs: encoder and data.
        words: texts, such as the protocol's departures.
        computer: versions, device and threads.
    """

    numbers: list[Change] = field(default_factory=list)
    predictions: str | None = None
    inputs: list[Change] = field(default_factory=list)
    words: list[Change] = field(default_factory=list)
    computer: list[Change] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether the row is the same: its numbers and predictions, and what they were made of."""
        return not (self.numbers or self.predictions or self.inputs)


def changes(stated: Result, again: Result, stated_table: pa.Table | None, again_table: pa.Table) -> Changes:
    """Hold a result against the same row run again.

    Args:
        stated: the result as it was kept.
        again: the new one.
        stated_table: its predictions; None where they are not kept.
        again_table: the new ones.
    """
    before, after = stated.to_json(), again.to_json()
    found = Changes(predictions=_predictions(stated, again, stated_table, again_table))
    # A fact that only one version keeps is no change; in a JSON file, one probe's facts stand among the next one's.
    shared = {name: value for name, value in before.items() if name in after and name not in _ASIDE}
    for change in differing(shared, after):
        kinds = {type(change.stated), type(change.again)}
        if change.name.partition(".")[0] in _COMPUTER:
            found.computer.append(change)
        elif kinds == {str}:
            found.words.append(change)
        else:
            found.numbers.append(change)
    for name in _INPUTS:
        part, key = name.split(".")
        if before[part].get(key) and before[part][key] != after[part].get(key):
            found.inputs.append(Change(name, before[part][key], after[part].get(key)))
    return found


def differing(stated: Mapping[str, Json], again: Mapping[str, Json], place: str = "") -> Iterator[Change]:
    """The facts of `stated` that are others in `again`, times aside; `place` is in front of their names."""
    for name, value in stated.items():
        other = again.get(name)
        if name == "seconds":
            continue
        if name == "robustness" and isinstance(value, list) and isinstance(other, list):
            value, other = _by_change(value), _by_change(other)
            # Later versions ask about further changes and say more of each.
            value = {change: _shared(value[change], other.get(change, {})) for change in value}
        if isinstance(value, Mapping) and isinstance(other, Mapping):
            yield from differing(value, other, f"{place}{name}.")
        elif value != other:
            yield Change(f"{place}{name}", value, other)


def _by_change(scores: Sequence[Mapping[str, Json]]) -> dict[str, Mapping[str, Json]]:
    return {f"{each.get('kind')} {each.get('severity')}": each for each in scores}


def _shared(facts: Mapping[str, Json], others: Mapping[str, Json]) -> Mapping[str, Json]:
    return {name: value for name, value in facts.items() if name in others or not others}


def _predictions(stated: Result, again: Result, stated_table: pa.Table | None, again_table: pa.Table) -> str | None:
    if stated_table is None:
        known = stated.predictions_sha256 is not None and stated.task == again.task
        return "predictions differ" if known and stated.predictions_sha256 != again.predictions_sha256 else None
    columns = [name for name in stated_table.column_names if name not in ("task", "predicted")]
    if not stated_table.select(columns).equals(again_table.select(columns)):
        return f"other items were answered: {len(stated_table):,} predictions -> {len(again_table):,}"
    pairs = zip(stated_table["predicted"].to_pylist(), again_table["predicted"].to_pylist(), strict=True)
    differing = sum(one != other for one, other in pairs)
    return f"{differing:,} of {len(stated_table):,} predictions differ" if differing else None


def _shown(value: Json) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_shown(each) for each in value[:3])}{', …' if len(value) > 3 else ''}]"
    return shortened(str(value))
