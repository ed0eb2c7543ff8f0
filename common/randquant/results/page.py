"""The page of a results folder: our numbers with the published ones, and where each comes from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from randquant.data.coverage import Coverage
from randquant.files.json_record import Json
from randquant.probes.outcome import R2
from randquant.results.published import OwnRow, beside_published
from randquant.results.record import Result
from randquant.results.robustness import robustness_lines
from randquant.results.text_table import escaped, text_table

_PARTIAL, _DEPARTS = "†", "‡"

R = TypeVar("R", bound=Result)


def results_page(results: Sequence[R]) -> str:
    """Markdown of all results of a folder."""
    results = [type(result).from_json(_escaped(result.to_json())) for result in results]
    first, ordered = results[0], _ordered(results)
    lines = [f"# {first.checkpoint.path}", "", *first.about(), ""]
    compared = published_lines(results, markdown=True)
    if compared:
        lines += ["## Compared with published numbers", "", *compared, ""]
    lines += ["## Every probe", "", *details(ordered, markdown=True), "", *_READING, ""]
    lines += type(first).sections(ordered, markdown=True)
    if changed := robustness_lines(ordered, markdown=True):
        lines += [f"## On changed {first.things}", "", *changed, ""]
    lines += ["## Where the numbers come from", "", *provenance_lines(ordered)]
    return "\n".join(lines)


def closing_lines(tasks: Sequence[Sequence[R]]) -> list[str]:
    """What a command prints in the end of the results of one task after the other."""
    results = [result for each in tasks for result in each]
    compared = published_lines(results)
    firsts = [each[0] for each in tasks]
    extra = [*type(firsts[0]).sections(results), *robustness_lines(results)]
    return [*result_table(tasks), *partial_lines(firsts), *extra, *([""] if compared else []), *compared]


def result_table(tasks: Sequence[Sequence[Result]]) -> list[str]:
    """The first probe of every task, its further probes below it, and what the numbers are means of.

    Args:
        tasks: the results of one task after the other.
    """
    firsts = [results[0] for results in tasks]
    by_rate = all("learning_rate" in first.more for first in firsts)
    header = ["task", measure(firsts), "95 % by items", "valid", "macro", "floor", "rate" if by_rate else "how"]
    rows = []
    for first, *others in tasks:
        rate = first.more.get("learning_rate")
        numbers = [_interval(first), _valid(first), _digits(first.macro_recall, 3), _digits(first.majority_floor, 3)]
        chosen = f"{rate:.0e}" if isinstance(rate, int | float) else first.how
        rows.append([first.task, with_spread(first.accuracy, first.ci95), *numbers, chosen])
        rows += [["", with_spread(other.accuracy, other.ci95), "", "", "", "", other.how] for other in others]
    lines = text_table(header, rows)
    first, seeds = firsts[0], firsts[0].seeds
    repeated = f"mean of {len(seeds)} repeats ± 95 % t half-width, seeds {seeds[0]} to {seeds[-1]}"
    return [*lines, f"protocol {first.protocol.name}, {repeated if len(seeds) > 1 else f'seed {seeds[0]}'}"]


def details(results: Sequence[Result], *, markdown: bool = False) -> list[str]:
    """One line a task and probe: accuracy, its intervals, and what it should be compared with."""
    return text_table(detail_header(results), [detail_row(result) for result in results], markdown=markdown)


def detail_header(results: Iterable[Result]) -> list[str]:
    """The titles of `detail_row`."""
    return ["task", "probe", measure(results), "95 % by items", "macro recall", "floor", "valid", "test items", "how"]


def detail_row(result: Result) -> list[str]:
    """The numbers of one task and probe, as cells."""
    return [
        result.task,
        result.probe,
        with_spread(result.accuracy, result.ci95),
        _interval(result),
        _digits(result.macro_recall, 4),
        _digits(result.majority_floor, 4),
        _valid(result),
        f"{result.counts.get('test') or 0:,}",
        result.how or "-",
    ]


def measure(results: Iterable[Result]) -> str:
    """What the numbers of results are: accuracies, R² of predicted numbers, or some of each."""
    of_numbers = {result.measure == R2 for result in results}
    return "accuracy or R²" if len(of_numbers) > 1 else "R²" if True in of_numbers else "accuracy"


def with_spread(accuracy: float, half_width: float | None) -> str:
    """Accuracy, with its half-width over repeats where there are several."""
    return f"{accuracy:.4f}" + ("" if half_width is None else f" ± {half_width:.4f}")


def published_lines(results: Sequence[Result], *, markdown: bool = False) -> list[str]:
    """Our numbers with the published rows; empty where no task or probe of theirs was asked.

    On a terminal the rows of other protocols are left out: the page has them.
    """
    table, found = results[0].published, own_row(results)
    if found is None:
        return []
    own, marks = found
    rows = table.rows if markdown else [row for row in table.rows if row.protocol == own.protocol]
    lines = text_table(*beside_published([own], rows, table.columns), markdown=markdown)
    notes = [*marks, *(table.notes if markdown else ())]
    return [*lines, *([""] if markdown else []), *(f"- {note}" if markdown else note for note in notes)]


def own_row(results: Sequence[Result], name: str | None = None) -> tuple[OwnRow, list[str]] | None:
    """The row of one encoder beside published ones, and what its marks mean.

    Args:
        results: of the encoder.
        name: of the row; the checkpoint's path where None.

    Returns:
        None where no task or probe of the published rows was asked.
    """
    table = results[0].published
    found = {result.task: result for result in results if result.is_published_probe}
    ours = {task: found[task] for task in table.columns if task in found}
    if not ours:
        return None
    first = next(iter(ours.values()))
    numbers = {task: 100 * result.accuracy for task, result in ours.items()}
    marks = {task: _spread(result) + _marks([result]) for task, result in ours.items()}
    marks["average"] = _marks(ours.values())
    row = OwnRow(name or first.checkpoint.path, numbers, str(first.protocol.name), marks)
    return row, _mark_notes(ours, table.columns)


def partial_lines(results: Sequence[Result]) -> list[str]:
    """Tasks on a part of their published items, where the table with the published rows does not say so."""
    return [
        f"{result.task}: not the published number of items ({result.data.differs})"
        for result in results
        if result.data.complete is False
        and (result.task not in result.published.columns or not result.is_published_probe)
    ]


_READING = (
    "± is the 95 % half-width of the mean over repeats of the classifier. The interval by items (Wilson) says what "
    "the number of test items leaves open: compare encoders by it, or by `python -m scripts.compare`. Macro recall "
    "weighs every class the same. The floor is what always answering the largest class of train scores.",
)


def _escaped(value: Json) -> Json:
    """The same with every text as a page shows it: labels, paths and names come from strangers' files."""
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, Mapping):
        return {name: _escaped(each) for name, each in value.items()}
    return [_escaped(each) for each in value] if isinstance(value, list | tuple) else value


def _ordered(results: Sequence[R]) -> list[R]:
    """The published tasks as in the papers' tables, then others."""
    places = {task: place for place, task in enumerate(results[0].published.columns)}
    return sorted(results, key=lambda result: places.get(result.task, len(places)))


def provenance_lines(results: Sequence[Result]) -> list[str]:
    """A few lines a task; probes of one task that were run under other conditions have lines of their own."""
    blocks: dict[tuple[str, ...], list[str]] = {}
    for result in results:
        repeats = f"{result.repeats} repeats, seeds" if result.repeats > 1 else "seed"
        probe = f"{result.probe} ({repeats} {_range(result.seeds)})"
        blocks.setdefault((f"### {result.task}", "", *_conditions(result)), []).append(probe)
    lines: list[str] = []
    for conditions, probes in blocks.items():
        lines += [*conditions, f"- probes: {', '.join(probes)}", ""]
    return lines


def _conditions(result: Result) -> list[str]:
    """Split, what was taken of the data, the preset and where it was left, the store and the versions that read it."""
    data, store, departures = result.data, result.store, result.protocol.departures
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    return [
        f"- split: {data.split_source or 'as prepared'}; {_counts(data.in_store)}; {_published(data)}",
        *result.conditions(),
        f"- protocol {result.protocol.name}" + (f", but {', '.join(departures)}" if departures else ""),
        f"- store `{store.content_hash}`, {store.skipped:,} unreadable files left out; {versions}",
    ]


def _counts(counts: Mapping[str, int]) -> str:
    shown = {name: count for name, count in counts.items() if count or name != "unused"}
    return ", ".join(f"{name} {count:,}" for name, count in shown.items())


def _published(data: Coverage) -> str:
    if data.complete is None:
        return "no published numbers to compare with"
    return "the published numbers" if data.complete else f"not the published numbers: {data.differs}"


def _range(seeds: Sequence[int]) -> str:
    return " to ".join(str(seed) for seed in dict.fromkeys([*seeds[:1], *seeds[-1:]])) or "-"


def _spread(result: Result) -> str:
    return "" if result.ci95 is None else f" ± {100 * result.ci95:.1f}"


def _marks(results: Iterable[Result]) -> str:
    """The footnote marks that apply to any of `results`."""
    every = list(results)
    partial = any(result.data.complete is False for result in every)
    departs = any(result.protocol.departures for result in every)
    return (_PARTIAL if partial else "") + (_DEPARTS if departs else "")


def _mark_notes(ours: Mapping[str, Result], columns: Mapping[str, str]) -> list[str]:
    """The footnotes of our row."""
    partial = [
        f"{columns[task]} ({result.data.differs})" for task, result in ours.items() if result.data.complete is False
    ]
    departing: dict[str, list[str]] = {}
    for task, result in ours.items():
        departing.setdefault(", ".join(result.protocol.departures), []).append(columns[task])
    notes = [f"{_PARTIAL} not the published number of items: {'; '.join(partial)}."] if partial else []
    return notes + [
        f"{_DEPARTS} departs from the preset: {words} ({', '.join(tasks)})."
        for words, tasks in departing.items()
        if words
    ]


def _interval(result: Result) -> str:
    return " to ".join(f"{bound:.4f}" for bound in result.ci95_items)


def _digits(value: float | None, count: int) -> str:
    return "-" if value is None else f"{value:.{count}f}"


def _valid(result: Result) -> str:
    return "-" if result.valid_accuracy is None else f"{result.valid_accuracy:.3f}"
