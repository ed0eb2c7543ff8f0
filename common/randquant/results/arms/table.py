"""The table of arms: a row for each thing that was asked, and the mean over tasks below."""

from collections.abc import Iterator, Sequence

import numpy as np

from randquant.results.arms.means import asked_of_all, mean_difference
from randquant.results.arms.rows import CLEAN, ArmRow, Pair
from randquant.results.text_table import text_table


def arm_lines(rows: Sequence[ArmRow], pairs: Sequence[Pair], *, markdown: bool = False) -> list[str]:
    """The rows as a table: accuracies in %, differences in points with their intervals over items and over seeds."""
    header = ["trained on", "task", "probe", "test items", *rows[0].arms]
    header += [title for pair in pairs for title in (str(pair), "by items", "by seeds")]
    cells = [[row.group, row.task, row.probe, row.change, *_numbers([row]), *_of_row(row)] for row in rows]
    return text_table(header, [*cells, *_means(rows, pairs)], markdown=markdown)


def _of_row(row: ArmRow) -> list[str]:
    each = row.differences
    return [cell for one in each for cell in _difference(one.difference, one.paired.interval, one.by_seeds)]


def _means(rows: Sequence[ArmRow], pairs: Sequence[Pair]) -> Iterator[list[str]]:
    """One row a probe that several tasks were asked by."""
    for probe in dict.fromkeys(row.probe for row in rows):
        asked = asked_of_all(rows, probe)
        if asked:
            means = [mean_difference(asked, pair, place) for place, pair in enumerate(pairs)]
            cells = [cell for one in means for cell in _difference(one.difference, one.interval, one.by_seeds)]
            yield ["mean", f"{len(asked)} tasks", probe, CLEAN, *_numbers(asked), *cells]


def _numbers(rows: Sequence[ArmRow]) -> list[str]:
    return [f"{100 * np.mean([row.arms[name].accuracy for row in rows]):.1f}" for name in rows[0].arms]


def _difference(difference: float, interval: tuple[float, float], by_seeds: float | None) -> list[str]:
    low, high = interval
    over_seeds = "-" if by_seeds is None else f"± {100 * by_seeds:.1f}"
    return [f"{100 * difference:+.1f}", f"{100 * low:+.1f} to {100 * high:+.1f}", over_seeds]
