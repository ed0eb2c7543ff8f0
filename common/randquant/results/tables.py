"""Results as lines for a terminal and as tables of a page."""

from collections.abc import Sequence

from randquant.results.record import Result
from randquant.results.text_table import text_table


def result_table(tasks: Sequence[Sequence[Result]]) -> list[str]:
    """The first probe of every task, its further probes below it, and what the numbers are means of.

    Args:
        tasks: the results of one task after the other.
    """
    firsts = [results[0] for results in tasks]
    by_rate = all("learning_rate" in first.more for first in firsts)
    header = ["task", "accuracy", "95 % by items", "valid", "macro", "floor", "rate" if by_rate else "how"]
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
    header = ["task", "probe", "accuracy", "95 % by items", "macro recall", "floor", "valid", "test items", "how"]
    rows = [
        [
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
        for result in results
    ]
    return text_table(header, rows, markdown=markdown)


def with_spread(accuracy: float, half_width: float | None) -> str:
    """Accuracy, with its half-width over repeats where there are several."""
    return f"{accuracy:.4f}" + ("" if half_width is None else f" ± {half_width:.4f}")


def _interval(result: Result) -> str:
    return " to ".join(f"{bound:.4f}" for bound in result.ci95_items)


def _digits(value: float | None, count: int) -> str:
    return "-" if value is None else f"{value:.{count}f}"


def _valid(result: Result) -> str:
    return "-" if result.valid_accuracy is None else f"{result.valid_accuracy:.3f}"
