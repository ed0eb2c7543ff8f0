"""Fine-tuning: encoder and a classification head trained together on the labels of a store.

The recipe is Point-MAE's (Pang et al., ECCV 2022): AdamW with rate 5e-4 and weight decay 0.05, cosine over 300 epochs
after 10 of warm-up, batches of 32, random scale and translation, gradients clipped at 10, and a random subset of the
points at every step. What differs on purpose: the epoch is chosen on validation, never on test, and the number of
votes at test is fixed beforehand, with nothing repeated until it looks good.
"""

import copy
import hashlib
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from pointcloud.augment.resample import RandomResample
from pointcloud.augment.scale import RandomAnisotropicScale
from pointcloud.augment.translation import RandomTranslation
from pointcloud.evaluation.shape_features import (
    Preparation,
    require_channels,
    store_layout,
)
from pointcloud.first_points import filled, require_points
from randquant.cli.progress import bar
from randquant.data.labelled_store import items_of
from randquant.data.store import Store
from randquant.errors import DataError
from randquant.probes.fewshot import FewShotSettings, draw
from randquant.probes.outcome import Details, Outcome, outcome_of
from randquant.probes.splits import Assignment, assign
from randquant.training.checkpoint import load_checkpoint, save_checkpoint
from randquant.views import Policy

if TYPE_CHECKING:
    from pointcloud.encoders.weights import LoadedPointEncoder

_POOL = 1200 / 1024  # points a random subset is taken from, for each point taken, as published
_HIDDEN = 256  # units of the head's two hidden layers
_SAVE_EVERY = 60.0  # seconds between states on disk
_COUNTED = (
    "step",
    "epoch",
    "best",
    "best_accuracy",
    "best_epoch",
)  # attributes of a training that are kept as they are


@dataclass(frozen=True)
class FinetuneSettings:
    """How encoder and head are trained; the defaults are Point-MAE's.

    Attributes:
        points: of each shape.
        epochs: passes over the labelled shapes.
        warmup_epochs: of them, those in which the rate rises from 0.
        learning_rate: the highest, of AdamW.
        weight_decay: of all weights but biases and scales of norms.
        batch_size: shapes a step; fewer where there are fewer.
        gradient_clip: largest norm of all gradients together.
        dropout: in the head.
        label_share: of the labels that are used, in (0, 1], of train and of validation alike.
        votes: varied views of each test shape whose logits are averaged; 0 for none.
        repeats: trainings, with seeds seed, seed + 1, ...
    """

    points: int = 1024
    epochs: int = 300
    warmup_epochs: int = 10
    learning_rate: float = 5e-4
    weight_decay: float = 0.05
    batch_size: int = 32
    gradient_clip: float = 10.0
    dropout: float = 0.5
    label_share: float = 1.0
    votes: int = 10
    repeats: int = 3

    def __post_init__(self) -> None:
        for name, least in (("points", 1), ("epochs", 1), ("batch_size", 2), ("repeats", 1), ("votes", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} needs to be at least {least}, got {getattr(self, name)}")
        for name, most in (("epochs", 10**6), ("repeats", 10**4), ("votes", 10**4)):
            if getattr(self, name) > most:
                raise ValueError(f"{name} needs to be at most {most:,}, got {getattr(self, name):,}")
        if not 0 <= self.warmup_epochs < self.epochs:
            raise ValueError(f"warmup_epochs needs to be from 0 to below {self.epochs}, got {self.warmup_epochs}")
        if self.learning_rate <= 0 or self.gradient_clip <= 0 or self.weight_decay < 0:
            raise ValueError("learning_rate and gradient_clip need to be above 0, weight_decay at least 0")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout needs to lie from 0 to below 1, got {self.dropout}")
        if not 0 < self.label_share <= 1:
            raise ValueError(f"label_share needs to lie above 0 and to 1, got {self.label_share}")


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


@dataclass(frozen=True, kw_only=True)
class FinetuneDetails(Details):
    """How trainings went.

    Attributes:
        epochs: chosen, by seed.
        labelled: labels to train and to choose on, by seed.
    """

    epochs: list[int]
    labelled: list[list[int]]


def evaluate(
    loaded: "LoadedPointEncoder",
    store: Store,
    settings: FinetuneSettings = FinetuneSettings(),
    *,
    seed: int = 42,
    device: str | torch.device = "cpu",
    unfinished: Path | None = None,
) -> dict[str, Outcome[FinetuneDetails]]:
    """Test accuracy after fine-tuning, for several seeds, without and with voting.

    A seed decides head, order, subsets, augmentation, dropout, which labels are used where not all are, and what is
    held out where the store has no validation split; on a CPU the same seed gives the same numbers, also where the
    training was interrupted. The encoder that was given is left as it is.

    Args:
        loaded: where encoders start.
        store: of points, with labels and splits train, valid and test.
        settings: how to train.
        seed: of the first training.
        device: where to train.
        unfinished: folder for the state of trainings, about once a minute: the same call takes up what it finds there,
            and removes it in the end. None keeps nothing.

    Returns:
        "finetune", and "finetune-vote" where there are votes.

    Raises:
        DataError: the store cannot be probed (`randquant.probes.splits.assign`), lacks a channel the encoder reads,
            or has no shape with as many points; or the loss stops being finite.
    """
    started = time.perf_counter()
    assignment = assign(items_of(store))
    views = _Views(loaded, store, settings, device)
    seeds = [seed + repeat for repeat in range(settings.repeats)]
    runs: list[Finetuned] = []
    files = [None if unfinished is None else unfinished / _name(loaded, store, settings, one, device) for one in seeds]
    plain, voted = [], []
    total = sum(len(_labelled(assignment, settings, one)[0]) for one in seeds) * settings.epochs
    with bar(label=f"fine-tuning on {store.path.name}", unit="shapes", total=total) as shown:
        for one, file in zip(seeds, files, strict=True):
            run = _finetuned(loaded, views, assignment, settings, seed=one, shown=shown, file=file)
            plain.append(_logits(run.classifier, views.clean(assignment.test)).argmax(dim=1).cpu().numpy())
            if settings.votes:
                voted.append(_voted(run.classifier, views, assignment.test, settings.votes, seed=one))
            runs.append(run)
    found = {"finetune": plain, **({"finetune-vote": voted} if settings.votes else {})}
    details = _details(runs, seeds, settings)
    outcomes = {
        name: outcome_of(
            name,
            items_of(store),
            [assignment],
            [np.stack(each)],
            replace(details, words=_how(name, settings)),
            started=started,
        )
        for name, each in found.items()
    }
    for file in filter(None, files):
        file.unlink(missing_ok=True)
    return outcomes


def learning_rate_at(step: int, steps: int, *, warmup: int, highest: float) -> float:
    """The rate of a step, from 1: rising to `highest` over `warmup` steps, then falling to 0 along half a cosine.

    >>> [round(learning_rate_at(step, 110, warmup=10, highest=1.0), 3) for step in (1, 10, 60, 110)]
    [0.1, 1.0, 0.5, 0.0]
    """
    if step <= warmup:
        return highest * step / warmup
    return highest * 0.5 * (1.0 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


class _Views:
    """Clouds of a store as the encoder takes them, plain or varied."""

    def __init__(
        self, loaded: "LoadedPointEncoder", store: Store, settings: FinetuneSettings, device: str | torch.device
    ) -> None:
        require_channels(loaded, store_layout(store), store.path)
        require_points(store, settings.points)
        self.store, self.device = store, torch.device(device)
        self.points, self.batch_size = settings.points, settings.batch_size
        # The first points of a store are spread over the shape, and so is most of a few more.
        self.pool = min(round(settings.points * _POOL), max(settings.points, int(store.lengths.min())))
        self.prepare = Preparation(loaded, store_layout(store), self.device, renormalise=True)
        self.resample = RandomResample(settings.points)
        self.augment = Policy(RandomAnisotropicScale(layout=loaded.layout), RandomTranslation(0.2))

    def clean(self, rows: NDArray[np.int64]) -> Iterator[Tensor]:
        """The first points of these items, in batches."""
        for part in self._parts(rows):
            yield self.prepare.inputs(self._read(part, self.points))

    def varied(self, rows: NDArray[np.int64], generator: torch.Generator) -> Iterator[Tensor]:
        """Random points, scales and places of these items, in batches."""
        for part in self._parts(rows):
            yield self.vary(part, generator)

    def vary(self, rows: NDArray[np.int64], generator: torch.Generator) -> Tensor:
        """One batch of `varied`: (B, points, C)."""
        clouds = self._read(rows, self.pool)
        return self.augment(self.prepare.inputs(self.resample(clouds, generator=generator)), generator=generator)

    def _read(self, rows: NDArray[np.int64], count: int) -> Tensor:
        clouds = np.stack([filled(self.store.rows(int(row), 0, count), count) for row in rows])
        return torch.from_numpy(clouds).to(self.device)

    def _parts(self, rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        for start in range(0, len(rows), self.batch_size):
            yield rows[start : start + self.batch_size]


def _finetuned(
    loaded: "LoadedPointEncoder",
    views: _Views,
    assignment: Assignment,
    settings: FinetuneSettings,
    *,
    seed: int,
    shown: tqdm,
    file: Path | None,
) -> Finetuned:
    """One training: a head on a copy of the encoder, and the weights of the epoch that is best on validation."""
    fit, choose = _labelled(assignment, settings, seed)
    device = views.device
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(_seed(seed, "head and dropout"))
        classifier = _classifier(loaded, len(assignment.classes), settings).to(device)
        training = _Training(classifier, views, assignment, settings, len(fit), seed)
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


def _seed(seed: int, purpose: str) -> int:
    """A seed of its own for every purpose: generators of one seed give the same numbers."""
    return int.from_bytes(hashlib.sha256(f"{seed} {purpose}".encode()).digest()[:4], "little")


def _name(
    loaded: "LoadedPointEncoder", store: Store, settings: FinetuneSettings, seed: int, device: str | torch.device
) -> str:
    """Of the file that holds one training, by all that decides it."""
    deciding = {name: value for name, value in asdict(settings).items() if name not in ("repeats", "votes")}
    decides = [loaded.sha256, loaded.up, store.content_hash, deciding, seed, torch.device(device).type]
    return f"finetune-{hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:32]}.pt"


class _Training:
    """Optimiser, rate, random state and best weights of one training."""

    def __init__(
        self,
        classifier: nn.Module,
        views: _Views,
        assignment: Assignment,
        settings: FinetuneSettings,
        items: int,
        seed: int,
    ) -> None:
        self.classifier, self.views, self.settings, self.seed = classifier, views, settings, seed
        self.targets = torch.from_numpy(assignment.targets).to(views.device)
        self.optimiser = torch.optim.AdamW(_groups(classifier, settings.weight_decay), lr=settings.learning_rate)
        self.order = torch.Generator().manual_seed(_seed(seed, "order"))
        self.generator = torch.Generator(device=views.device).manual_seed(_seed(seed, "views"))
        self.step, self.epoch = 0, 0
        self.best, self.best_accuracy, self.best_epoch = classifier.state_dict(), -1.0, 0
        self.steps_an_epoch = len(_batches(np.arange(items), settings.batch_size))

    def run_epoch(self, rows: NDArray[np.int64], shown: tqdm) -> None:
        """One shuffled pass over the labelled rows."""
        self.classifier.train()
        self.epoch += 1
        healthy = torch.ones((), dtype=torch.bool, device=self.views.device)
        shuffled = rows[torch.randperm(len(rows), generator=self.order).numpy()]
        for part in _batches(shuffled, self.settings.batch_size):
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
        self._set_rate()
        logits = self.classifier(self.views.vary(rows, self.generator))
        loss = functional.cross_entropy(logits, self.targets[rows])
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.classifier.parameters(), self.settings.gradient_clip)
        self.optimiser.step()
        return loss.detach()

    def _set_rate(self) -> None:
        every = self.steps_an_epoch
        rate = learning_rate_at(
            self.step,
            self.settings.epochs * every,
            warmup=self.settings.warmup_epochs * every,
            highest=self.settings.learning_rate,
        )
        for group in self.optimiser.param_groups:
            group["lr"] = rate


def _classifier(loaded: "LoadedPointEncoder", classes: int, settings: FinetuneSettings) -> nn.Sequential:
    """A copy of the encoder and a new head: two hidden layers with batch norm and dropout, as Point-MAE's."""
    encoder = copy.deepcopy(loaded.encoder).float().requires_grad_(True)
    layers: list[nn.Module] = []
    for inputs in (encoder.embedding_size(), _HIDDEN):
        layers += [nn.Linear(inputs, _HIDDEN), nn.BatchNorm1d(_HIDDEN), nn.ReLU(), nn.Dropout(settings.dropout)]
    return nn.Sequential(encoder, *layers, nn.Linear(_HIDDEN, classes))


def _groups(classifier: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters with and without weight decay: biases and scales of norms go without."""
    weights = [parameter for parameter in classifier.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in classifier.parameters() if parameter.ndim <= 1]
    return [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def _labelled(
    assignment: Assignment, settings: FinetuneSettings, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to train on and rows to choose on; a share of each class of both where not all labels are used."""
    fit, choose = assignment.parts(seed=seed)
    if settings.label_share == 1:
        return fit, choose
    few = FewShotSettings(share=settings.label_share)
    return draw(replace(assignment, train=fit), few, seed=seed), draw(replace(assignment, train=choose), few, seed=seed)


def _batches(rows: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    """Batches of at least two: batch norm needs something to compare with, so a last one alone joins the others."""
    starts = list(range(0, len(rows), size))
    if len(starts) > 1 and len(rows) - starts[-1] == 1:
        starts.pop()
    return [rows[start:stop] for start, stop in zip(starts, [*starts[1:], len(rows)], strict=True)]


@torch.no_grad()
def _logits(classifier: nn.Module, batches: Iterator[Tensor]) -> Tensor:
    """(m, classes) in eval mode."""
    classifier.eval()
    return torch.cat([classifier(batch) for batch in batches])


def _accuracy(classifier: nn.Module, views: _Views, rows: NDArray[np.int64], targets: NDArray[np.int64]) -> float:
    found = _logits(classifier, views.clean(rows)).argmax(dim=1).cpu().numpy()
    return float((found == targets[rows]).mean())


def _voted(
    classifier: nn.Module, views: _Views, rows: NDArray[np.int64], votes: int, *, seed: int
) -> NDArray[np.int64]:
    """(m,) class ids by the mean logits of several varied views."""
    generator = torch.Generator(device=views.device).manual_seed(_seed(seed, "votes"))
    total = _logits(classifier, views.varied(rows, generator))
    for _ in range(votes - 1):
        total += _logits(classifier, views.varied(rows, generator))
    return total.argmax(dim=1).cpu().numpy()


def _details(runs: list[Finetuned], seeds: list[int], settings: FinetuneSettings) -> FinetuneDetails:
    return FinetuneDetails(
        valid_accuracy=float(np.mean([run.valid_accuracy for run in runs])),
        epochs=[run.epoch for run in runs],
        labelled=[list(run.labelled) for run in runs],
        seeds=seeds,
        settings={"probe": "finetune", **asdict(settings)},
    )


def _how(name: str, settings: FinetuneSettings) -> str:
    share = "" if settings.label_share == 1 else f" on {100 * settings.label_share:g} % of the labels"
    votes = f", mean of {settings.votes} votes" if name == "finetune-vote" else ""
    return f"fine-tuned{share} for {settings.epochs} epochs, the best on validation{votes}"
