"""Can the best number of bins be told without labels? Train with twelve, and compare labels with scores.

    python -m scripts.judge_bins --data STORE --task LABELLED --recipe common/tables/recipes/cpu.yaml --out STUDY
    python -m scripts.judge_bins --data STORE --task LABELLED --out STUDY --settings steps=100 --probe knn --seeds 3

prints for every task

    probe ridge on covtype, accuracy in % of validation items or held-out folds, 3 seeds

    bins  accuracy  by seeds  behind the best
    2        63.45    ± 1.20             5.02
    ...

    two seeds rank these alike with a Spearman of 0.66

    score of                 Spearman: untrained  a tenth  the end  regret: untrained  a tenth  the end
    common views identified                    -     0.62     0.87                  -     1.22     1.22
    ...

Scores are those of `randquant.ssl.unlabelled_scores`, of 256 items by two views each: of the run's own bins, or of 16
bins, common to all runs; of the encoder before the training, after a tenth of it, and at its end. Spearman is of score
and accuracy over the numbers of bins, means over seeds; regret is how many points the number with the highest score is
behind the best. What two seeds rank differently no score can rank. Test items play no role. STUDY/bins.csv has every
number. Interrupt it and run it again, or add seeds or tasks: what is finished is kept.
"""

from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from randquant.cli.command import run
from randquant.cli.counted import counted
from randquant.cli.terminal import say
from randquant.data.store import Store
from randquant.errors import UsageError
from randquant.files.atomic import write_text
from randquant.files.csv_writer import csv_text
from randquant.probes.registry import ProbeName
from randquant.results.text_table import text_table
from randquant.scripts.studies.bins import BINS, MOMENTS, Scores, accuracies, measured
from randquant.scripts.studies.modality import modality_of
from randquant.scripts.studies.training import base_settings

if TYPE_CHECKING:
    from numpy.typing import NDArray


def judge_bins(
    data: list[Path],
    task: list[Path],
    out: Path,
    recipe: Path | None = None,
    settings: list[str] | None = None,
    seeds: int = 3,
    probe: ProbeName = "ridge",
) -> None:
    """Train with twelve numbers of bins, and compare scores without labels with accuracy.

    Args:
        data: stores to learn from.
        task: labelled stores that the encoders are probed on: with folds, or a validation split.
        out: folder of the study.
        recipe: YAML file of the training's flags.
        settings: further flags of the training, as in steps=200.
        seeds: trainings of each, with the recipe's seed and those after it.
        probe: what the frozen encoders are asked.

    Raises:
        UsageError: another number of seeds, or a training that does not quantize.
        DataError: a store of another kind, a probe that says nothing of validation items, or a finished training
            without its scores.
    """
    if not 1 <= seeds <= 1000:
        raise UsageError(f"--seeds {seeds} should be from 1 to 1,000.")
    # Late, since they load torch, which --help does not need.
    from randquant.evaluation.labelled_task import open_task
    from randquant.training.idle import idle_settings

    found = modality_of(None, data)
    made = base_settings(found, data, out, recipe, settings or [])
    for idle in idle_settings(replace(made, rq_bins=[BINS[0]])):  # type: ignore[call-arg]
        if idle.startswith("--rq_bins "):
            raise UsageError(f"{idle}; there are no numbers of bins to judge.")
    for labelled in task:  # before minutes of training, not after
        open_task(labelled, kind=Store.open(data[0]).kind)
    scores, accuracy = [], []
    for seed in range(made.seed, made.seed + seeds):
        arms = [
            replace(made, seed=seed, rq_bins=[bins], out=out / "runs" / f"{bins}-seed{seed}")  # type: ignore[call-arg]
            for bins in BINS
        ]
        scores.append([measured(found, each) for each in arms])
        accuracy.append([accuracies(found, each, task, probe) for each in arms])
    judged = [
        Judged(name, scores, np.array([[each[name] for each in arms] for arms in accuracy])) for name in accuracy[0][0]
    ]
    table = [judged[0].header(), *(row for each in judged for row in each.rows(made.seed))]
    write_text(out / "bins.csv", csv_text(table))
    for each in judged:
        what = f"accuracy in % of validation items or held-out folds, {counted(seeds, 'seeds')}"
        say(f"probe {probe} on {each.task}, {what}", "", *each.lines(), "", *each.score_lines(), "")
    say(f"table: {out / 'bins.csv'}")


@dataclass(frozen=True)
class Judged:
    """What labels say of numbers of bins, and of scores without labels.

    Attributes:
        task: whose labels.
        scores: by seed and number of bins.
        accuracies: (S, K) of each seed and number of bins, in [0, 1].
    """

    task: str
    scores: list[list[Scores]]
    accuracies: "NDArray[np.float64]"

    def of(self, moment: str, score: str) -> "NDArray[np.float64]":
        """(K,) a score of each number of bins, the mean over seeds."""
        return np.mean([[each[moment][score] for each in arms] for arms in self.scores], axis=0)

    def spearman(self, moment: str, score: str) -> float | None:
        """Rank correlation with the mean accuracies; None of a score that is the same for all."""
        from scipy.stats import spearmanr

        values = self.of(moment, score)
        return None if np.ptp(values) == 0 else float(spearmanr(values, self.accuracies.mean(axis=0)).statistic)

    def regret(self, moment: str, score: str) -> float | None:
        """How far, on average, the highest score's number of bins is behind the best; of equals the most bins."""
        values, means = self.of(moment, score), self.accuracies.mean(axis=0)
        if np.ptp(values) == 0:
            return None
        return float(means.max() - means[len(values) - 1 - int(values[::-1].argmax())])

    def agreement(self) -> float | None:
        """Rank correlation of the accuracies of two seeds, the mean over pairs; None of one seed.

        What seeds rank differently no score can rank.
        """
        from scipy.stats import spearmanr

        pairs = list(combinations(self.accuracies, 2))
        return float(np.mean([spearmanr(one, other).statistic for one, other in pairs])) if pairs else None

    def lines(self) -> list[str]:
        """The table of accuracies, and how far seeds agree."""
        from randquant.probes.outcome import repeats_half_width

        percent, means = 100 * self.accuracies, 100 * self.accuracies.mean(axis=0)
        widths = [repeats_half_width(column.tolist()) for column in percent.T]
        rows = [
            [str(bins), f"{mean:.2f}", "" if width is None else f"± {width:.2f}", f"{means.max() - mean:.2f}"]
            for bins, mean, width in zip(BINS, means, widths, strict=True)
        ]
        agreement = self.agreement()
        agreed = [] if agreement is None else ["", f"two seeds rank these alike with a Spearman of {agreement:.2f}"]
        return [*text_table(["bins", "accuracy", "by seeds", "behind the best"], rows), *agreed]

    def score_lines(self) -> list[str]:
        """The table of scores, by their names."""
        names = list(self.scores[0][0][MOMENTS[-1]])
        header = ["score of", *(f"Spearman, {moment}" for moment in MOMENTS), *(f"regret, {each}" for each in MOMENTS)]
        rows = [
            [
                name,
                *(_shown(self.spearman(moment, name), 1.0) for moment in MOMENTS),
                *(_shown(self.regret(moment, name), 100.0) for moment in MOMENTS),
            ]
            for name in names
        ]
        return text_table(header, rows)

    def header(self) -> list[object]:
        """Of `rows`."""
        return ["task", "seed", "bins", "accuracy", *(f"{name}, {moment}" for moment, name in self._named())]

    def rows(self, seed: int) -> list[list[object]]:
        """Every number: a line a seed and number of bins.

        Args:
            seed: the first one.
        """
        return [
            [self.task, seed + number, bins, f"{accuracy:.6g}", *(f"{scores[m][n]:.6g}" for m, n in self._named())]
            for number, arms in enumerate(self.scores)
            for bins, accuracy, scores in zip(BINS, self.accuracies[number], arms, strict=True)
        ]

    def _named(self) -> list[tuple[str, str]]:
        return [(moment, name) for moment in MOMENTS for name in self.scores[0][0][moment]]


def _shown(number: float | None, factor: float) -> str:
    return "-" if number is None else f"{factor * number:.2f}"


if __name__ == "__main__":
    raise SystemExit(run(judge_bins, description=__doc__))
