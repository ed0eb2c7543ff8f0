"""The settings of a training: what each one means, and the values it takes."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from randquant.cli.ranges import SEEDS, Range, check_ranges, check_rising
from randquant.cli.sections import Sections
from randquant.precision import Precision
from randquant.quantizers.choices import MOST_BINS
from randquant.ssl.choices import Head, Negatives, Schedule
from randquant.ssl.registry import MethodName
from randquant.training.loggers.registry import LoggerName, check_installed
from randquant.training.optimization.schedule import RateSchedule
from randquant.training.sections import SECTIONS

if TYPE_CHECKING:
    from randquant.weights.start import Start

RANGES = {
    "steps": Range(0, 10**9),
    "epochs": Range(1, 10**9),
    "batch_size": Range(1, 2**20),
    "accumulate": Range(1, 2**20),
    "learning_rate": Range(0, 1e6, above=True),
    "weight_decay": Range(0, 1e6),
    "sgd_momentum": Range(0, 1),
    "milestones": Range(0, 1),
    "bn_splits": Range(1, 2**12),
    "warmup_steps": Range(0, 10**9),
    "momentum": Range(0, 1),
    "temperature": Range(0, 1e6, above=True),
    "queue_size": Range(1, 2**24),
    "group_weight": Range(0, 1),
    "hidden_size": Range(1, 2**17),
    "projection_size": Range(1, 2**17),
    "base_width": Range(1, 2**14),
    "base_hidden_size": Range(1, 2**15),
    "mix_alpha": Range(0, 1e6, above=True),
    "inputmix": Range(0, 64),
    "inputmix_alpha": Range(0, 1e6, above=True),
    "local_weight": Range(0, 1e6),
    "rq_stage_bins": Range(2, MOST_BINS),
    "gradient_clip": Range(0, 1e12),
    "average_decay": Range(0, 1),
    "devices": Range(1, 1024),
    "nodes": Range(1, 2**16),
    "workers": Range(0, 1024),
    "seed": SEEDS,
    "log_every": Range(1, 10**12),
    "checkpoint_every": Range(1, 10**12),
    "monitor_every": Range(1, 10**12),
    "snapshot_every": Range(0, 10**12),
}


@dataclass
class Training:
    """How long and how to train.

    Args:
        out: folder of the run; an unfinished run there is continued.
        init: weights to start from instead of untrained ones: a run, a file of weights, or hf://owner/name. Encoder,
            front end and statistics are theirs; a setting that contradicts them is refused.
        init_sha256: of these weights; others are refused. RUN/config.yaml has it.
        keep: with init, what RUN/encoder.safetensors is: best (the default there), a quarter of the way from the start
            to the end where that is better on items set aside, without labels, else the start; or last, the end.
            RUN/candidates.csv lists what was compared.
        method: byol (momentum teacher, no negatives), mocov3 (teacher, negatives in the batch), moco (teacher,
            negatives in a queue), simclr (negatives in the batch, no teacher, about half the work per step) or infonce
            (simclr with the other view's negatives alone).
        steps: optimiser steps; 0 means by epochs. A finished run of a constant schedule goes on where it is asked for
            more.
        epochs: passes over the data, if steps is 0.
        batch_size: items per step, over all devices.
        accumulate: micro-batches in which a step's items pass the networks one after the other, to save memory. The
            views and, with a loss for each item (byol), the gradient stay those of the whole batch; batch norm sees a
            micro-batch at a time, and so do the negatives of simclr, infonce and mocov3, which become fewer.
        optimizer: adamw, sgd or lars (sgd with a rate a layer, in proportion to the norm of its weights).
        learning_rate: the peak rate as it is used. Where a paper gives the rate of a batch of 256, multiply it by
            batch_size / 256.
        weight_decay: of adamw, decoupled (0 is plain Adam); of sgd and lars, added to the gradient, by lars not to that
            of biases and norms.
        sgd_momentum: of sgd and lars.
        warmup_steps: steps over which the rate rises linearly from zero.
        schedule: the rate after warm-up: constant, falling to zero along half a cosine, or, with step, to a tenth at
            each milestone.
        milestones: of the schedule step, shares of the training; 0.6 0.8 are the epochs 120 and 160 of 200.
        momentum: of the teacher.
        momentum_schedule: constant, or rising to 1 along half a cosine.
        temperature: of all methods but byol.
        head: projector and predictor: byol (linear, batch norm, ReLU, linear), linear (MoCo v1), mocov2 (without batch
            norm), mocov3 (batch norm at the end too, for ResNets) or mocov3_vit (with a third layer).
        symmetric_loss: of moco: every view is query and key; false as published, at half the work.
        bn_splits: of moco: parts of a device's batch that batch norm sees one by one, as if on so many GPUs, the
            teacher's shuffled; they divide it.
        queue_size: of moco: keys kept as negatives; well below twice the items of an epoch.
        negatives: of simclr and infonce: batch, every other item; or group, only other parts of the same recording or
            object, so that what they share (speaker, room, object) does not distinguish them; or mixed, the mean of
            both losses, which knows recordings as well as their parts.
        group_weight: of the loss of group in that of negatives mixed; the rest is that of batch.
        hidden_size: width of projector and predictor.
        projection_size: output of the projector.
        parametrization: standard, or mup (maximal update): rates and initial sizes follow the widths, so that a
            learning rate found on a narrow network holds for wide ones; needs the package mup.
        base_width: with mup, the encoder's width at which it is as in the standard parametrization.
        base_hidden_size: with mup, the same for the hidden layers of projector and predictor.
        mix: i-Mix: mixup averages each item of a view with another one of the batch, cutmix replaces a part of it, and
            the labels are mixed alike; none does not. Queries alone are mixed.
        mix_alpha: of Beta(alpha, alpha), from which each item's share is drawn, the larger part its own.
        mix_layer: input, a stage of the encoder, embedding, or several joined by +, one of which a step draws.
        mix_symmetric: mix every view in turn, not the first of every two alone.
        inputmix: further items mixed into each one of every view, at most half of it, whose labels stay; 0 does not.
        inputmix_alpha: of the Dirichlet distribution of their shares.
        local_weight: of local views in the loss.
        rq_stage: stage of the encoder whose features are quantized while it trains, straight-through; or input, where
            student and teacher see other bins of one view.
        rq_stage_bins: bins there: one number, or the lowest and highest of a range.
        views: policies of the views, two to eight, instead of two views by --augment: names, augmentations joined by +,
            YAML files, or in full, as in '{augment: rrc, random: {n: 2, m: 9}}'; local: true in one makes its view a
            local one, which the teacher does not see.
        gradient_clip: maximum gradient norm; 0 means no clipping.
        average_decay: export an exponential moving average of the encoder's weights, of which each step keeps this
            share; .999 averages over about a thousand steps. 0 exports the weights as they are.
        precision: 32, bf16, or auto (bf16 where the hardware computes it fast).
        accelerator: auto, cpu or cuda.
        devices: processes per node (DDP if more than one).
        nodes: computers that train together.
        workers: loader processes per device; 0 reads in a thread of the training process.
        seed: of weights, items, crops and augmentations.
        logger: where numbers go: csv (RUN/log.csv, written always), tensorboard (RUN/tensorboard), wandb, mlflow and
            trackio; several may be named. One that fails ends no training; a resumed run goes on with the same ones.
        log_every: steps between rows of log.csv.
        checkpoint_every: steps between checkpoints.
        monitor_every: steps between kNN evaluations, with --monitor.
        snapshot_every: steps between saved encoders, RUN/snapshots/encoder-<step>.safetensors; 0 keeps none.
    """

    SECTIONS: ClassVar[Sections] = SECTIONS
    # Of settings that augmentations alone use: the names of these.
    USED_BY: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    out: Path
    method: MethodName = "byol"
    steps: int = 0
    epochs: int = 100
    batch_size: int = 256
    accumulate: int = 1
    optimizer: Literal["adamw", "sgd", "lars"] = "adamw"
    learning_rate: float = 3e-4
    weight_decay: float = 0.0
    sgd_momentum: float = 0.9
    warmup_steps: int = 0
    schedule: RateSchedule = "constant"
    milestones: list[float] = field(default_factory=lambda: [0.6, 0.8])
    momentum: float = 0.99
    momentum_schedule: Schedule = "constant"
    temperature: float = 0.2
    head: Head = "byol"
    symmetric_loss: bool = True
    bn_splits: int = 1
    queue_size: int = 4096
    negatives: Negatives = "batch"
    group_weight: float = 0.5
    hidden_size: int = 4096
    projection_size: int = 256
    parametrization: Literal["standard", "mup"] = "standard"
    base_width: int = 64
    base_hidden_size: int = 256
    mix: Literal["none", "mixup", "cutmix"] = "none"
    mix_alpha: float = 1.0
    mix_layer: str = "input"
    mix_symmetric: bool = False
    inputmix: int = 0
    inputmix_alpha: float = 1.0
    local_weight: float = 0.5
    rq_stage: str | None = None
    rq_stage_bins: list[int] = field(default_factory=lambda: [8])
    views: list[str | dict[str, Any]] = field(default_factory=list)
    gradient_clip: float = 0.0
    average_decay: float = 0.0
    precision: Precision = "auto"
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    devices: int = 1
    nodes: int = 1
    workers: int = 0
    seed: int = 42
    logger: list[LoggerName] = field(default_factory=lambda: ["csv", "tensorboard"])
    log_every: int = 20
    checkpoint_every: int = 200
    monitor_every: int = 500
    snapshot_every: int = 0
    init: str | None = None
    init_sha256: str | None = None
    keep: Literal["best", "last"] = "last"

    def __post_init__(self) -> None:
        self.out = Path(self.out)
        if self.init is not None and self.init_sha256 is None:
            raise ValueError(f"init={self.init!r} brings settings of its own; make yours by completed().")
        if self.init is None and self.keep == "best":
            raise ValueError("--keep best compares a training with the weights of --init; give these, or leave it out.")
        check_ranges(self, RANGES)
        check_rising(self, "rq_stage_bins")
        check_installed(self.logger)
        if self.mix == "none" and (self.mix_layer != "input" or self.mix_symmetric):
            raise ValueError("--mix_layer and --mix_symmetric say how --mix mixes; give --mix mixup or cutmix.")
        processes = self.devices * self.nodes
        if self.batch_size // processes < 2:
            raise ValueError(
                f"--batch_size should be at least {2 * processes}, two items a device, got {self.batch_size}."
            )
        local = self.batch_size // processes
        if local % self.accumulate or local // self.accumulate < 2:
            raise ValueError(
                f"--accumulate {self.accumulate} should divide the {local} items that --batch_size gives a device into "
                "equal micro-batches of at least two items."
            )
        if self.inputmix >= local:
            raise ValueError(
                f"--inputmix {self.inputmix} needs as many other items, and --batch_size gives a device {local}; "
                "lower it."
            )
        self._check_optimizer()
        self._check_moco(local // self.accumulate)

    @classmethod
    def completed(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of the settings, and beside `init` those that its weights bring.

            AudioPretraining(**AudioPretraining.completed({"out": "RUN", "data": ["STORE"], "init": "WEIGHTS"}))

        Raises:
            DataError: the weights cannot be opened, or are of another modality.
            UsageError: they cannot be trained.
        """
        if given.get("init") is None:
            return dict(given)
        from randquant.weights.start import completed  # late, since it loads torch

        return completed(given, cls.open_start)

    @staticmethod
    def open_start(name: str) -> "Start[Any]":
        """Weights to start from, a run, a file or an address of the Hub, as `init` says them."""
        raise NotImplementedError

    def _check_optimizer(self) -> None:
        if self.parametrization == "mup" and self.init is not None:
            raise ValueError(
                "--parametrization mup gives untrained weights their size, and those of --init are learnt; leave out "
                "one of the two."
            )
        if self.parametrization == "mup" and self.optimizer == "lars":
            raise ValueError("--parametrization mup has no rates for --optimizer lars; give adamw or sgd.")
        if self.average_decay == 1.0:
            raise ValueError("--average_decay should be below 1, at which the average stays as untrained as it begins.")
        if self.sgd_momentum == 1.0:
            raise ValueError("--sgd_momentum should be below 1, at which steps never end.")
        if self.milestones != sorted(self.milestones):
            shown = " ".join(map(str, self.milestones))
            raise ValueError(f"--milestones should be shares of the training in rising order, got {shown}.")

    def _check_moco(self, items: int) -> None:
        """Of its own settings, for a micro-batch of so many items."""
        if self.method != "moco" and (self.bn_splits > 1 or not self.symmetric_loss):
            raise ValueError(f"--bn_splits and --symmetric_loss are settings of --method moco, got {self.method}.")
        if items % self.bn_splits or items // self.bn_splits < 2:
            raise ValueError(
                f"--bn_splits {self.bn_splits} should divide the {items} items that pass a device's networks at once "
                "into equal parts of at least two items."
            )


def store_paths(data: Sequence[str | Path]) -> list[Path]:
    """The stores that `--data` names.

    Raises:
        ValueError: there is none.
    """
    if not data:
        raise ValueError("--data must name at least one store.")
    return [Path(store) for store in data]


def plain_settings(settings: Training) -> dict[str, Any]:
    """The settings as YAML and checkpoints hold them: paths as strings, tuples as lists."""
    return {name: _plain(value) for name, value in asdict(settings).items()}


def plain_defaults(settings: Training) -> dict[str, Any]:
    """The defaults in the same form: what a run had for a setting that is newer than its checkpoint."""
    made = {each.name: each.default_factory() for each in fields(settings) if each.default_factory is not MISSING}
    given = {each.name: each.default for each in fields(settings) if each.default is not MISSING}
    return {name: _plain(value) for name, value in (given | made).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
