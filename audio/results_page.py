"""The page of a results folder: our numbers beside the published ones, and where each comes from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from audio.published_rows import NOTES, PUBLISHED_ROWS, SIX_TASKS
from randquant.published import OwnRow, beside_published
from randquant.result_lines import details
from randquant.text_table import text_table

_PARTIAL, _DEPARTS = "†", "‡"


def results_page(results: list[dict[str, Any]]) -> str:
    """Markdown from the facts of all entries of a folder."""
    first, ordered = results[0], _ordered(results)
    lines = [f"# {first['checkpoint']['path']}", "", *_about(first), ""]
    compared = published_lines(results, markdown=True)
    if compared:
        lines += ["## Beside the published rows", "", *compared, ""]
    lines += ["## Every probe", "", *details(ordered, markdown=True), "", *_reading(), ""]
    lines += ["## Where the numbers come from", "", *_provenance(ordered)]
    return "\n".join(lines)


def published_lines(results: Sequence[Mapping[str, Any]], *, markdown: bool = False) -> list[str]:
    """Our linear probes of the six tasks beside the published rows; empty where none of the six was probed.

    On a terminal the rows of other protocols are left out: the page has them.
    """
    linear = {result["task"]: result for result in results if result["probe"] == "linear"}
    ours = {task: linear[task] for task in SIX_TASKS if task in linear}
    if not ours:
        return []
    protocol = next(iter(ours.values()))["protocol"]["name"]
    name = next(iter(ours.values()))["checkpoint"]["path"]
    numbers = {task: 100 * result["accuracy"] for task, result in ours.items()}
    marks = {task: _spread(result) + _marks([result]) for task, result in ours.items()}
    own = OwnRow(str(name), numbers, protocol, {**marks, "average": _marks(ours.values())})
    rows = PUBLISHED_ROWS if markdown else [row for row in PUBLISHED_ROWS if row.protocol == protocol]
    lines = text_table(*beside_published([own], rows, SIX_TASKS), markdown=markdown)
    notes = [*_mark_notes(ours), *(NOTES if markdown else ())]
    return [*lines, *([""] if markdown else []), *(f"- {note}" if markdown else note for note in notes)]


def _ordered(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The six tasks as in the papers' tables, then others."""
    places = {task: place for place, task in enumerate(SIX_TASKS)}
    return sorted(results, key=lambda result: places.get(result["task"], len(places)))


def _about(first: Mapping[str, Any]) -> list[str]:
    checkpoint, front_end, protocol = first["checkpoint"], first["front_end"], first["protocol"]
    shown = ", ".join(f"{name} {value}" for name, value in front_end.items())
    return [
        f"- encoder: {checkpoint['encoder']}, features of {first['dimension']} numbers (layer {first['layer']}), "
        f"SHA-256 of the weights `{checkpoint['sha256']}`",
        f"- front end: {shown}",
        f"- protocol: {protocol['name']} ({protocol['source']}); shorter clips padded at "
        f"{'both ends' if protocol['pad'] == 'both' else 'the tail'}, longer test clips cut "
        f"{'at their head' if protocol['test_crop'] == 'head' else 'at random'}",
    ]


def _reading() -> list[str]:
    return [
        "± is the 95 % half-width of the mean over repeats of the classifier. The interval by items (Wilson) says what "
        "the number of test items leaves open: compare encoders by it, or by `python -m scripts.compare`. Macro recall "
        "weighs every class the same. The floor is what always answering the largest class of train scores.",
    ]


def _provenance(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """A few lines a task; probes of one task that were run under other conditions have lines of their own."""
    blocks: dict[tuple[str, ...], list[str]] = {}
    for result in results:
        repeats = f"{result['repeats']} repeats, seeds" if result["repeats"] > 1 else "seed"
        probe = f"{result['probe']} ({repeats} {_range(result['seeds'])})"
        blocks.setdefault((f"### {result['task']}", "", *_conditions(result)), []).append(probe)
    lines: list[str] = []
    for conditions, probes in blocks.items():
        lines += [*conditions, f"- probes: {', '.join(probes)}", ""]
    return lines


def _conditions(result: Mapping[str, Any]) -> list[str]:
    data, store, versions = result["data"], result["store"], result["versions"]
    departures = result["protocol"]["departures"]
    return [
        f"- split: {data['split_source'] or 'as prepared'}; {_counts(data['in_store'])}; {_published(data)}",
        f"- clips of {result['unit_seconds']:g} s ({result['unit_source']}); log-mel statistics of "
        f"{result['statistics']['source']}",
        f"- protocol {result['protocol']['name']}" + (f", but {', '.join(departures)}" if departures else ""),
        f"- store `{store['content_hash']}`, {store['skipped']:,} unreadable files left out; "
        + ", ".join(f"{name} {version}" for name, version in versions.items()),
    ]


def _counts(counts: Mapping[str, int]) -> str:
    shown = {name: count for name, count in counts.items() if count or name != "unused"}
    return ", ".join(f"{name} {count:,}" for name, count in shown.items())


def _published(data: Mapping[str, Any]) -> str:
    if data["complete"] is None:
        return "no published numbers to compare with"
    return "the published numbers" if data["complete"] else f"not the published numbers: {data['differs']}"


def _range(seeds: Sequence[int]) -> str:
    return str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"


def _spread(result: Mapping[str, Any]) -> str:
    return "" if result["ci95"] is None else f" ± {100 * result['ci95']:.1f}"


def _marks(results: Iterable[Mapping[str, Any]]) -> str:
    """What has to be known of any of `results`."""
    every = list(results)
    partial = any(result["data"]["complete"] is False for result in every)
    departs = any(result["protocol"]["departures"] for result in every)
    return (_PARTIAL if partial else "") + (_DEPARTS if departs else "")


def _mark_notes(ours: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What the marks of our row stand for."""
    partial = [
        f"{SIX_TASKS[task]} ({result['data']['differs']})"
        for task, result in ours.items()
        if result["data"]["complete"] is False
    ]
    departing: dict[str, list[str]] = {}
    for task, result in ours.items():
        departing.setdefault(", ".join(result["protocol"]["departures"]), []).append(SIX_TASKS[task])
    notes = [f"{_PARTIAL} not the published number of items: {'; '.join(partial)}."] if partial else []
    return notes + [
        f"{_DEPARTS} departs from the preset: {words} ({', '.join(tasks)})."
        for words, tasks in departing.items()
        if words
    ]
