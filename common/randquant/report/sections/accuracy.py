"""How good each encoder is: a table and a chart a task, every probe, and published rows."""

from collections.abc import Sequence

from randquant.cli.counted import counted
from randquant.report.charts.dots import Dot, dots, ends, key
from randquant.report.charts.scale import Scale
from randquant.report.comparison import Candidate, ReportedTask
from randquant.report.encoders import ReportedEncoder
from randquant.report.markup import Html, element, joined, table
from randquant.report.section import Section
from randquant.results.page import detail_header, detail_row, own_row
from randquant.results.published import beside_published
from randquant.results.record import Result


def accuracy(encoders: Sequence[ReportedEncoder], tasks: Sequence[ReportedTask]) -> Section:
    """The section."""
    several = [f"{each.name}: mean of {each.seeds} trainings" for each in encoders if each.seeds > 1]
    means = (
        f" Trainings that differ in their seed alone are one row, by their mean ({'; '.join(several)}): there, ± is "
        "over trainings."
        if several
        else ""
    )
    note = element(
        "p",
        "Dots are test accuracies (R² of predicted numbers); lines are 95 % intervals over test items, which say what "
        "their number leaves open. ± is the 95 % half-width of the mean over repeats of the classifier. The thin line "
        f"marks what always answering the largest class scores.{means}",
        class_="note",
    )
    return Section("accuracy", "Accuracy", joined([*map(_task, tasks), note, _every(encoders), *_published(encoders)]))


def _task(task: ReportedTask) -> Html:
    results = [each.result for each in task.candidates]
    floors = [each.majority_floor for each in results if each.majority_floor is not None]
    bounds = [bound for each in results for bound in each.ci95_items]
    scale = Scale.over([*(each.accuracy for each in results), *bounds, *floors])
    percent = not task.of_numbers
    header = ["encoder", ends(scale, percent=percent), "R²" if task.of_numbers else "accuracy", "95 % by items"]
    rows = [
        [
            key(each.number, each.encoder.name),
            dots([_dot(each, percent)], scale, reference=floors[0] if floors else None),
            _number(each.result.accuracy, percent) + _half_width(each.result.ci95, percent),
            _interval(each, percent),
        ]
        for each in task.candidates
    ]
    first = results[0]
    items = counted(first.counts.get("test") or 0, f"test {task.modality.things}")
    classes = f", {counted(first.classes, 'classes', 'class')}" if first.classes else ""
    caption = joined(
        [element("bdi", task.name), element("span", f"  {task.probe} probe, {items}{classes}", class_="soft")]
    )
    shown = table(header, rows, caption=caption, class_="chart")
    return element("div", shown, *_changed(task), class_="task")


def _changed(task: ReportedTask) -> list[Html]:
    """What the encoders that were asked score on changed test items."""
    asked = [each for each in task.candidates if each.result.robustness]
    if not asked:
        return []
    scores = [{each.name: each.accuracy for each in one.result.robustness or ()} for one in asked]
    units = {each.name: f"{each.name} {each.unit}" for one in asked for each in one.result.robustness or ()}
    header = [f"test {task.modality.things}", *(key(each.number, each.encoder.name) for each in asked)]
    rows = [
        ["clean", *(_number(each.result.accuracy, True) for each in asked)],
        *([words, *(_number(of[name], True) if name in of else "-" for of in scores)] for name, words in units.items()),
    ]
    summary = element("summary", f"On changed {task.modality.things}: the same classifiers, fitted on clean ones")
    return [element("details", summary, table(header, rows))]


def _dot(each: Candidate, percent: bool) -> Dot:
    bounds = each.result.ci95_items
    interval = (bounds[0], bounds[1]) if len(bounds) == 2 else None
    said = f", 95 % from {_interval(each, percent)}" if interval else ""
    words = f"{each.encoder.name}: {_number(each.result.accuracy, percent)}{said}"
    return Dot(each.result.accuracy, each.number, words, interval)


def _every(encoders: Sequence[ReportedEncoder]) -> Html:
    """Every task and probe, as its results folder's page has them."""
    rows = [[each.name, *detail_row(result)] for each in encoders for result in _results(each)]
    results = [result for each in encoders for result in each.trainings[0].results]
    shown = table(["encoder", *detail_header(results)], rows)
    return element("details", element("summary", f"Every probe ({counted(len(rows), 'results')})"), shown)


def _results(encoder: ReportedEncoder) -> list[Result]:
    return [result for probe in encoder.probes() for result in encoder.of(probe).tasks.values()]


def _published(encoders: Sequence[ReportedEncoder]) -> list[Html]:
    """Our rows with the published ones, a table a modality."""
    found: dict[str, list[ReportedEncoder]] = {}
    for each in encoders:
        found.setdefault(each.modality.kind, []).append(each)
    tables = []
    for kind, group in found.items():
        own = [row for each in group if (row := own_row(_results(each), each.name)) is not None]
        if own:
            published = group[0].modality.result.published
            header, rows = beside_published([row for row, _ in own], published.rows, published.columns)
            notes = [f"{row.name}: {note}" for row, marks in own for note in marks] + list(published.notes)
            listed = element("ul", *(element("li", note) for note in notes), class_="note")
            title = element("summary", f"Beside published numbers ({kind})")
            tables.append(element("details", title, table(header, rows), listed))
    return tables


def _number(value: float, percent: bool) -> str:
    return f"{100 * value:.1f} %" if percent else f"{value:.3f}"


def _half_width(value: float | None, percent: bool) -> str:
    return "" if value is None else f" ± {100 * value:.1f}" if percent else f" ± {value:.3f}"


def _interval(each: Candidate, percent: bool) -> str:
    bounds = each.result.ci95_items
    return " to ".join(_number(bound, percent).removesuffix(" %") for bound in bounds) or "-"
