"""Linear evaluation: one linear layer on frozen features, or two with a ReLU between, by Adam."""

import time
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from randquant.probes.classifier import layers
from randquant.probes.items.arrangement import Arrangement, Device, Part, TaskFeatures, arrange, first_of
from randquant.probes.items.splits import assignments
from randquant.probes.outcome import Details, Outcome, outcome_of
from randquant.probes.probe import Probe
from randquant.probes.solvers.lanes import Lane, LinearSettings, Trained, answer, train

DEFAULT, MLP_HIDDEN = LinearSettings(), 512


@dataclass(frozen=True, kw_only=True)
class LinearDetails(Details):
    """How the layer was trained.

    Attributes:
        learning_rate: the one chosen.
        by_learning_rate: validation accuracy and epochs of each.
        epochs: one a lane: the repeats of the first fold, of the second, ...
    """

    learning_rate: float
    by_learning_rate: list[dict[str, float]]
    epochs: list[int]

    @property
    def how(self) -> str:
        """In words."""
        hidden, rates = self.settings["hidden"], len(self.by_learning_rate)
        layer = "a linear layer" if hidden is None else f"a hidden layer of {hidden} units"
        chosen = f", the best of {rates} on validation" if rates > 1 else ""
        return f"by {layer}, rate {self.learning_rate:g}{chosen}"


def evaluate(
    features: TaskFeatures, settings: LinearSettings = DEFAULT, *, seed: int = 42, device: Device = "cpu"
) -> Outcome[LinearDetails]:
    """Linear-probe accuracy with its uncertainty; the learning rate is chosen on validation, never on test.

    Folds are cross-validated, all of them trained together. One learning rate is chosen for the task, by the mean
    validation accuracy of all folds and repeats.

    Arguments and errors are those of `randquant.probes.probe.Evaluate`.
    """
    started = time.perf_counter()
    items, name = first_of(features).items, "linear" if settings.hidden is None else "mlp"
    tasks = assignments(items)
    arrangement = arrange(features, tasks, device)
    seeds = [seed + repeat for repeat in range(settings.repeats)]
    lanes = [_lane(part, each) for part in arrangement.parts for each in seeds]
    trained = train(arrangement.x, arrangement.targets, lanes, len(tasks[0].classes), settings)
    chosen = int(trained.valid_accuracy.mean(axis=0).argmax())  # the first of equals
    details = LinearDetails(
        valid_accuracy=float(trained.valid_accuracy[:, chosen].mean()),
        learning_rate=settings.learning_rates[chosen],
        by_learning_rate=[
            {
                "learning_rate": rate,
                "valid_accuracy": float(trained.valid_accuracy[:, place].mean()),
                "epochs": float(trained.epochs[:, place].mean()),
            }
            for place, rate in enumerate(settings.learning_rates)
        ],
        epochs=trained.epochs[:, chosen].tolist(),
        seeds=seeds,
        settings={"probe": name, **asdict(settings)},
    )
    predictions = _test_predictions(arrangement, trained, chosen, settings.repeats)
    first = [parameter[0, chosen] for parameter in trained.parameters]
    fitted = partial(layers, first, tasks[0].classes, arrangement.parts[0].moments)
    return outcome_of(name, items, tasks, predictions, details, started=started, fitted=fitted)


def _lane(part: Part, seed: int) -> Lane:
    fit, choose = part.assignment.parts(seed=seed)
    return Lane(part.rows(fit), part.rows(choose), seed, part.scale, part.offset)


def _test_predictions(arrangement: Arrangement, trained: Trained, rate: int, repeats: int) -> list[NDArray[np.int64]]:
    """For each part (repeats, m) class ids of its test items."""
    found = []
    for index, part in enumerate(arrangement.parts):
        lanes = slice(index * repeats, (index + 1) * repeats)
        parameters = [parameter[lanes, rate] for parameter in trained.parameters]
        guesses = answer(arrangement.x, part.rows(part.assignment.test), parameters, part)
        found.append(guesses.cpu().numpy())
    return found


LINEAR = Probe(evaluate, DEFAULT, LinearDetails, own=("hidden",))
MLP = Probe(evaluate, LinearSettings(hidden=MLP_HIDDEN), LinearDetails, own=("hidden",))
