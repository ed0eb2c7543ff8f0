"""A result: every number of one probe on one task, with its provenance. Its JSON is read and written only here.

A results folder keeps one object a result. A JSON file of one task keeps the first probe's object with the others'
numbers inside, under their names; of several tasks, a list of these under "results".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import torch
from torch import nn

from randquant.data.coverage import NOT_SAID, Coverage, coverage
from randquant.data.labelled_store import source_of
from randquant.data.store import Store
from randquant.extras import needs
from randquant.files.json_record import Json, Record
from randquant.installation.computer import computed_on
from randquant.precision import InForce
from randquant.probes import registry
from randquant.probes.conditions.corruption import Corruption
from randquant.probes.outcome import Numbers, Outcome, Score
from randquant.results.command import CommandRecord
from randquant.results.predictions import digest, prediction_table
from randquant.results.published import PublishedTable

with needs("train"):
    import pyarrow as pa

R = TypeVar("R", bound="Result")


class Encoder(Protocol):
    """The facts about an encoder of any modality."""

    metadata: dict[str, Any]
    report: str
    sha256: str
    precision: InForce

    @property
    def encoder(self) -> nn.Module:
        """The network."""


@dataclass(frozen=True, kw_only=True)
class ProtocolRecord(Record):
    """The preset, and the deviations from it in words."""

    name: str | None
    source: str = ""
    departures: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class CheckpointRecord(Record):
    """Which encoder it was; `path` as typed."""

    path: str = ""
    sha256: str = ""
    report: str = ""
    encoder: str = ""
    metadata: Mapping[str, Json] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, loaded: Encoder) -> Self:
        """The record of an encoder."""
        kind = type(loaded.encoder).__name__
        return cls(path=name, sha256=loaded.sha256, report=loaded.report, encoder=kind, metadata=loaded.metadata)


@dataclass(frozen=True, kw_only=True)
class StoreRecord(Record):
    """Which data they were."""

    path: str = ""
    content_hash: str | None
    source: Mapping[str, Json] | None
    skipped: int = 0

    @classmethod
    def of(cls, store: Store) -> Self:
        """The record of a store."""
        return cls(
            path=str(store.path),
            content_hash=store.content_hash,
            source=dict(source_of(store)) or None,
            skipped=len(store.info.get("skipped", [])),
        )


@dataclass(frozen=True, kw_only=True)
class ChangeScore(Score):
    """What test items score under one change, and the accuracy lost against clean ones.

    Attributes:
        kind, severity, unit: the change.
        lost: accuracy; None where a result of an earlier version does not say.
        test: items.
        predictions_sha256: as in `Result`.
    """

    kind: str
    severity: float
    unit: str
    lost: float | None
    test: int = 0
    predictions_sha256: str | None = None

    @property
    def name(self) -> str:
        """Such as "jitter 0.02"."""
        return f"{self.kind} {self.severity:g}"


@dataclass(frozen=True, kw_only=True)
class Result(Numbers):
    """One probe on one task; a modality adds what was taken of its data, and the words for it.

    Attributes:
        published: what it may be compared with.
        things: what its items are, in the plural.
        own: names of further fields that differ between the probes of a task.
        task, probe: what it is of.
        probes: asked together, in order.
        protocol: preset and departures.
        seed: of the command.
        split_counts: items of the store by split or fold.
        data: how much of the published data there is.
        dimension: of the features.
        precision: in which the encoder computed them; 32 in results of earlier versions.
        checkpoint, store, versions: what computed it, from what.
        device, threads: where; None in results of earlier versions.
        command: that it is of, to be run again; None in results of earlier versions.
        predictions_sha256: of the predictions it was counted from, which a results folder keeps; None in JSON files of
            earlier versions.
        robustness: the scores of changed test items, one a change; None where none were asked.
    """

    published: ClassVar[PublishedTable] = PublishedTable({}, (), ())
    things: ClassVar[str] = "items"
    own: ClassVar[tuple[str, ...]] = ("robustness",)

    task: str
    probes: list[str] = field(default_factory=list)
    protocol: ProtocolRecord = ProtocolRecord(name=None)
    seed: int | None
    split_counts: dict[str, int] = field(default_factory=dict)
    data: Coverage = NOT_SAID
    dimension: int | None
    precision: str = "32"
    checkpoint: CheckpointRecord = CheckpointRecord()
    store: StoreRecord = StoreRecord(content_hash=None, source=None)
    versions: dict[str, str] = field(default_factory=dict)
    device: str | None = None
    threads: int | None = None
    command: CommandRecord | None = None
    predictions_sha256: str | None = None
    robustness: list[ChangeScore] | None = None

    @classmethod
    def from_json(cls, value: object) -> Self:
        """As `Record.from_json`; a result of an earlier version is put into words by its probe."""
        if isinstance(value, Mapping):
            value = {"probe": "linear", "how": registry.how(value), **value}
        return super().from_json(value)

    def on_changed(self) -> list[Self]:
        """The scores of changed items as results of tasks of their own, such as "esc10, noise 10"."""
        named = [each.name for each in fields(Score) if each.name != "more"]
        return [
            replace(
                self,
                **{name: getattr(each, name) for name in named},
                task=_changed_task(self.task, each.name),
                counts={**self.counts, "test": each.test},
                folds=None,
                predictions_sha256=each.predictions_sha256,
                robustness=None,
            )
            for each in self.robustness or ()
        ]

    @property
    def is_published_probe(self) -> bool:
        """Whether this is the probe that published numbers are of."""
        return self.probe == "linear"

    def about(self) -> list[str]:
        """Lines on encoder and protocol, which all results of a folder share."""
        return []

    def conditions(self) -> list[str]:
        """Lines on what was taken of the data of this task."""
        return []

    @classmethod
    def sections(cls, results: Sequence[Self], *, markdown: bool = False) -> list[str]:
        """Lines of further tables, with headings where they are for the page."""
        return []


@dataclass(frozen=True)
class Entry(Generic[R]):
    """A result and the predictions it was counted from (`randquant.results.predictions.prediction_table`).

    Attributes:
        result: of the probe.
        predictions: of its task.
        changed: those of each of its `on_changed`.
    """

    result: R
    predictions: pa.Table
    changed: Sequence[pa.Table] = ()


def entries(
    task: str,
    outcomes: Mapping[str, Outcome[Any]],
    record: Callable[[Numbers], R],
    asked: Sequence[Corruption] = (),
    changed: Mapping[str, Mapping[str, Outcome[Any]]] | None = None,
) -> list[Entry[R]]:
    """All probes of one task.

    Args:
        task: its name.
        outcomes: by probe, in the order asked.
        record: adds to the numbers of one where they come from.
        asked: the changes of test items that were asked about.
        changed: the outcomes by probe and name of a change.
    """
    found = []
    for name, outcome in outcomes.items():
        result, table = record(replace(outcome.numbers, probe=name)), prediction_table(task, name, outcome)
        scores, tables, under = [], [], (changed or {}).get(name, {})
        for change in (each for each in asked if each.name in under):
            tables.append(prediction_table(_changed_task(task, change.name), name, under[change.name]))
            scores.append(_change_score(change, under[change.name], outcome, digest(tables[-1])))
        found.append(Entry(replace(result, robustness=scores or None), table, tables))
    return found


def _change_score(change: Corruption, outcome: Outcome[Any], clean: Outcome[Any], predictions: str) -> ChangeScore:
    score = {each.name: getattr(outcome.numbers, each.name) for each in fields(Score) if each.name != "more"}
    return ChangeScore(
        **score,
        kind=change.kind,
        severity=change.severity,
        unit=change.unit,
        lost=clean.numbers.accuracy - outcome.numbers.accuracy,
        test=len(outcome.truth),
        predictions_sha256=predictions,
    )


def _changed_task(task: str, change: str) -> str:
    return f"{task}, {change}"


def provenance(
    checkpoint: str, loaded: Encoder, store: Store, counts: Mapping[str, int], device: str | torch.device
) -> dict[str, Any]:
    """The fields of a result that say what it was computed from, the same in every modality.

    Args:
        checkpoint: as typed.
        loaded: what it is.
        store: of the task.
        counts: items of the store by split or fold.
        device: where it was computed.
    """
    return {
        "split_counts": dict(counts),
        "data": coverage(source_of(store), counts),
        "precision": loaded.precision,
        "checkpoint": CheckpointRecord.of(checkpoint, loaded),
        "store": StoreRecord.of(store),
        **computed_on(device),
    }


def to_file(tasks: Sequence[Sequence[Result]]) -> dict[str, Json]:
    """The JSON of a file: the results of one task after the other."""
    written = [_with_others(results) for results in tasks]
    return written[0] if len(written) == 1 else {"results": written}


def from_file(value: Mapping[str, Json]) -> list[Result]:
    """The results in the JSON of a file, one a task and probe.

    Raises:
        ValueError: it holds something else.
    """
    listed = value.get("results", [value])
    results: list[Result] = []
    for facts in listed if isinstance(listed, list) else [listed]:
        if not isinstance(facts, Mapping):
            raise ValueError("a result should be an object")
        results.append(Result.from_json(facts))
        nested = results[-1].probes[1:]
        own = {name: value for name, value in facts.items() if name not in nested}
        for name in nested:
            numbers = facts.get(name)
            if not isinstance(numbers, Mapping):
                raise ValueError(f"{name} is absent")
            results.append(Result.from_json({**own, **numbers, "probe": name}))
    return results


def _with_others(results: Sequence[Result]) -> dict[str, Json]:
    first = results[0].to_json()
    for result in results[1:]:
        counted = {each.name for each in fields(Numbers)} | {*result.more, *result.own}
        facts = result.to_json()
        first[result.probe] = {name: fact for name, fact in facts.items() if name in counted or first.get(name) != fact}
    return first
