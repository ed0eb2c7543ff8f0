"""What the page of a results folder says of shapes: the published rows, the preset, points, and repeated shapes."""

from collections.abc import Iterator, Sequence

from pointcloud.evaluation.published_rows import COLUMNS, NOTES, PUBLISHED_ROWS
from randquant.results import page as pages
from randquant.results.page import Facts, Modality, data_line, protocol_line, store_line
from randquant.results.tables import with_spread
from randquant.results.text_table import text_table


def results_page(results: Sequence[Facts]) -> str:
    """Markdown from the facts of all entries of a folder."""
    return pages.results_page(results, SHAPES)


def without_repeats_lines(results: Sequence[Facts], *, markdown: bool = False) -> list[str]:
    """Accuracies without the test shapes that repeat a training shape; empty where there are none or none looked for.

    Args:
        results: as `randquant.results.record.written_down` gives them: of a folder, or of files with probes inside.
        markdown: for the page.
    """
    rows = [
        [
            task,
            probe,
            f"{numbers['accuracy']:.4f}",
            "-" if found["accuracy"] is None else with_spread(found),
            f"{found['left_out']:,}",
            f"{found['exact']:,}",
        ]
        for task, probe, numbers in _each(results)
        if (found := numbers.get("without_repeats")) and found["left_out"]
    ]
    header = ["task", "probe", "accuracy", "without repeated shapes", "left out", "with the very same points"]
    return text_table(header, rows, markdown=markdown) if rows else []


def robustness_lines(results: Sequence[Facts], *, markdown: bool = False) -> list[str]:
    """Accuracies on changed test shapes, a row a change and a column a probe; empty where none were asked.

    Args:
        results, markdown: as in `without_repeats_lines`.
    """
    asked = [(task, probe, numbers) for task, probe, numbers in _each(results) if "robustness" in numbers]
    lines: list[str] = []
    for task in dict.fromkeys(task for task, _, _ in asked):
        here = [(probe, numbers) for name, probe, numbers in asked if name == task]
        header = [f"{task}, test shapes", *(probe for probe, _ in here)]
        rows = [["clean", *(f"{numbers['accuracy']:.4f}" for _, numbers in here)]]
        for place, change in enumerate(here[0][1]["robustness"]):
            found = [numbers["robustness"][place]["accuracy"] for _, numbers in here]
            name = f"{change['kind']} {change['severity']:g} {change['unit']}"
            rows.append([name, *(f"{accuracy:.4f}" for accuracy in found)])
        lines += [*([""] if lines else []), *text_table(header, rows, markdown=markdown)]
    return lines


def _each(results: Sequence[Facts]) -> Iterator[tuple[str, str, Facts]]:
    """Task, probe and numbers of every probe."""
    for result in results:
        yield result["task"], result["probe"], result
        for name in result["probes"][1:]:
            if name in result:  # a file's; a folder has entries of their own
                yield result["task"], name, result[name]


def _sections(results: Sequence[Facts]) -> list[str]:
    tables = {
        "Without repeated shapes": without_repeats_lines(results, markdown=True),
        "On changed shapes": robustness_lines(results, markdown=True),
    }
    return [line for title, lines in tables.items() if lines for line in (f"## {title}", "", *lines, "")]


def _about(first: Facts) -> list[str]:
    checkpoint, protocol = first["checkpoint"], first["protocol"]
    differs = f"; not reproduced: {protocol['differs']}" if protocol["differs"] else ""
    return [
        f"- encoder: {checkpoint['encoder']} reading {', '.join(first['channels'])}, features of {first['dimension']} "
        f"numbers, SHA-256 of the weights `{checkpoint['sha256']}`",
        f"- protocol: {protocol['name']} ({protocol['source']}){differs}",
    ]


def _conditions(result: Facts) -> list[str]:
    scale = "brought to the unit sphere" if result["renormalise"] else "at the scale of all stored points"
    return [
        data_line(result),
        f"- the first {result['points']:,} points in {_ORDERS[result['order']]}, {scale}",
        protocol_line(result),
        store_line(result),
    ]


_ORDERS = {"farthest": "farthest-point order", "file": "the order of the file"}

SHAPES = Modality(
    columns=COLUMNS,
    rows=PUBLISHED_ROWS,
    notes=NOTES,
    compared=lambda result: result["probe"] == result["protocol"]["classifier"],
    about=_about,
    conditions=_conditions,
    sections=_sections,
)
