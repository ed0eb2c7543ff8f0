"""Compare probed encoders on the same test items: is a difference significant?

    python -m scripts.compare results/rrc results/rrc_rq
    python -m scripts.compare results/rrc results/rrc_rq results/untrained --task nsynth vf --out comparison.json

compares results folders (of probe_audio or evaluate_modelnet) with the first of them, and prints

    A  results/rrc  (protocol byola-v1, weights ad7e2adbd222)
    B  results/rrc_rq  (protocol byola-v1, weights 66897614d29a)
    probe linear, accuracy in %, two-sided p

    task              A      B   B - A     95 % of B - A       p  p (Holm)                           over
    esc10         82.92  84.17   +1.25    -4.60 to +7.35  0.7905    0.7905                      57 groups
    fsdd_digit    48.27  69.00  +20.73  +17.13 to +24.40  0.0001    0.0003  500 items (too few groups: 1)
    fsdd_speaker  98.00  99.00   +1.00    -0.33 to +2.67  0.3795    0.7589  300 items (too few groups: 6)
    mean          76.39  84.06   +7.66   +5.30 to +10.12

Accuracies and their differences are in %. The interval is a paired bootstrap over test items, or over groups
(speakers, instruments, source recordings) where the data name ten or more. p is the exact McNemar test for one
repeat and single items, else a paired permutation test of each item's share of right repeats; Holm's correction is
over the tasks of one run. Neither covers the variation between pretraining runs.

With --changed, results of --robustness are compared too, each change as a task of its own.

    python -m scripts.compare results/* --arms none hand rq both --pairs rq-none both-hand --picture arms.png

takes several trainings of each arm, in folders called sound-none-42, sound-rq-43, shape-both-44 and so on, and prints
a row for each task and each kind of change: the arms' means over seeds, and for each pair the difference in points with
its 95 % interval over test items (paired bootstrap, all seeds and severities together) and over seeds (Student t of
the differences seed by seed). Where a probe was asked of several tasks, their mean on clean items stands below.

Runs under another protocol, clip length, number of points, store, statistics or precision are compared with a warning;
other test items are refused. JSON files hold no predictions, so they are compared without p.
"""

import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from randquant.cli.command import run
from randquant.cli.first_words import with_flag
from randquant.cli.terminal import say
from randquant.errors import DataError, UsageError
from randquant.files.atomic import write_json, write_text
from randquant.files.json_record import Json
from randquant.results.text_table import text_table

if TYPE_CHECKING:
    from randquant.results.arms.rows import Pair
    from randquant.results.compare import ComparedRun, Difference, TaskDifference

_ABSENT = "-"


def compare(
    runs: list[str],
    probe: list[str] | None = None,
    task: list[str] | None = None,
    out: Path | None = None,
    changed: bool = False,
    arms: list[str] | None = None,
    pairs: list[str] | None = None,
    picture: Path | None = None,
    seed: int = 0,
) -> None:
    """Compare results folders.

    Args:
        runs: two or more results folders or JSON files, the first the one to compare with; may be typed without the
            flag, first of all.
        probe: the results to compare: linear, mlp, svm, knn, ridge, logistic, fewshot-5, ...; the first that all have
            by default. With --arms there may be several.
        task: compare on these alone; all that both have by default.
        out: JSON file for the numbers; with --arms a .md file for the table.
        changed: compare on changed test items too.
        arms: names of the arms that the folders' names hold between dashes; each is compared with the first.
        pairs: of arms to compare instead, such as rq-none both-hand.
        picture: of the differences of arms, PNG, PDF or SVG.
        seed: of the bootstrap and of the permutations.
    """
    if len(runs) < 2:
        raise UsageError("compare needs at least two results folders: python -m scripts.compare A B.")
    if len({Path(run).resolve() for run in runs}) < len(runs):
        raise UsageError("the same results are named twice; give each once.")
    kind = ".json" if arms is None else ".md"
    if out is not None and out.suffix != kind:
        raise UsageError(f"--out {out} should end in {kind}; rename it.")
    if seed < 0:
        raise UsageError(f"--seed {seed} should be at least 0.")
    if arms is not None:
        _compare_arms(runs, arms, pairs, probe, task, out, picture, seed)
        return
    if pairs is not None or picture is not None:
        raise UsageError("--pairs and --picture are of --arms; give that too.")
    if probe is not None and len(probe) > 1:
        raise UsageError(f"--probe {' '.join(probe)} names several probes, which --arms alone takes; name one.")
    from randquant.results import compare as comparison  # late, since it loads torch, which --help does not need

    asked = probe[0] if probe else comparison.shared_probe(runs)
    opened = [_only(comparison.open_run(path, asked), task) for path in runs]
    opened = [each.with_changed() for each in opened] if changed else opened
    differences = comparison.compare(opened, seed=seed)
    if out is not None:
        write_json(out, _record(opened, asked, differences))
    say(*lines(opened, asked, differences))


def _compare_arms(
    runs: list[str],
    arms: list[str],
    pairs: list[str] | None,
    probe: list[str] | None,
    task: list[str] | None,
    out: Path | None,
    picture: Path | None,
    seed: int,
) -> None:
    from randquant.figures.figure import require_picture
    from randquant.results.arms.picture import draw
    from randquant.results.arms.rows import arm_rows, grouped
    from randquant.results.arms.table import arm_lines
    from randquant.results.compare import shared_probe

    if len(set(arms)) < max(2, len(arms)):
        raise UsageError(f"--arms {' '.join(arms)} should be two or more, each once.")
    compared = _pairs(pairs or [f"{arm}-{arms[0]}" for arm in arms[1:]], arms)
    if picture is not None:
        require_picture(picture)
    rows = arm_rows(grouped(runs, arms), probe or [shared_probe(runs)], compared, seed=seed)
    rows = [row for row in rows if task is None or row.task in task]
    if not rows:
        raise DataError(f"the results hold no task {', '.join(task or [])}; fix --task.")
    if out is not None:
        write_text(out, "\n".join([*arm_lines(rows, compared, markdown=True), ""]))
    if picture is not None:
        draw(rows, compared, picture)
    say(*arm_lines(rows, compared))


def _pairs(typed: list[str], arms: list[str]) -> "list[Pair]":
    from randquant.results.arms.rows import Pair

    found = [Pair(*each.split("-")) for each in typed if each.count("-") == 1]
    if len(found) < len(typed) or any(not {pair.arm, pair.base} <= set(arms) for pair in found):
        raise UsageError(f"--pairs {' '.join(typed)} should be two of {', '.join(arms)} each, as {arms[1]}-{arms[0]}.")
    return found


def lines(runs: Sequence["ComparedRun"], probe: str, differences: Sequence["Difference"]) -> list[str]:
    """The comparison for a terminal: one table a pair."""
    letters = [_letter(place) for place in range(len(runs))]
    shown = [f"{letter}  {each.name}{_about(each)}" for letter, each in zip(letters, runs, strict=True)]
    shown.append(f"probe {probe}, accuracy in %, two-sided p")
    for letter, each, difference in zip(letters[1:], runs[1:], differences, strict=True):
        shown += ["", *_pair(letter, runs[0], each, difference)]
    if any(task.paired is None for difference in differences for task in difference.tasks):
        shown += ["", "A JSON file holds no predictions: probe with --out FOLDER/ for intervals and p."]
    return shown


def _pair(letter: str, first: "ComparedRun", other: "ComparedRun", difference: "Difference") -> list[str]:
    pair = f"{letter} - A"
    header = ["task", "A", letter, pair, f"95 % of {pair}", "p", "p (Holm)", "over"]
    by_task = {each.task: each for each in difference.tasks}
    rows = [_row(task, first, other, by_task.get(task)) for task in dict.fromkeys([*first.tasks, *other.tasks])]
    if difference.mean is not None:
        means = [
            f"{100 * sum(each.tasks[task].accuracy for task in by_task) / len(by_task):.2f}" for each in (first, other)
        ]
        label = "mean" if len(by_task) == len(rows) else f"mean of {len(by_task)}"
        rows.append([label, *means, _points(difference.mean), _interval(difference.mean_interval), "", "", ""])
    warned = [f"warning: {each.task}: {words}" for each in difference.tasks for words in each.warnings]
    return [*text_table(header, rows), *warned]


def _row(task: str, first: "ComparedRun", other: "ComparedRun", found: "TaskDifference | None") -> list[str]:
    from randquant.results.significance import shown_p  # late, since it loads torch, which --help does not need

    accuracies = [
        f"{100 * each.tasks[task].accuracy:.2f}" if task in each.tasks else _ABSENT for each in (first, other)
    ]
    cells = [task, *accuracies]
    if found is not None:
        cells.append(_points(found.difference))
        if (paired := found.paired) is not None and found.p_holm is not None:
            cells += [_interval(paired.interval), shown_p(paired.p), shown_p(found.p_holm), paired.over]
    return [*cells, *[_ABSENT] * (8 - len(cells))]


def _record(runs: Sequence["ComparedRun"], probe: str, differences: Sequence["Difference"]) -> dict[str, Json]:
    """The comparison as JSON; accuracies and differences in [0, 1]."""
    return {
        "probe": probe,
        "first": runs[0].name,
        "runs": [
            {"name": each.name, "accuracy": {task: result.accuracy for task, result in each.tasks.items()}}
            for each in runs
        ],
        "differences": [
            {
                "run": each.run,
                "mean": each.mean,
                "mean_interval": each.mean_interval,
                "tasks": [_task_record(task) for task in each.tasks],
            }
            for each in differences
        ],
    }


def _task_record(task: "TaskDifference") -> dict[str, Json]:
    record: dict[str, Json] = {"task": task.task, "difference": task.difference, "warnings": task.warnings}
    if task.paired is not None:
        kept = [each.name for each in fields(task.paired) if each.name not in ("difference", "draws")]
        record |= {name: getattr(task.paired, name) for name in kept} | {"p_holm": task.p_holm}
    return record


def _only(opened: "ComparedRun", tasks: list[str] | None) -> "ComparedRun":
    if tasks is None:
        return opened
    from randquant.audio.evaluation.tasks import ALIASES

    wanted = [name if name in opened.tasks else ALIASES.get(name, name) for name in tasks]
    absent = next((name for name in wanted if name not in opened.tasks), None)
    if absent is not None:
        raise DataError(f"{opened.name} holds no task {absent} (it holds: {', '.join(opened.tasks)}); fix --task.")
    return replace(opened, tasks={name: opened.tasks[name] for name in wanted})


def _about(each: "ComparedRun") -> str:
    first = next(iter(each.tasks.values()))
    protocol, encoder = first.protocol.name, first.checkpoint.sha256[:12]
    described = ", ".join(part for part in (f"protocol {protocol}" if protocol else "", f"weights {encoder}") if part)
    return f"  ({described})" if encoder else ""


def _letter(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else f"R{place + 1}"


def _points(difference: float) -> str:
    return f"{100 * difference:+.2f}"


def _interval(interval: tuple[float, float] | None) -> str:
    return _ABSENT if interval is None else f"{_points(interval[0])} to {_points(interval[1])}"


arguments = partial(with_flag, "runs")


if __name__ == "__main__":
    raise SystemExit(run(compare, arguments(sys.argv[1:]), description=__doc__))
