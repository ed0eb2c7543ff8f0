"""The page of a results folder: our numbers beside the published ones, and where each comes from."""

from collections.abc import Mapping, Sequence
from typing import Any

from audio.published_rows import NOTES, PUBLISHED_ROWS, SIX_TASKS
from randquant.published import OwnRow, beside_published
from randquant.result_lines import details
from randquant.text_table import text_table

_PARTIAL, _DEPARTS = "†", "‡"


def results_page(results: list[dict[str, Any]]) -> str:
    """Markdown from the facts of all entries of a folder."""
    first = results[0]
    lines = [f"# {first['checkpoint']['path']}", "", *_about(first), ""]
    compared = published_lines(results, markdown=True)
    if compared:
        lines += ["## Beside the published rows", "", *compared, ""]
    lines += ["## Every probe", "", *details(results, markdown=True), "", *_reading(), ""]
    lines += ["## Where the numbers come from", "", *_provenance(results), ""]
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
    own = OwnRow(str(name), numbers, protocol, {task: _marks(result) for task, result in ours.items()})
    rows = PUBLISHED_ROWS if markdown else [row for row in PUBLISHED_ROWS if row.protocol == protocol]
    lines = text_table(*beside_published([own], rows, SIX_TASKS), markdown=markdown)
    notes = [*_mark_notes(ours), *(NOTES if markdown else ())]
    return [*lines, *([""] if markdown else []), *(f"- {note}" if markdown else note for note in notes)]


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
    header = ["task", "probe", "split", "items", "published", "clip", "statistics", "repeats", "seeds", "store"]
    rows = [
        [
            result["task"],
            result["probe"],
            str(result["data"]["split_source"] or "as prepared"),
            _counts(result["data"]["in_store"]),
            _published(result["data"]),
            f"{result['unit_seconds']:g} s ({result['unit_source']})",
            result["statistics"]["source"],
            str(result["repeats"]),
            _range(result["seeds"]),
            f"`{result['store']['content_hash'][:12]}`",
        ]
        for result in results
    ]
    return text_table(header, rows, markdown=True)


def _counts(counts: Mapping[str, int]) -> str:
    shown = {name: count for name, count in counts.items() if count or name != "unused"}
    return ", ".join(f"{name} {count:,}" for name, count in shown.items())


def _published(data: Mapping[str, Any]) -> str:
    if data["complete"] is None:
        return "not known"
    return "complete" if data["complete"] else f"partial: {data['differs']}"


def _range(seeds: Sequence[int]) -> str:
    return str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"


def _marks(result: Mapping[str, Any]) -> str:
    spread = "" if result["ci95"] is None else f" ± {100 * result['ci95']:.1f}"
    partial = _PARTIAL if result["data"]["complete"] is False else ""
    return spread + partial + (_DEPARTS if result["protocol"]["departures"] else "")


def _mark_notes(ours: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What the marks of our row stand for, task by task."""
    notes = []
    for task, result in ours.items():
        if result["data"]["complete"] is False:
            notes.append(f"{_PARTIAL} {SIX_TASKS[task]}: not the published number of items ({result['data']['differs']}).")
        if result["protocol"]["departures"]:
            departures = ", ".join(result["protocol"]["departures"])
            notes.append(f"{_DEPARTS} {SIX_TASKS[task]}: departs from the preset ({departures}).")
    return notes
