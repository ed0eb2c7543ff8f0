"""Lines as a table: on the terminal, and in BENCHMARKS.md between two marks, where the text around is by hand."""

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from randquant.errors import DataError
from randquant.files.atomic import write_text
from randquant.results.text_table import text_table
from randquant.scripts.measuring import growth
from randquant.scripts.measuring.pair import Line
from randquant.scripts.measuring.stored_run import StoredRun


def header(unit: str) -> list[str]:
    """What stands above the lines of a unit."""
    return ["what", unit, "a second", "twin", f"{unit} of twin", "ratio", "middle half"]


def cells(line: Line) -> list[str]:
    """A row under the header."""
    rate = "" if line.per_second is None else f"{line.per_second:,.0f}"
    times = f"{line.seconds * 1e3:.2f}", f"{line.twin_seconds * 1e3:.2f}"
    digits = 1 if line.ratio >= 2 else 2  # a share of the machine's limit needs both
    between = f"{line.ratio_low:.{digits}f} to {line.ratio_high:.{digits}f}"
    return [line.name, times[0], rate, line.twin, times[1], f"{line.ratio:.{digits}f}", between]


def in_columns(row: Sequence[str]) -> str:
    """A row, or a header, for a terminal that shows each as it is measured."""
    return "{:<46} {:>9} {:>9}  {:<34} {:>10}  {:>6}  {:>14}".format(*row)


def write_page(path: Path, run: StoredRun) -> list[str]:
    """Put the lines of a run where the page has the mark of their group, device and threads.

    A mark is `<!-- benchmark GROUP DEVICE THREADS -->`, and the table ends at `<!-- end -->`. Lines that grow over
    decades get fitted exponents below, and a picture in the folder `pictures` beside the page.

    Returns:
        Groups that the page has no mark for; they are not written.

    Raises:
        DataError: the page cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the path.") from None
    left_out = []
    for group, lines in groupby(run.lines, key=lambda line: line.group):
        mark = f"<!-- benchmark {group} {run.device.split()[0]} {run.threads} -->"
        place = re.compile(re.escape(mark) + r"\n.*?<!-- end -->", re.DOTALL)
        if place.search(text) is None:
            left_out.append(group)
            continue
        own = list(lines)
        below = _growth(own, path.parent, f"{group}-{run.device.split()[0]}-{run.threads}.svg")
        table = "\n".join([mark, "", _told(run), "", *_table(own), "", *below, "<!-- end -->"])
        text = place.sub(lambda _, table=table: table, text)  # type: ignore[misc]
    write_text(path, text)
    return left_out


def _table(lines: Sequence[Line]) -> list[str]:
    return text_table(header(lines[0].unit), [cells(line) for line in lines], markdown=True)


def _growth(lines: Sequence[Line], folder: Path, name: str) -> list[str]:
    found = growth.growths(lines)
    if not found:
        return []
    (folder / "pictures").mkdir(exist_ok=True)
    growth.draw(found, folder / "pictures" / name)
    table = text_table(growth.HEADER, [growth.cells(each) for each in found], markdown=True)
    return [*table, "", f"![Costs against sizes, and the fitted powers](pictures/{name})", ""]


def _told(run: StoredRun) -> str:
    threads = f"{run.threads} thread{'s' if run.threads > 1 else ''}"
    versions = ", ".join(f"{name} {run.versions[name]}" for name in ("torch", "numpy", "python"))
    return f"{run.limits}; {threads}; {versions}; medians of {run.runs} turns."
