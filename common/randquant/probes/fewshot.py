"""Few labels: how good a classifier a handful of labelled items, or a small share of them, makes of the features.

The classifier is ridge regression in closed form (`randquant.probes.ridge`): it needs no learning rate and no
stopping rule, and its penalty is chosen by leaving out each labelled item in turn, so that no label beyond the few is
ever used, not even validation's. Standardisation is by all training items, for which no label is needed.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.data.features import Features
from randquant.probes.items.arrangement import CHUNK, Device, TaskFeatures, chunks, first_of, one_each
from randquant.probes.items.scaling import Moments, moments
from randquant.probes.items.splits import Assignment, assignments
from randquant.probes.outcome import Details, Outcome, outcome_of
from randquant.probes.probe import Probe
from randquant.probes.ridge import LEAVE_ONE_OUT, PENALTIES, RIDGE, Spectrum


@dataclass(frozen=True)
class FewShotSettings:
    """How many labels there are; exactly one of `shots` and `share` is given.

    Attributes:
        shots: labelled items of each class; all of a class that has fewer.
        share: of train that is labelled, in (0, 1): that share of each class, rounded, and at least one item.
        episodes: draws, with seeds seed, seed + 1, ...; each draws again and is scored on all test items.
        penalties: tried by leaving one out; weights of the squared norm in the loss, next to the mean squared error.
    """

    shots: int | None = None
    share: float | None = None
    episodes: int = 10
    penalties: tuple[float, ...] = PENALTIES

    def __post_init__(self) -> None:
        if (self.shots is None) == (self.share is None):
            raise ValueError(f"one of shots and share needs to be given, got shots {self.shots}, share {self.share}")
        if self.shots is not None and self.shots < 1:
            raise ValueError(f"shots needs to be at least 1, got {self.shots}")
        if self.share is not None and not 0 < self.share < 1:
            raise ValueError(f"share needs to lie between 0 and 1, got {self.share}")
        if self.episodes < 1:
            raise ValueError(f"episodes needs to be at least 1, got {self.episodes}")
        if not self.penalties or min(self.penalties) <= 0:
            raise ValueError(f"penalties need at least one value, all above 0, got {self.penalties}")

    @property
    def name(self) -> str:
        """In words: "5 a class" or "1 % of train"."""
        return f"{self.shots} a class" if self.share is None else f"{100 * self.share:g} % of train"


FIVE_SHOT = FewShotSettings(shots=5)


@dataclass(frozen=True, kw_only=True)
class FewShotDetails(Details):
    """How many labels there were.

    Attributes:
        labelled: in words.
        labelled_items: mean number a draw.
        penalties: chosen, one a draw: those of the first fold, of the second, ...
    """

    WORDS: ClassVar[str] = "from few labels: {labelled}"
    labelled: str
    labelled_items: float
    penalties: list[float]


def evaluate(
    features: TaskFeatures, settings: FewShotSettings = FIVE_SHOT, *, seed: int = 42, device: Device = "cpu"
) -> Outcome[FewShotDetails]:
    """Accuracy from few labels, over several draws of them.

    Arguments and errors are those of `randquant.probes.probe.Evaluate`.
    """
    started = time.perf_counter()
    tasks = assignments(first_of(features).items)
    seeds = [seed + episode for episode in range(settings.episodes)]
    predictions, penalties, counts = [], [], []
    for each, task in zip(one_each(features, tasks), tasks, strict=True):
        draws = [draw(task, settings, seed=one) for one in seeds]
        found, chosen = _episodes(each, task, draws, settings.penalties, device)
        predictions.append(found)
        penalties += chosen
        counts += [len(rows) for rows in draws]
    details = FewShotDetails(
        labelled=settings.name,
        labelled_items=float(np.mean(counts)),
        penalties=penalties,
        valid_accuracy=None,
        validation=f"{LEAVE_ONE_OUT}, of the labelled ones",
        seeds=seeds,
        settings={"probe": "fewshot", **asdict(settings)},
    )
    return outcome_of("fewshot", first_of(features).items, tasks, predictions, details, started=started)


def draw(assignment: Assignment, settings: FewShotSettings, *, seed: int) -> NDArray[np.int64]:
    """Rows of train that are labelled, ascending; drawn by `seed`."""
    generator = torch.Generator().manual_seed(seed)
    shuffled = assignment.train[torch.randperm(len(assignment.train), generator=generator).numpy()]
    targets = assignment.targets[shuffled]
    chosen = []
    for label in range(len(assignment.classes)):
        members = shuffled[targets == label]
        wanted = settings.shots if settings.share is None else max(1, round(settings.share * len(members)))
        chosen.append(members[:wanted])
    return np.sort(np.concatenate(chosen))


def _episodes(
    features: Features, task: Assignment, draws: Sequence[NDArray[np.int64]], penalties: Sequence[float], device: Device
) -> tuple[NDArray[np.int64], list[float]]:
    """(S, m) predictions of the test items and the penalty chosen in each draw."""
    scaler = moments(chunks(features, task.train, device))
    test = torch.cat(list(chunks(features, task.test, device)))
    predictions, chosen = [], []
    for rows in draws:
        x = torch.cat(list(chunks(features, rows, device))).split(CHUNK)
        targets = torch.from_numpy(task.targets[rows]).to(device).split(CHUNK)
        pieces = partial(_pieces, scaler, x, targets)
        spectrum = Spectrum(pieces, len(rows), len(task.classes), penalties)
        # The error, not the share that is right: with one item a class, leaving it out leaves none to be right with.
        best = int(spectrum.leave_one_out()[1].argmin())
        found = [spectrum.predict(scaler.standardise(part))[best] for part in test.split(CHUNK)]
        predictions.append(torch.cat(found).cpu().numpy())
        chosen.append(penalties[best])
    return np.stack(predictions), chosen


def _pieces(scaler: Moments, x: Sequence[Tensor], targets: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Standardised one by one, since float64 copies of all may not fit into memory."""
    return ((scaler.standardise(part), truth) for part, truth in zip(x, targets, strict=True))


def _probe(**labels: Any) -> Probe[FewShotSettings]:
    return Probe(evaluate, FewShotSettings(**labels), FewShotDetails, own=("shots", "share"), saves=False)


# Each is a probe of its own.
FEW_LABELS = {
    "fewshot-1": _probe(shots=1),
    "fewshot-5": _probe(shots=5),
    "fewshot-10": _probe(shots=10),
    "fewshot-1%": _probe(share=0.01),
    "fewshot-10%": _probe(share=0.1),
}
# Ridge regression is the same classifier on all labels.
FRACTIONS: dict[str, Probe[Any]] = {
    **{f"fraction-{percent}%": _probe(share=percent / 100) for percent in (1, 2, 5, 10, 20, 50)},
    "fraction-100%": RIDGE,
}
