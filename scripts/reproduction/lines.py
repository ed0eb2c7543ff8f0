"""What scripts.reproduce prints in the end."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from randquant.cli.counted import counted
from randquant.files.json_record import Json
from randquant.probes.registry import ProbeName
from randquant.report.modality import modality_of
from randquant.results.record import Result
from randquant.results.text_table import text_table
from randquant.scripts.reproduction.commands import data_flag, probing_command, words
from randquant.scripts.reproduction.rows import Row


def closing_lines(rows: Sequence[Row]) -> list[str]:
    """A table with a line a row, what differs below it, and the number of rows of each state."""
    cells = [[row.stated.task, row.stated.probe, _number(row.stated), _number(row.again), row.state] for row in rows]
    lines = text_table(["task", "probe", "stated", "again", "state"], cells)
    lines += [line for row in rows for line in _row_lines(row)]
    lines += _computer_lines(rows)
    states = Counter(row.state for row in rows)
    return [*lines, f"{counted(len(rows), 'rows')}: {', '.join(f'{states[state]} {state}' for state in states)}"]


def lacking(results: Sequence[Result]) -> list[str]:
    """What to say of results that do not say their command: one command for each task, as far as it is known."""
    lines = []
    for result in {(each.checkpoint.path, each.store.path, each.task): each for each in results}.values():
        name = probing_command(modality_of(result.to_json()).kind)
        if name is not None:
            lines.append(f"as far as they say: {_as_known(name, result)}")
    return lines


def _as_known(name: str, result: Result) -> str:
    folds = result.store.content_hash is None  # which are no store
    settings: dict[str, Json] = {
        "checkpoint": result.checkpoint.path,
        data_flag(name): ["STORE" if folds else result.store.path],
        "fewshot_folds": result.store.path if folds else None,
        "protocol": None if name == "probe_table" else result.protocol.name,
        "probes": []
        if folds
        else [each for each in dict.fromkeys(map(_typed, result.probes or [result.probe])) if each],
        "seed": result.seed,
        "seeds": result.repeats if result.repeats > 1 and not folds else None,
        "out": "again/",
    }
    return f"python -m scripts.{name} {' '.join(words(settings))}"


def _typed(probe: str) -> str:
    """The probe that was asked for, by the name of a result; empty where a flag of its own asks for that."""
    return next((name for name in (probe, probe.partition("-")[0]) if name in get_args(ProbeName)), "")


def _row_lines(row: Row) -> Iterator[str]:
    name = f"{row.stated.task} {row.stated.probe}"
    if row.reason:
        yield f"{name}: {row.reason}"
    if row.changes is None:
        return
    found = row.changes
    differing = [*map(str, [*found.inputs, *found.numbers]), *([found.predictions] if found.predictions else [])]
    if differing:
        yield f"{name}: {'; '.join(differing)}"
    if found.numbers and not found.inputs and not found.predictions and row.predictions_are_equal:
        yield f"{name}: the predictions are equal, so these numbers were changed, or are counted in another way now"
    if found.words:
        yield f"{name}: said in other words: {'; '.join(map(str, found.words))}"


def _computer_lines(rows: Sequence[Row]) -> list[str]:
    """Versions, device and threads that differ, once for all rows that share them."""
    said: Mapping[str, int] = Counter(str(change) for row in rows if row.changes for change in row.changes.computer)
    return [f"computed otherwise: {text} ({counted(number, 'rows')})" for text, number in said.items()]


def _number(result: Result | None) -> str:
    return "-" if result is None else f"{result.accuracy:.4f}"
