"""Is a difference more than the choice of test items? Each encoder against the first, on the same items."""

from collections.abc import Sequence

from randquant.report.charts.dots import Dot, dots, ends, key
from randquant.report.charts.scale import Scale
from randquant.report.comparison import Compared
from randquant.report.encoders import ReportedEncoder
from randquant.report.markup import Html, element, joined, table
from randquant.report.section import Section
from randquant.results.compare import TaskDifference

_NOTE = (
    "Differences of accuracy in %, on the same test items. Lines are 95 % paired bootstrap intervals over items, or "
    "over groups (speakers, recordings) where there are ten or more. p is the exact McNemar test for single answers, "
    "else a paired permutation test of each item's share of right answers; Holm's correction is over the tasks of one "
    "encoder, not over encoders. Neither covers how much another training would differ."
)


def differences(encoders: Sequence[ReportedEncoder], pairs: Sequence[Compared]) -> Section | None:
    """The section; None where there is nothing to compare."""
    if not pairs:
        return None
    numbers = {each.name: number for number, each in enumerate(encoders)}
    firsts = list(dict.fromkeys(pair.first.name for pair in pairs))
    tables = [_against(first, [pair for pair in pairs if pair.first.name == first], numbers) for first in firsts]
    return Section("differences", "Differences", joined([*tables, element("p", _NOTE, class_="note")]))


def _against(first: str, pairs: Sequence[Compared], numbers: dict[str, int]) -> Html:
    found = [(pair, each) for pair in pairs if pair.difference for each in pair.difference.tasks]
    bounds = [bound for _, each in found if each.paired for bound in each.paired.interval]
    scale = Scale.over([0.0, *(each.difference for _, each in found), *bounds])
    header = ["encoder", "task", ends(scale, signed=True), "difference", "95 %", "p", "p (Holm)", "over"]
    rows = [
        [key(numbers[pair.other.name], pair.other.name), each.task, *_cells(pair.other.name, each, scale, numbers)]
        for pair, each in found
    ]
    for pair in pairs:
        difference = pair.difference
        if difference is not None and difference.mean is not None:
            dot = Dot(difference.mean, numbers[pair.other.name], _points(difference.mean), difference.mean_interval)
            held = f"mean of {len(difference.tasks)} tasks"
            drawn = dots([dot], scale, reference=0.0)
            interval = _range(difference.mean_interval)
            rows.append(
                [key(dot.number, pair.other.name), held, drawn, _points(difference.mean), interval, "-", "-", "-"]
            )
    warned = [
        element("li", f"{pair.other.name}, {each.task}: other conditions: {words}")
        for pair, each in found
        for words in each.warnings
    ]
    failed = [element("li", f"{pair.other.name}: {pair.problem}") for pair in pairs if pair.difference is None]
    unknown = any(each.paired is None for _, each in found)
    told = [element("li", "Without predictions there is no interval: probe with --out FOLDER/ to keep them.")]
    notes = [*warned, *failed, *(told if unknown else [])]
    caption = joined(["against ", key(numbers[first], first)])
    shown = table(header, rows, caption=caption, class_="chart") if rows else None
    return joined([shown, element("ul", *notes, class_="note") if notes else None])


def _cells(name: str, each: TaskDifference, scale: Scale, numbers: dict[str, int]) -> list[str]:
    paired = each.paired
    words = f"{name}, {each.task}: {_points(each.difference)} %"
    words += f", 95 % from {_range(paired.interval)}" if paired else ""
    dot = Dot(each.difference, numbers[name], words, paired.interval if paired else None)
    drawn = dots([dot], scale, reference=0.0)
    if paired is None or each.p_holm is None:
        return [drawn, _points(each.difference), "-", "-", "-", "-"]
    chances = [_chance(paired.p), _marked(each.p_holm)]
    return [drawn, _points(each.difference), _range(paired.interval), *chances, paired.over]


def _marked(p: float) -> str:
    """A p value below 5 % is set in bold."""
    return element("strong", _chance(p)) if p < 0.05 else _chance(p)


def _chance(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f}".replace("-", "\u2212")


def _range(interval: tuple[float, float] | None) -> str:
    return "-" if interval is None else f"{_points(interval[0])} to {_points(interval[1])}"
