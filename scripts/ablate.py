"""Which augmentations, or other settings, help? Pretrain with each change of them, over seeds, and compare.

    python -m scripts.ablate --data STORE --task LABELLED --recipe audio/recipes/small_rq.yaml --out STUDY \\
        --base rrc --add rq filter fader
    python -m scripts.ablate --data STORE --task LABELLED --out STUDY --remove rq rrc
    python -m scripts.ablate --data STORE --task LABELLED --out STUDY --one_at_a_time --seeds 5
    python -m scripts.ablate --data STORE --task LABELLED --out STUDY --change mix=mixup "method=byol; mix=mixup"

trains the base and, for --add and --remove, each change alone and all together; --one_at_a_time leaves out each
augmentation of the base in turn; --change sets other settings. Every encoder is probed on LABELLED (kNN by default,
whose k is chosen on validation, never on test), and the command prints

    probe knn on fsdd_digit, accuracy in % over 3 seeds

    study   settings        accuracy  by seeds  change   95 % by items  by seeds       p  p (Holm)
    base    augment=rrc     ...
    add rq  augment=rrc+rq  ...

and writes STUDY/ablation.csv and STUDY/ablation.png. The interval and p are of the test items, paired, each counted by
its share of right seeds; "by seeds" is the Student t interval over pretraining seeds. Interrupt it and run it again,
add changes or seeds, or ask another --task or --probe: what is finished is kept.

Source: the study of Modified-MoCo (github.com/soonwonh/Modified-Moco), which adds one augmentation at a time.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from randquant.cli.command import run
from randquant.cli.counted import counted
from randquant.cli.terminal import say
from randquant.data.store import Store
from randquant.errors import DataError, UsageError
from randquant.figures.figure import new_figure, write_figure
from randquant.files.atomic import write_text
from randquant.files.csv_writer import csv_text
from randquant.probes.registry import ProbeName
from randquant.results.text_table import text_table
from randquant.scripts.studies.modality import Modality, Name, modality_of, probe_quietly
from randquant.scripts.studies.training import base_settings, trained
from randquant.training.settings import Training

if TYPE_CHECKING:
    from randquant.results.arms.arm import Arm, Change
    from randquant.results.compare import ComparedRun


@dataclass(frozen=True)
class Variant:
    """A change of the base: its name, the name of its folders, and what it sets, as `--settings` takes it."""

    name: str
    folder: str
    sets: tuple[str, ...]

    @classmethod
    def of(cls, name: str, folder: str, augmentations: list[str]) -> "Variant":
        """A list of augmentations."""
        return cls(name, folder, (f"augment={_joined(augmentations)}",))


@dataclass(frozen=True)
class Asked:
    """What every encoder is asked: a labelled store, its content hash, and a probe."""

    store: Path
    content_hash: str
    probe: str

    @classmethod
    def of(cls, store: Path, kind: str, probe: str) -> "Asked":
        """A probe on a store, which has to be one of this kind with labels.

        Raises:
            DataError: it is not.
        """
        from randquant.evaluation.labelled_task import open_task  # late, since it loads torch

        return cls(store, open_task(store, kind=kind).store.content_hash, probe)

    def answered(self, results: Path) -> "tuple[ComparedRun, str]":
        """The results in a folder, and the name that the task has there.

        Raises:
            DataError: there are none, or none of this task and probe.
        """
        from randquant.results.compare import open_run

        opened = open_run(str(results), self.probe)
        for name, result in opened.tasks.items():
            if result.store.content_hash == self.content_hash:
                return opened, name
        raise DataError(f"{results} holds no results on {self.store} (it holds: {', '.join(opened.tasks)}).")


def ablate(
    data: list[Path],
    task: Path,
    out: Path,
    modality: Name | None = None,
    recipe: Path | None = None,
    settings: list[str] | None = None,
    base: str | None = None,
    add: list[str] | None = None,
    remove: list[str] | None = None,
    one_at_a_time: bool = False,
    change: list[str] | None = None,
    seeds: int = 3,
    probe: ProbeName = "knn",
) -> None:
    """Pretrain with a list of augmentations, with each change of it or of other settings, and compare.

    Args:
        data: stores to learn from.
        task: labelled store that the encoders are probed on.
        out: folder of the study.
        modality: of the stores, where they should be of it.
        recipe: YAML file of the training's flags.
        settings: further flags of the training, as in steps=200 or 'rq_bins=8 32'.
        base: augmentations joined by + that are changed; those of the recipe by default.
        add: augmentations to add, each alone and all together.
        remove: augmentations to leave out, each alone and all together.
        one_at_a_time: leave out each augmentation of the base in turn.
        change: changes of other settings, each made alone: a setting as in --settings, or several joined by ;.
        seeds: trainings of each, with the recipe's seed and those after it.
        probe: what the frozen encoders are asked.
    """
    from randquant.results.arms.arm import changes  # late, since it loads torch, which --help does not need

    if not 1 <= seeds <= 1000:
        raise UsageError(f"--seeds {seeds} should be from 1 to 1,000.")
    found = modality_of(modality, data)
    asked = Asked.of(task, Store.open(data[0]).kind, probe)  # before hours of training, not after
    words = [*(settings or []), *([f"augment={base}"] if base else [])]
    shared = base_settings(found, data, out, recipe, words)
    if shared.views and (add or remove or one_at_a_time):
        raise UsageError("a study of --augment has no views; leave them out of the recipe.")
    chosen = variants(found.augmentations(shared), _split(add), _split(remove), one_at_a_time, change or [])
    if shared.views:  # which have augmentations of their own
        chosen[0] = Variant("base", "base", tuple(each for each in words if each.startswith("views=")))

    def runs_of(variant: Variant) -> list[Training]:
        made = base_settings(found, data, out, recipe, [*words, *variant.sets])
        names = [(made.seed + number, f"{variant.folder}-seed{made.seed + number}") for number in range(seeds)]
        return [replace(made, seed=seed, out=out / "runs" / folder) for seed, folder in names]

    plans = [(each, runs_of(each)) for each in chosen]
    arms = _arms(found, plans, asked)
    compared = changes(arms[0], arms[1:])
    _write(out, arms[0], compared)
    name = asked.answered(_results(plans[0][1][0]))[1]
    say(f"probe {probe} on {name}, accuracy in % over {counted(seeds, 'seeds')}", "", *lines(arms[0], compared))
    say("", f"table: {out / 'ablation.csv'}, chart: {out / 'ablation.png'}")


def _arms(found: Modality, plans: list[tuple[Variant, list[Training]]], asked: Asked) -> "list[Arm]":
    """Train and probe all that a study compares."""
    arms = []
    for variant, runs in plans:
        for each in runs:
            _train_and_probe(found, each, asked)
        arms.append(_arm(variant, runs, asked))
    return arms


def variants(
    base: list[str], add: list[str], remove: list[str], one_at_a_time: bool, change: list[str]
) -> list[Variant]:
    """The base, then its changes.

    Raises:
        UsageError: none, or one that is none.
    """
    if one_at_a_time and (add or remove):
        raise UsageError(
            "--one_at_a_time leaves out each augmentation of the base; give it without --add and --remove."
        )
    there, absent = [each for each in add if each in base], [each for each in remove if each not in base]
    if there or absent:
        flag, names, what = ("--add", there, "has already") if there else ("--remove", absent, "does not have")
        raise UsageError(f"{flag} {' '.join(names)}: the base {_joined(base)} {what} that; change it, or --base.")
    left_out = base if one_at_a_time else remove
    if not (add or left_out or change):
        raise UsageError("give what to change: --add, --remove, --one_at_a_time or --change.")
    found = [Variant.of("base", "base", base)]
    found += [Variant.of(f"add {each}", f"add_{each}", [*base, each]) for each in add]
    found += [Variant.of(f"no {each}", f"no_{each}", [one for one in base if one != each]) for each in left_out]
    if len(add) > 1:
        found.append(Variant.of("add all", f"add_{'_'.join(add)}", [*base, *add]))
    if len(remove) > 1:
        rest = [each for each in base if each not in remove]
        found.append(Variant.of("no all", f"no_{'_'.join(remove)}", rest))
    return found + [_other(each) for each in change]


def _other(change: str) -> Variant:
    """A change of other settings."""
    sets = tuple(part.strip() for part in change.split(";") if part.strip())
    if not sets:
        raise UsageError("--change takes a setting and its value, as in mix=mixup, and got an empty one.")
    return Variant("; ".join(sets), re.sub(r"[^\w.+=-]+", "_", "_".join(sets)).strip("_"), sets)


def lines(base: "Arm", found: "list[Change]") -> list[str]:
    """The table for a terminal."""
    from randquant.results.significance import shown_p  # late, since it loads torch, which --help does not need

    header = ["study", "settings", "accuracy", "by seeds", "change", "95 % by items", "by seeds", "p", "p (Holm)"]
    rows = [[*_mean(base), *[""] * 5]]
    for each in found:
        low, high = each.paired.interval
        rows.append(
            [
                *_mean(each.arm),
                f"{100 * each.difference:+.2f}",
                f"{100 * low:+.2f} to {100 * high:+.2f}",
                _half(each.by_seeds),
                shown_p(each.paired.p),
                shown_p(each.p_holm),
            ]
        )
    return text_table(header, rows)


def _shown(variant: Variant) -> str:
    return "; ".join(variant.sets) or "as given"


def _mean(arm: "Arm") -> list[str]:
    return [arm.name, arm.settings, f"{100 * arm.accuracy:.2f}", _half(arm.half_width)]


def _half(width: float | None) -> str:
    return "" if width is None else f"± {100 * width:.2f}"


def _joined(names: list[str]) -> str:
    return "+".join(names) or "none"


def _split(names: list[str] | None) -> list[str]:
    """Names given as several values or joined by commas, each once."""
    return list(dict.fromkeys(name for each in names or [] for name in each.split(",") if name))


def _results(settings: Training) -> Path:
    return settings.out.parent.parent / "results" / settings.out.name


def _train_and_probe(modality: Modality, settings: Training, asked: Asked) -> None:
    """Train and probe one run, as far as it has not been."""
    anew, results = trained(modality, settings), _results(settings)
    if not anew and (results / "results.json").exists():
        try:
            asked.answered(results)
            return
        except DataError:  # of another task or probe, to which this one is added
            pass
    results.parent.mkdir(parents=True, exist_ok=True)
    probe_quietly(modality, str(settings.out), asked.store, asked.probe, results)


def _arm(variant: Variant, runs: list[Training], asked: Asked) -> "Arm":
    from randquant.results.arms.arm import Arm

    accuracies, answers = [], []
    for each in runs:
        opened, name = asked.answered(_results(each))
        found = opened.answers(name)
        assert found is not None  # a folder keeps predictions
        accuracies.append(opened.tasks[name].accuracy)
        answers.append(found)
    return Arm(variant.name, _shown(variant), accuracies, answers)


def _write(out: Path, base: "Arm", found: "list[Change]") -> None:
    header = ["study", "settings", "seeds", "accuracy", "accuracy_by_seeds", "difference", "low", "high"]
    header += ["difference_by_seeds", "p", "p_holm"]
    rows: list[list[object]] = []
    for arm, change in [(base, None), *((each.arm, each) for each in found)]:
        numbers = [""] * 6
        if change is not None:
            known = (change.difference, *change.paired.interval, change.by_seeds, change.paired.p, change.p_holm)
            numbers = ["" if each is None else f"{each:.6g}" for each in known]
        width = "" if arm.half_width is None else f"{arm.half_width:.6g}"
        rows.append([arm.name, arm.settings, len(arm.accuracies), f"{arm.accuracy:.6g}", width, *numbers])
    write_text(out / "ablation.csv", csv_text([header, *rows]))
    _draw(out / "ablation.png", [base, *(each.arm for each in found)])


def _draw(out: Path, arms: "list[Arm]") -> None:
    """Bars of the accuracies with their intervals over seeds, the base's as a line."""
    figure = new_figure(6.0, 1.0 + 0.35 * len(arms))
    axes = figure.add_subplot()
    places = range(len(arms))
    widths = [100 * (arm.half_width or 0.0) for arm in arms]
    colours = ["0.6", *["C0"] * (len(arms) - 1)]
    axes.barh(places, [100 * arm.accuracy for arm in arms], xerr=widths, color=colours, capsize=3)
    axes.axvline(100 * arms[0].accuracy, color="0.3", linewidth=0.8, linestyle="--")
    axes.set_yticks(
        places, [arm.name if arm.name == arm.settings else f"{arm.name} ({arm.settings})" for arm in arms], fontsize=7
    )
    axes.invert_yaxis()
    axes.set_xlabel("accuracy, %, with its 95 % interval over seeds", fontsize=8)
    figure.tight_layout()
    write_figure(figure, out)


if __name__ == "__main__":
    raise SystemExit(run(ablate, description=__doc__))
