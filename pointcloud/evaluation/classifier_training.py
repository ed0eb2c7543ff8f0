"""One training of an encoder and a classification head together, which can be stopped and taken up."""

import copy
import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from randquant.errors import DataError
from randquant.pointcloud.evaluation.finetune_settings import FinetuneSettings
from randquant.pointcloud.evaluation.shape_views import ShapeViews
from randquant.probes.items.splits import Assignment
from randquant.training.checkpoint import load_checkpoint, save_checkpoint
from randquant.training.optimization.schedule import learning_rate_at, set_learning_rate

if TYPE_CHECKING:
    from tqdm import tqdm

    from randquant.pointcloud.encoders.weights import LoadedPointEncoder

_HIDDEN = 256  # units of the head's two hidden layers
_SAVE_EVERY = 60.0  # seconds between states on disk
_COUNTED = ("step", "epoch", "best", "best_accuracy", "best_epoch")  # attributes that are kept as they are


@dataclass
class Finetuned:
    """The classifier of the best epoch, in eval mode, and what led to it.

    Attributes:
        classifier: clouds as the encoder takes them (B, N, C) -> logits (B, classes).
        valid_accuracy: of that epoch.
        epoch: its number, from 1; the last of equals.
        labelled: labels that were used to train and to choose.
    """

    classifier: nn.Module
    valid_accuracy: float
    epoch: int
    labelled: tuple[int, int]


def finetuned(
    loaded: "LoadedPointEncoder",
    views: ShapeViews,
    assignment: Assignment,
    settings: FinetuneSettings,
    *,
    seed: int,
    shown: "tqdm",
    fit: NDArray[np.int64],
    choose: NDArray[np.int64],
    file: Path | None,
) -> Finetuned:
    """One training: a head on a copy of the encoder, and the weights of the epoch that is best on validation.

    It trains on the rows `fit` and chooses the epoch on the rows `choose`; `seed` decides everything random, and every
    shape advances `shown`. The state is kept in `file` and taken up from it, or kept nowhere where that is None.
    """
    device = views.device
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed_of(seed, "head and dropout"))
        classifier = classifier_of(loaded, len(assignment.classes), settings).to(device)
        training = ClassifierTraining(classifier, views, assignment, settings, len(fit), seed)
        if file is not None and file.is_file():
            training.load_state(load_checkpoint(file))
            shown.update(training.epoch * len(fit))
        saved = time.monotonic()
        while training.epoch < settings.epochs:
            training.run_epoch(fit, shown)
            accuracy = _accuracy(classifier, views, choose, assignment.targets)
            training.remember(accuracy)
            shown.set_postfix_str(f"seed {seed}, epoch {training.epoch}, valid {accuracy:.3f}", refresh=False)
            done = training.epoch == settings.epochs
            if file is not None and (done or time.monotonic() - saved >= _SAVE_EVERY):
                save_checkpoint(file, training.state())
                saved = time.monotonic()
        classifier.load_state_dict(training.best)
    return Finetuned(classifier.eval(), training.best_accuracy, training.best_epoch, (len(fit), len(choose)))


class ClassifierTraining:
    """Optimiser, rate, random state and best weights of one training."""

    def __init__(
        self,
        classifier: nn.Module,
        views: ShapeViews,
        assignment: Assignment,
        settings: FinetuneSettings,
        items: int,
        seed: int,
    ) -> None:
        self.classifier, self.views, self.settings, self.seed = classifier, views, settings, seed
        self.targets = torch.from_numpy(assignment.targets).to(views.device)
        self.optimiser = torch.optim.AdamW(weight_groups(classifier, settings.weight_decay), lr=settings.learning_rate)
        self.order = torch.Generator().manual_seed(seed_of(seed, "order"))
        self.generator = torch.Generator(device=views.device).manual_seed(seed_of(seed, "views"))
        self.step, self.epoch = 0, 0
        self.best, self.best_accuracy, self.best_epoch = classifier.state_dict(), -1.0, 0
        self.steps_an_epoch = len(batches_of(np.arange(items), settings.batch_size))

    def run_epoch(self, rows: NDArray[np.int64], shown: "tqdm") -> None:
        """One shuffled pass over the labelled rows."""
        self.classifier.train()
        self.epoch += 1
        healthy = torch.ones((), dtype=torch.bool, device=self.views.device)
        shuffled = rows[torch.randperm(len(rows), generator=self.order).numpy()]
        for part in batches_of(shuffled, self.settings.batch_size):
            healthy &= self._train(part).isfinite()
            shown.update(len(part))
        if not bool(healthy):
            raise DataError(
                f"the loss of fine-tuning stopped being finite in epoch {self.epoch} (seed {self.seed}); lower the "
                f"learning rate from {self.settings.learning_rate:g}, or check the encoder."
            )

    def remember(self, accuracy: float) -> None:
        """Keep the weights if no epoch before was better on validation."""
        if accuracy >= self.best_accuracy:
            self.best = copy.deepcopy(self.classifier.state_dict())
            self.best_accuracy, self.best_epoch = accuracy, self.epoch

    def state(self) -> dict[str, Any]:
        """All that `load_state` needs to go on as if nothing had happened."""
        device = self.views.device
        return {
            "classifier": self.classifier.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "order": self.order.get_state(),
            "generator": self.generator.get_state(),
            "random": torch.get_rng_state(),
            "device_random": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
            **{name: getattr(self, name) for name in _COUNTED},
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.classifier.load_state_dict(state["classifier"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.order.set_state(state["order"])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["random"])
        if state["device_random"] is not None:
            torch.cuda.set_rng_state(state["device_random"], self.views.device)
        for name in _COUNTED:
            setattr(self, name, state[name])

    def _train(self, rows: NDArray[np.int64]) -> Tensor:
        """One step; the loss, detached."""
        self.step += 1
        set_learning_rate(self.optimiser, self._rate())
        logits = self.classifier(self.views.vary(rows, self.generator))
        loss = functional.cross_entropy(logits, self.targets[rows])
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.classifier.parameters(), self.settings.gradient_clip)
        self.optimiser.step()
        return loss.detach()

    def _rate(self) -> float:
        settings, every = self.settings, self.steps_an_epoch
        steps, warmup = settings.epochs * every, settings.warmup_epochs * every
        return learning_rate_at(self.step, steps, highest=settings.learning_rate, warmup=warmup, schedule="cosine")


def classifier_of(loaded: "LoadedPointEncoder", classes: int, settings: FinetuneSettings) -> nn.Sequential:
    """A copy of the encoder and a new head: two hidden layers with batch norm and dropout, as Point-MAE's."""
    encoder = copy.deepcopy(loaded.encoder).float().requires_grad_(True)
    layers: list[nn.Module] = []
    for inputs in (encoder.embedding_size(), _HIDDEN):
        layers += [nn.Linear(inputs, _HIDDEN), nn.BatchNorm1d(_HIDDEN), nn.ReLU(), nn.Dropout(settings.dropout)]
    return nn.Sequential(encoder, *layers, nn.Linear(_HIDDEN, classes))


def weight_groups(classifier: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters with and without weight decay: biases and scales of norms go without."""
    weights = [parameter for parameter in classifier.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in classifier.parameters() if parameter.ndim <= 1]
    return [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def batches_of(rows: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    """Batches of at least two: batch norm needs something to compare with, so a last one alone joins the others."""
    starts = list(range(0, len(rows), size))
    if len(starts) > 1 and len(rows) - starts[-1] == 1:
        starts.pop()
    return [rows[start:stop] for start, stop in zip(starts, [*starts[1:], len(rows)], strict=True)]


@torch.no_grad()
def logits_of(classifier: nn.Module, batches: Iterator[Tensor]) -> Tensor:
    """(m, classes) in eval mode."""
    classifier.eval()
    return torch.cat([classifier(batch) for batch in batches])


def _accuracy(classifier: nn.Module, views: ShapeViews, rows: NDArray[np.int64], targets: NDArray[np.int64]) -> float:
    found = logits_of(classifier, views.clean(rows)).argmax(dim=1).cpu().numpy()
    return float((found == targets[rows]).mean())


def seed_of(seed: int, purpose: str) -> int:
    """A seed of its own for every purpose: generators of one seed give the same numbers."""
    return int.from_bytes(hashlib.sha256(f"{seed} {purpose}".encode()).digest()[:4], "little")
