"""What an exported file costs in accuracy: one probe on its vectors and on the encoder's own."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.data.features import Features
from randquant.errors import DataError
from randquant.evaluation.labelled_task import LabelledTask
from randquant.probes import registry
from randquant.probes.outcome import Outcome
from randquant.probes.probe import Probe

Run = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Cost:
    """The scores of a probe on a task, in [0, 1], R² where numbers are predicted.

    Attributes:
        task, probe: their names.
        native: on the encoder's own vectors.
        exported: on those of the file, the probe fitted on them too.
        interval: 95 % interval of the native score over test items; empty where there is none.
        test: items asked about.
    """

    task: str
    probe: str
    native: float
    exported: float
    interval: list[float]
    test: int

    def __str__(self) -> str:
        points = 100.0 * (self.exported - self.native)
        around = f" (95 % over items {self.interval[0]:.4f} to {self.interval[1]:.4f})" if self.interval else ""
        return (
            f"{self.task}, {self.probe} probe: encoder {self.native:.4f}{around}, exported {self.exported:.4f}, "
            f"{points:+.2f} points, {self.test:,} test items"
        )


def cost(task: LabelledTask, probe: str, batches: Iterable[Tensor], native: Run, exported: Run) -> Cost:
    """Probe a task on the vectors of an encoder and on those of its exported file.

    Args:
        task: with labels, and splits or folds.
        probe: its name in the registry.
        batches: the inputs of all items, in order.
        native: inputs to vectors by the encoder.
        exported: the same by the file.

    Raises:
        DataError: the task cannot be probed, or vectors are not finite.
    """
    probes = registry.named([probe], numbers=task.numbers)
    registry.require(probes, task.items)
    own, given = (_probed(task, probes, vectors) for vectors in _vectors(batches, (native, exported)))
    numbers = own.numbers
    return Cost(task.name, probe, numbers.accuracy, given.numbers.accuracy, list(numbers.ci95_items), len(own.rows))


def _vectors(batches: Iterable[Tensor], runs: Sequence[Run]) -> list[NDArray[np.float32]]:
    """What each gives for all inputs, (n, D), which are read once."""
    with torch.inference_mode():
        given = [[run(inputs).float().numpy() for run in runs] for inputs in batches]
    return [np.concatenate(vectors) for vectors in zip(*given, strict=True)]


def _probed(task: LabelledTask, probes: Mapping[str, Probe[Any]], vectors: NDArray[np.float32]) -> Outcome[Any]:
    if not np.isfinite(vectors).all():
        raise DataError(f"vectors of {task.name} are not finite; its weights are broken: export another encoder.")
    features = Features(vectors, **vars(task.items))
    (outcome,) = registry.evaluate(probes, features, seed=42, device="cpu").values()
    return outcome
