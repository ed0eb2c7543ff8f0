"""Which classes are hard, and what is taken for what."""

from collections.abc import Sequence

import numpy as np

from randquant.cli.counted import counted
from randquant.report.charts.dots import Dot, dots, ends, key
from randquant.report.charts.heat import heat
from randquant.report.charts.scale import Scale
from randquant.report.comparison import Candidate, ReportedTask
from randquant.report.markup import Html, element, heading, joined, note, table
from randquant.report.section import Section

_DRAWN, _LISTED = 30, 12  # classes of a picture; rows of a list
Recalls = dict[str, dict[int, float]]  # by class, then by number of the encoder


def classes(tasks: Sequence[ReportedTask]) -> Section | None:
    """The section; None where no task has classes."""
    classed = [task for task in tasks if not task.of_numbers]
    if not classed:
        return None
    return Section("classes", "Classes", joined(map(_task, classed)))


def _task(task: ReportedTask) -> Html:
    known = task.answered()
    title = heading(task.name)
    if not known:
        reasons = dict.fromkeys(each.missing for each in task.candidates)
        return joined([title, *(note(reason) for reason in reasons)])
    best = known[0]
    return joined([title, _recalls(task, known), _confusion(task, best)])


def _recalls(task: ReportedTask, known: Sequence[Candidate]) -> Html:
    """A row a class, a dot an encoder; the hardest first."""
    counts, recalls = _counted(known)
    order = sorted(recalls, key=lambda label: float(np.mean(list(recalls[label].values()))))
    scale, named = Scale.over([0.0, 1.0]), dict(sorted((each.number, each.encoder.name) for each in known))
    rows = [
        [
            element("bdi", label),
            dots([_dot(number, named[number], share) for number, share in recalls[label].items()], scale),
            *(_percent(recalls[label].get(number)) for number in list(named)[:4]),
            f"{counts[label]:,}",
        ]
        for label in order
    ]
    shown = list(named.items())[:4]
    header = ["class", ends(scale), *(key(number, name) for number, name in shown), "test items"]
    caption = "Recall by class in %, the hardest first"
    first = table(header, rows[:_LISTED], caption=caption, class_="chart")
    if len(rows) <= _LISTED:
        return first
    rest = table(header, rows[_LISTED:], class_="chart")
    more = element("summary", f"{counted(len(rows) - _LISTED, 'classes', 'class')} more")
    return joined([first, element("details", more, rest)])


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _dot(number: int, name: str, share: float) -> Dot:
    return Dot(share, number, f"{name}: {100 * share:.1f} %")


def _counted(known: Sequence[Candidate]) -> tuple[dict[str, int], Recalls]:
    counts: dict[str, int] = {}
    recalls: Recalls = {}
    for each in sorted(known, key=lambda one: one.number):
        if each.answers is None:
            continue
        labels, right = np.array(each.answers.labels, dtype=object), each.answers.right.mean(axis=0)
        for label in dict.fromkeys(each.answers.labels):
            of_class = labels == label
            counts[label] = int(of_class.sum())
            recalls.setdefault(label, {})[each.number] = float(right[of_class].mean())
    return counts, recalls


def _confusion(task: ReportedTask, best: Candidate) -> Html | None:
    if best.answers is None:
        return None
    shares = confused(best)
    names = sorted({label for pair in shares for label in pair})
    wrong = sorted(((share, pair) for pair, share in shares.items() if pair[0] != pair[1]), reverse=True)[:_LISTED]
    rows = [
        [element("bdi", label), element("bdi", predicted), f"{100 * share:.1f} %"]
        for share, (label, predicted) in wrong
    ]
    pairs = table(["label", "taken for", "of its items"], rows, caption="Most often confused") if rows else None
    told = joined(["What ", element("bdi", best.encoder.name), " answers, a row a label and a column an answer"])
    if len(names) > _DRAWN:
        return joined([note(f"{len(names):,} classes are too many for a picture; these are the pairs."), pairs])
    words = (
        f"Confusion of {len(names)} classes by {best.encoder.name} on {task.name}; the table beside it has the pairs"
    )
    picture = element(
        "figure", element("figcaption", told), element("div", heat(names, shares, words), class_="scroll")
    )
    return element("div", picture, pairs, class_="beside")


def confused(each: Candidate) -> dict[tuple[str, str], float]:
    """Share of a label's answers that are each prediction, over all repeats."""
    if each.answers is None:
        return {}
    shares: dict[tuple[str, str], float] = {}
    labels = np.array(each.answers.labels, dtype=object)
    for label in dict.fromkeys(each.answers.labels):
        found, counts = np.unique(each.answers.predicted[:, labels == label].astype(str), return_counts=True)
        shares |= {(label, str(one)): float(count / counts.sum()) for one, count in zip(found, counts, strict=True)}
    return shares
