"""Loss curves over widths: under muP a wider network is never worse, at any step.

Source: Yang et al., "Tensor Programs V", NeurIPS 2021, section 8.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from randquant.cli.progress import progress
from randquant.probes.outcome import repeats_half_width
from randquant.scripts.width.study import Parametrization, Study


@dataclass(frozen=True)
class Loss:
    """A row of the table: the mean training loss of the steps since the row before.

    Attributes:
        parametrization, width, seed: of the network.
        step: the last one.
        loss: in the units of the method.
    """

    parametrization: Parametrization
    width: int
    seed: int
    step: int
    loss: float


def loss_curves(
    study: Study, parametrizations: Sequence[Parametrization], widths: Sequence[int], seeds: int, steps: int
) -> list[Loss]:
    """Train every network on the same batches in the same order; `log_every` of the settings divides the curve."""
    jobs = [(each, width, seed) for each in parametrizations for width in widths for seed in range(seeds)]
    rows = []
    for parametrization, width, seed in progress(jobs, label="loss curves", unit="trainings"):
        method = study.method(parametrization, width, seed)
        losses: list[float] = []
        for step, loss in enumerate(study.train(method, parametrization, seed, steps), 1):
            losses.append(loss)
            if step % study.settings.log_every == 0 or step == steps:
                rows.append(Loss(parametrization, width, seed, step, fmean(losses)))
                losses.clear()
    return rows


def verdict(rows: Sequence[Loss]) -> tuple[bool | None, list[str]]:
    """Whether under muP wider is better at every logged step, and the lines to print; None without muP.

    A wider network is worse where its mean loss exceeds that of the next narrower one by more than the 95 % interval of
    their difference over seeds, or is no number; of one seed there is no interval.
    """
    lines, passed = [], dict[Parametrization, bool]()
    for name in dict.fromkeys(row.parametrization for row in rows):
        steps, worse, higher = _compared([row for row in rows if row.parametrization == name])
        passed[name] = not worse
        found = f"worse at {_steps(worse)}" if worse else "worse at none"
        lines.append(
            f"{name}: a wider network is {found} of {steps} logged steps by more than the 95 % interval over seeds, "
            f"and its mean loss is lower than that of the narrower one in {higher:.0%} of the comparisons"
        )
    if "mup" not in passed:
        return None, lines
    ending = (
        "wider is better at every logged step under mup" if passed["mup"] else "wider is worse under mup at some step"
    )
    return passed["mup"], [*lines, f"{'pass' if passed['mup'] else 'fail'}: {ending}"]


def _steps(worse: Sequence[int]) -> str:
    shown = ", ".join(map(str, worse[:5]))
    return f"step {shown}{' and others' if len(worse) > 5 else ''}: {len(worse)}"


def _compared(rows: Sequence[Loss]) -> tuple[int, list[int], float]:
    """Logged steps, those at which a wider network is worse, and the share of comparisons in which it is better."""
    losses: dict[tuple[int, int], list[float]] = defaultdict(list)  # by step and width, over seeds
    for row in rows:
        losses[row.step, row.width].append(row.loss)
    steps, widths = sorted({row.step for row in rows}), sorted({row.width for row in rows})
    worse, better = [], []
    for step in steps:
        gains = [
            [narrow - wide for narrow, wide in zip(losses[step, one], losses[step, two], strict=True)]
            for one, two in pairwise(widths)
        ]
        better += [fmean(each) > 0 for each in gains]
        if not all(fmean(each) >= -(repeats_half_width(each) or 0.0) for each in gains):  # false for NaN too
            worse.append(step)
    return len(steps), worse, fmean(better)
