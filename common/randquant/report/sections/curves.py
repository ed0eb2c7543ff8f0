"""How the trainings went: what their logs hold, over steps."""

from collections.abc import Sequence
from pathlib import Path

from randquant.cli.counted import counted
from randquant.report.charts.dots import key
from randquant.report.charts.lines import Curve, lines
from randquant.report.encoders import ReportedEncoder
from randquant.report.inputs import Run
from randquant.report.markup import element, joined, note
from randquant.report.section import Section
from randquant.training.run_log import log_rows

_FIRST = ("loss", "effective_rank", "spread", "knn", "learning_rate")  # then the others
_MOST = 24  # runs
Logs = dict[str, list[Curve]]  # by name of the number


def curves(encoders: Sequence[ReportedEncoder], runs: Sequence[Run]) -> Section | None:
    """The section; None where no training is known."""
    trained = [
        (number, each.name, probed.run)
        for number, each in enumerate(encoders)
        for probed in each.trainings
        if probed.run
    ]
    trained += [(len(encoders) + number, run.path.name, run) for number, run in enumerate(runs)]
    if not trained:
        return None
    logs, empty = _logs(trained[:_MOST])
    names = [name for name in _FIRST if name in logs] + [name for name in logs if name not in _FIRST]
    charts = element("div", *(lines(logs[name], name.replace("_", " ")) for name in names), class_="charts")
    told = [f"{', '.join(empty)}: no log.csv, or an empty one."] if empty else []
    left = len(trained) - _MOST
    told += [f"{counted(left, 'trainings')} more are not drawn."] if left > 0 else []
    legend = dict.fromkeys((number, name) for number, name, _ in trained[:_MOST])
    shown = element("p", *(key(number, name) for number, name in legend), class_="legends")
    return Section("training", "Training", joined([shown, charts, *map(note, told)]))


def _logs(trained: Sequence[tuple[int, str, Run]]) -> tuple[Logs, list[str]]:
    logs: Logs = {}
    empty = []
    for number, name, run in trained:
        found = logged(run.path)
        if not found:
            empty.append(str(run.path))
        for what, places in found.items():
            logs.setdefault(what, []).append(Curve(name, number, places))
    return logs, empty


def logged(run: Path) -> dict[str, list[tuple[float, float]]]:
    """The numbers of a run's log by name: (step, value), finite ones."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row in log_rows(run / "log.csv"):
        value = float(row["value"])
        if abs(value) < float("inf"):
            found.setdefault(row["name"], []).append((float(row["step"]), value))
    return found
