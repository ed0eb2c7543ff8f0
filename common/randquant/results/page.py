"""The page of a results folder: our numbers beside the published ones, and where each comes from.

What a modality adds, its published rows and what there is to say of its encoders and data, comes in a `Modality`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from randquant.results.markdown import escaped
from randquant.results.published import OwnRow, PublishedRow, beside_published
from randquant.results.tables import details
from randquant.results.text_table import text_table

_PARTIAL, _DEPARTS = "†", "‡"

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Modality:
    """What sounds and shapes do not share.

    Attributes:
        columns: title of each task that has published numbers, in the order of the papers' tables.
        rows: what was published.
        notes: what a reader has to know of these rows.
        compared: whether a result is of the probe that was published.
        about: lines on encoder and protocol, which all results of a folder share.
        conditions: lines on the data of one task and what was taken of them.
        sections: further lines of the page, with their headings.
    """

    columns: Mapping[str, str]
    rows: Sequence[PublishedRow]
    notes: Sequence[str]
    compared: Callable[[Facts], bool]
    about: Callable[[Facts], list[str]]
    conditions: Callable[[Facts], list[str]]
    sections: Callable[[Sequence[Facts]], list[str]] = lambda results: []


def results_page(results: Sequence[Facts], modality: Modality) -> str:
    """Markdown from the facts of all entries of a folder."""
    results = [_escaped(result) for result in results]
    first, ordered = results[0], _ordered(results, modality)
    lines = [f"# {first['checkpoint']['path']}", "", *modality.about(first), ""]
    compared = published_lines(results, modality, markdown=True)
    if compared:
        lines += ["## Beside the published rows", "", *compared, ""]
    lines += ["## Every probe", "", *details(ordered, markdown=True), "", *_READING, ""]
    lines += modality.sections(ordered)
    lines += ["## Where the numbers come from", "", *_provenance(ordered, modality)]
    return "\n".join(lines)


def published_lines(results: Sequence[Facts], modality: Modality, *, markdown: bool = False) -> list[str]:
    """Our numbers beside the published rows; empty where no task or probe of theirs was asked.

    On a terminal the rows of other protocols are left out: the page has them.
    """
    found = {result["task"]: result for result in results if modality.compared(result)}
    ours = {task: found[task] for task in modality.columns if task in found}
    if not ours:
        return []
    protocol = next(iter(ours.values()))["protocol"]["name"]
    name = next(iter(ours.values()))["checkpoint"]["path"]
    numbers = {task: 100 * result["accuracy"] for task, result in ours.items()}
    marks = {task: _spread(result) + _marks([result]) for task, result in ours.items()}
    own = OwnRow(str(name), numbers, protocol, {**marks, "average": _marks(ours.values())})
    rows = modality.rows if markdown else [row for row in modality.rows if row.protocol == protocol]
    lines = text_table(*beside_published([own], rows, modality.columns), markdown=markdown)
    notes = [*_mark_notes(ours, modality.columns), *(modality.notes if markdown else ())]
    return [*lines, *([""] if markdown else []), *(f"- {note}" if markdown else note for note in notes)]


def partial_lines(results: Sequence[Facts], modality: Modality) -> list[str]:
    """Tasks on a part of their published items, where the table beside the published rows does not say so."""
    return [
        f"{result['task']}: not the published number of items ({result['data']['differs']})"
        for result in results
        if result["data"]["complete"] is False
        and (result["task"] not in modality.columns or not modality.compared(result))
    ]


def data_line(result: Facts) -> str:
    """Who made the split, how many items are in each part, and whether these are the published numbers."""
    data = result["data"]
    return f"- split: {data['split_source'] or 'as prepared'}; {_counts(data['in_store'])}; {_published(data)}"


def protocol_line(result: Facts) -> str:
    """The preset and where it was left."""
    departures = result["protocol"]["departures"]
    return f"- protocol {result['protocol']['name']}" + (f", but {', '.join(departures)}" if departures else "")


def store_line(result: Facts) -> str:
    """The store and the versions that read it."""
    store = result["store"]
    return f"- store `{store['content_hash']}`, {store['skipped']:,} unreadable files left out; " + ", ".join(
        f"{name} {version}" for name, version in result["versions"].items()
    )


_READING = (
    "± is the 95 % half-width of the mean over repeats of the classifier. The interval by items (Wilson) says what "
    "the number of test items leaves open: compare encoders by it, or by `python -m scripts.compare`. Macro recall "
    "weighs every class the same. The floor is what always answering the largest class of train scores.",
)


def _escaped(facts: Any) -> Any:
    """The same facts with every text as a page shows it: labels, paths and names come from strangers' files."""
    if isinstance(facts, Mapping):
        return {name: _escaped(value) for name, value in facts.items()}
    if isinstance(facts, list | tuple):
        return [_escaped(value) for value in facts]
    return escaped(facts) if isinstance(facts, str) else facts


def _ordered(results: Sequence[Facts], modality: Modality) -> list[Facts]:
    """The published tasks as in the papers' tables, then others."""
    places = {task: place for place, task in enumerate(modality.columns)}
    return sorted(results, key=lambda result: places.get(result["task"], len(places)))


def _provenance(results: Sequence[Facts], modality: Modality) -> list[str]:
    """A few lines a task; probes of one task that were run under other conditions have lines of their own."""
    blocks: dict[tuple[str, ...], list[str]] = {}
    for result in results:
        repeats = f"{result['repeats']} repeats, seeds" if result["repeats"] > 1 else "seed"
        probe = f"{result['probe']} ({repeats} {_range(result['seeds'])})"
        blocks.setdefault((f"### {result['task']}", "", *modality.conditions(result)), []).append(probe)
    lines: list[str] = []
    for conditions, probes in blocks.items():
        lines += [*conditions, f"- probes: {', '.join(probes)}", ""]
    return lines


def _counts(counts: Mapping[str, int]) -> str:
    shown = {name: count for name, count in counts.items() if count or name != "unused"}
    return ", ".join(f"{name} {count:,}" for name, count in shown.items())


def _published(data: Facts) -> str:
    if data["complete"] is None:
        return "no published numbers to compare with"
    return "the published numbers" if data["complete"] else f"not the published numbers: {data['differs']}"


def _range(seeds: Sequence[int]) -> str:
    return str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"


def _spread(result: Facts) -> str:
    return "" if result["ci95"] is None else f" ± {100 * result['ci95']:.1f}"


def _marks(results: Iterable[Facts]) -> str:
    """What has to be known of any of `results`."""
    every = list(results)
    partial = any(result["data"]["complete"] is False for result in every)
    departs = any(result["protocol"]["departures"] for result in every)
    return (_PARTIAL if partial else "") + (_DEPARTS if departs else "")


def _mark_notes(ours: Mapping[str, Facts], columns: Mapping[str, str]) -> list[str]:
    """What the marks of our row stand for."""
    partial = [
        f"{columns[task]} ({result['data']['differs']})"
        for task, result in ours.items()
        if result["data"]["complete"] is False
    ]
    departing: dict[str, list[str]] = {}
    for task, result in ours.items():
        departing.setdefault(", ".join(result["protocol"]["departures"]), []).append(columns[task])
    notes = [f"{_PARTIAL} not the published number of items: {'; '.join(partial)}."] if partial else []
    return notes + [
        f"{_DEPARTS} departs from the preset: {words} ({', '.join(tasks)})."
        for words, tasks in departing.items()
        if words
    ]
