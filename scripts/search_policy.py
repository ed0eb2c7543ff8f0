"""Search a random policy: n operations of strength m with so many bins, by trainings scored without test labels.

    python -m scripts.search_policy --data STORE --monitor LABELLED --out SEARCH --recipe audio/recipes/small_rq.yaml \\
        --settings steps=200 --trials 20
    python -m scripts.search_policy --data STORE --out SEARCH --score rank --trials 20

trains one run a trial, with two views by a policy drawn at random, and one with the recipe's own augmentations to
compare with. The score is kNN accuracy on the validation split of LABELLED against its training split, or, without any
labels, the effective rank of the projections (rank). It prints

    trial  n   m  bins   score
    7      2   4    23  0.4812
    base                0.4655

    best: SEARCH/policy.yaml; use it as --views SEARCH/policy.yaml SEARCH/policy.yaml

and writes SEARCH/trials.csv and SEARCH/policy.yaml. What a trial draws depends on --seed and its number alone:
interrupt it and run it again, or ask for more trials; what is finished is kept. The best of several scores is a
favourable draw: compare it with the base over seeds before you believe it.

Source: RandAugment (Cubuk et al., NeurIPS 2020) searches n and m on a grid; rank is after RankMe (Garrido et al., ICML
2023), here of the projections in training.
"""

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml

from randquant.cli.command import run
from randquant.cli.flag_values import LARGEST_SEED
from randquant.cli.terminal import say
from randquant.errors import DataError, UsageError
from randquant.files.atomic import write_text
from randquant.files.csv_writer import csv_text
from randquant.policies.strength import MOST
from randquant.quantizers.choices import MOST_BINS
from randquant.results.text_table import text_table
from randquant.scripts.studies.modality import Modality, Name, modality_of
from randquant.scripts.studies.training import base_settings, trained
from randquant.training.settings import Training

SCORES = {"knn": "knn_valid", "rank": "effective_rank"}  # what they are in a run's log


@dataclass(frozen=True)
class Trial:
    """One draw; the base has no policy of its own."""

    name: str
    n: int | None = None
    m: int | None = None
    bins: int | None = None

    def policy(self, augment: list[str], operations: list[str]) -> dict[str, Any]:
        """The view in full: the augmentations, RQ with these bins among them, then the random operations."""
        names = augment if "rq" in augment else [*augment, "rq"]
        others = [each for each in operations if each != "rq"]
        random = {"n": self.n, "m": self.m, "operations": others}
        return {"augment": "+".join(names), "random": random, "rq_bins": [self.bins]}


def search(
    data: list[Path],
    out: Path,
    monitor: Path | None = None,
    modality: Name | None = None,
    recipe: Path | None = None,
    settings: list[str] | None = None,
    trials: int = 20,
    n: tuple[int, int] = (1, 3),
    m: tuple[int, int] = (1, 10),
    bins: tuple[int, int] = (4, 64),
    score: Literal["knn", "rank"] = "knn",
    seed: int = 0,
) -> None:
    """Search a random policy by trainings scored without test labels.

    Args:
        data: stores to learn from.
        out: folder of the search.
        monitor: labelled store for the score knn, of which train and valid are used.
        modality: of the stores, where they should be of it.
        recipe: YAML file of the training's flags.
        settings: further flags of the training, as in steps=200 or 'rq_bins=8 32'.
        trials: policies to try, besides the recipe's own augmentations.
        n: fewest and most operations.
        m: lowest and highest strength, from 0 to 10.
        bins: fewest and most bins of randomized quantization, drawn on a logarithmic scale.
        score: knn on validation, or rank, which takes no labels.
        seed: of the draws; the trainings have the recipe's seed.
    """
    _check(trials, n, m, bins, score, monitor, seed)
    found = modality_of(modality, data)
    watched = [] if monitor is None else [f"monitor={monitor}"]
    shared = base_settings(found, data, out, recipe, [*(settings or []), *watched])
    if shared.views:
        raise UsageError("a search finds views; leave them out of the recipe.")
    augment = found.augmentations(shared)
    drawn = [Trial("base"), *(draw(number, n=n, m=m, bins=bins, seed=seed) for number in range(1, trials + 1))]
    scored = []
    for trial in drawn:
        own = _settings(shared, trial, found, augment, out)
        trained(found, own)
        scored.append((trial, last_score(own.out, SCORES[score])))
        _write(out, scored, score)
    scored.sort(key=lambda each: -each[1])
    best = next(trial for trial, _ in scored if trial.n is not None)
    _keep(out / "policy.yaml", best.policy(augment, list(found.operations)), scored, score)
    rows = [[trial.name, *map(_cell, (trial.n, trial.m, trial.bins)), f"{value:.4f}"] for trial, value in scored]
    say(*text_table(["trial", "n", "m", "bins", "score"], rows), "")
    file = out / "policy.yaml"
    say(f"best: {file}; use it as --views {file} {file}")
    if scored[0][0].n is None:
        say("no policy scored above the base.")


def draw(number: int, *, n: tuple[int, int], m: tuple[int, int], bins: tuple[int, int], seed: int) -> Trial:
    """The policy of a trial, from 1 on; both ends of every range are possible."""
    generator = np.random.default_rng([seed, number])
    power = generator.uniform(np.log(bins[0]), np.log(bins[1] + 1))
    drawn = min(int(np.exp(power)), bins[1])
    return Trial(str(number), int(generator.integers(n[0], n[1] + 1)), int(generator.integers(m[0], m[1] + 1)), drawn)


def last_score(folder: Path, name: str) -> float:
    """The last value of a number in a run's log.

    Raises:
        DataError: there is none.
    """
    with (folder / "log.csv").open(newline="") as file:
        values = [float(row["value"]) for row in csv.DictReader(file) if row["name"] == name]
    if not values:
        raise DataError(f"{folder / 'log.csv'} holds no {name}; delete the folder, or choose another --out.")
    return values[-1]


def _settings(shared: Training, trial: Trial, modality: Modality, augment: list[str], out: Path) -> Training:
    views = [] if trial.n is None else [trial.policy(augment, list(modality.operations))] * 2
    folder = "base" if trial.n is None else f"n{trial.n}-m{trial.m}-bins{trial.bins}"
    try:
        return replace(shared, views=views, out=out / "runs" / folder)  # type: ignore[arg-type]
    except ValueError as error:
        raise UsageError(str(error)) from None


def _keep(path: Path, policy: dict[str, Any], scored: list[tuple[Trial, float]], score: str) -> None:
    best = next(value for trial, value in scored if trial.n is not None)
    base = next(value for trial, value in scored if trial.n is None)
    head = [
        f"# What:    the best of {len(scored) - 1} random policies, {SCORES[score]} {best:.4f}; {base:.4f} without.",
        "# Source:  python -m scripts.search_policy",
    ]
    write_text(path, "\n".join([*head, yaml.safe_dump(policy, sort_keys=False)]))


def _write(out: Path, scored: list[tuple[Trial, float]], score: str) -> None:
    rows = [[trial.name, *map(_cell, (trial.n, trial.m, trial.bins)), f"{value:.6g}"] for trial, value in scored]
    write_text(out / "trials.csv", csv_text([["trial", "n", "m", "bins", SCORES[score]], *rows]))


def _cell(value: int | None) -> str:
    return "" if value is None else str(value)


def _check(
    trials: int,
    n: tuple[int, int],
    m: tuple[int, int],
    bins: tuple[int, int],
    score: str,
    monitor: Path | None,
    seed: int,
) -> None:
    if score == "knn" and monitor is None:
        raise UsageError("--score knn needs a labelled store: give --monitor, or --score rank, which takes no labels.")
    if not 1 <= trials <= 10_000:
        raise UsageError(f"--trials {trials} should be from 1 to 10,000.")
    if not 0 <= seed <= LARGEST_SEED:
        raise UsageError(f"--seed {seed} should be at least 0.")
    for name, (low, high), (least, most) in (
        ("n", n, (1, 16)),
        ("m", m, (0, int(MOST))),
        ("bins", bins, (2, MOST_BINS)),
    ):
        if not least <= low <= high <= most:
            raise UsageError(
                f"--{name} {low} {high} should be two numbers from {least} to {most}, the lower one first."
            )


if __name__ == "__main__":
    raise SystemExit(run(search, description=__doc__))
