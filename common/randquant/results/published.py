"""A table of our results and published ones that shows which are comparable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_ABSENT = "-"


@dataclass(frozen=True)
class PublishedRow:
    """One method's row of a published table.

    Attributes:
        name: of the method.
        numbers: accuracy in % by task; tasks it does not report are absent.
        protocol: the preset it was measured under; a row under another one than ours is context, no rival.
        source: paper or page.
        note: what else is different, such as labels seen in pretraining.
    """

    name: str
    numbers: Mapping[str, float]
    protocol: str
    source: str
    note: str = ""


@dataclass(frozen=True)
class PublishedTable:
    """The published rows of a modality.

    Attributes:
        columns: title of each task that has published numbers, in the order of the papers' tables.
        rows: of the methods.
        notes: what a reader has to know of these rows.
    """

    columns: Mapping[str, str]
    rows: Sequence[PublishedRow]
    notes: Sequence[str]


@dataclass(frozen=True)
class OwnRow:
    """One's own row: `numbers` as accuracies in %, `marks` what to append to a task's cell or to that of "average",
    such as " ± 0.3" or "*".
    """

    name: str
    numbers: Mapping[str, float]
    protocol: str
    marks: Mapping[str, str]


def beside_published(
    own: Sequence[OwnRow], published: Sequence[PublishedRow], columns: Mapping[str, str]
) -> tuple[list[str], list[list[str]]]:
    """A header and rows of text: first ours, then what was published under our protocol, then the rest as context.

    Args:
        own: rows of one protocol.
        published: rows to compare with.
        columns: title by task, in order. The average is recomputed from them, and given only where none is absent.
    """
    ours = {row.protocol for row in own}
    rivals = [row for row in published if row.protocol in ours]
    context = [row for row in published if row.protocol not in ours]
    header = ["% accuracy", *columns.values(), "average", "protocol", "row"]
    rows = [[row.name, *_cells(row.numbers, columns, row.marks), row.protocol, "ours"] for row in own]
    for kind, group in (("published", rivals), ("other protocol", context)):
        rows += [[_name(row), *_cells(row.numbers, columns, {}), row.protocol, kind] for row in group]
    return header, rows


def average(numbers: Mapping[str, float], columns: Mapping[str, str]) -> float | None:
    """The unweighted mean over the columns; None where one is absent.

    >>> average({"a": 1.0, "b": 2.0}, {"a": "A", "b": "B"})
    1.5
    """
    if any(task not in numbers for task in columns):
        return None
    return sum(numbers[task] for task in columns) / len(columns)


def _name(row: PublishedRow) -> str:
    return f"{row.name} ({row.note})" if row.note else row.name


def _cells(numbers: Mapping[str, float], columns: Mapping[str, str], marks: Mapping[str, str]) -> list[str]:
    cells = [f"{numbers[task]:.1f}{marks.get(task, '')}" if task in numbers else _ABSENT for task in columns]
    mean = average(numbers, columns)
    return [*cells, _ABSENT if mean is None else f"{mean:.1f}{marks.get('average', '')}"]
