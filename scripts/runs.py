"""List the runs below a folder: settings that differ, state, time, and the best numbers of their results.

    python -m scripts.runs runs
    python -m scripts.runs runs --sort fsdd_digit --csv runs.csv

prints

    run      state                   time     seed  augment  learning_rate     fsdd_digit
    rrc      finished                0:20:11    42      rrc         0.0003  0.4827 linear
    rrc_rq   finished                0:21:40    42   rrc+rq         0.0003  0.7148 linear
    rrc_rq2  interrupted at step 80  0:01:02    43   rrc+rq          0.001              -
    3 runs: 2 finished, 1 interrupted

No weights are read: a thousand runs with results take two seconds. A run is running where a process holds its lock.
Numbers are those of results folders and JSON files below the folder that name the run's encoder by its hash; of several
probes of a task the one with the best number on test is shown, which is no way to choose a probe. Damaged runs and
folders of other programs are named in the end.
"""

import sys
from collections import Counter
from functools import partial
from pathlib import Path

from randquant.cli.command import run
from randquant.cli.counted import counted
from randquant.cli.first_words import with_flag
from randquant.cli.terminal import say
from randquant.errors import DataError, UsageError
from randquant.files.atomic import write_text
from randquant.files.csv_writer import csv_text
from randquant.results.text_table import text_table
from randquant.scripts.listing.below import found_below
from randquant.scripts.listing.run_table import RunTable

_NAMED = 10  # folders that were left out and are named


def runs(folder: Path, csv: Path | None = None, sort: str | None = None) -> None:
    """List the runs below a folder.

    Args:
        folder: where; may be typed without the flag, first of all.
        csv: file to write the table to, with all digits.
        sort: column to sort by, such as time, seed, a setting or a task; by path by default.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; give the one below which the runs are.")
    if csv is not None and csv.suffix != ".csv":
        raise UsageError(f"--csv {csv} should end in .csv; rename it.")
    found = found_below(folder)
    table = RunTable(folder, found)
    if sort is not None:
        table.sort(sort)
    if csv is not None:
        write_text(csv, csv_text(table.csv_rows()))
    states = Counter(each.state.partition(" ")[0] for each in found.runs)
    lines = text_table(table.header, table.cells()) if found.runs else []
    counts = ", ".join(f"{number} {state}" for state, number in states.items())
    say(*lines, f"{counted(len(found.runs), 'runs')}" + (f": {counts}" if counts else f" below {folder}"))
    more = len(found.left_out) - _NAMED
    say(*(f"left out: {each}" for each in found.left_out[:_NAMED]), *([f"left out: {more} more"] if more > 0 else []))


arguments = partial(with_flag, "folder")


if __name__ == "__main__":
    raise SystemExit(run(runs, arguments(sys.argv[1:]), description=__doc__))
