"""The training loop, for any modality: bytes -> device -> views -> method -> step, readable from top to bottom.

What one step does depends on the settings and the step's number alone: which items and bytes are read, and every
random draw, are functions of (seed, step, process). So a run that was killed and started again ends with the very bits
of one that was not.
"""

import logging
import math
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import torch
import yaml
from torch import Tensor, nn
from tqdm import tqdm

from randquant.allocator import keep_freed_memory
from randquant.atomic import write_text
from randquant.batches import Batches, Source, each_tensor
from randquant.checkpoint import check_same_settings, load_checkpoint, save_checkpoint
from randquant.collapse import effective_rank, spread
from randquant.errors import DataError, UsageError
from randquant.methods import BYOL, InfoNCE, MoCo, MoCoV3, Negatives
from randquant.momentum import Schedule, momentum_at
from randquant.progress import bar
from randquant.run_log import RunLog
from randquant.views import View

if TYPE_CHECKING:
    from lightning_fabric import Fabric

# Settings that change where and how a run is done, but not its result.
FREE_SETTINGS = {
    "out",
    "data",
    "monitor",
    "workers",
    "checkpoint_every",
    "log_every",
    "monitor_every",
    "snapshot_every",
}
MethodName = Literal["byol", "mocov3", "moco", "simclr", "infonce"]
Method = BYOL | MoCoV3 | MoCo | InfoNCE
COLLAPSED = 0.05  # `spread` below this is reported


@dataclass
class Training:
    """How long and how to train.

    Args:
        out: folder of the run; an unfinished run there is continued.
        method: byol (momentum teacher, no negatives), mocov3 (teacher, negatives in the batch), moco (teacher,
            negatives in a queue), simclr (negatives in the batch, no teacher, about half the work a step) or infonce
            (simclr with the other view's negatives alone).
        steps: optimiser steps; 0 means by epochs.
        epochs: passes over the data, used where steps is 0.
        batch_size: items a step, over all devices.
        learning_rate: Adam's learning rate at its highest.
        weight_decay: decoupled weight decay (AdamW); 0 is plain Adam.
        warmup_steps: steps over which the rate rises linearly from zero.
        schedule: the rate after warm-up, constant or falling to zero along half a cosine.
        momentum: of the teacher.
        momentum_schedule: constant, or rising to 1 along half a cosine.
        temperature: of all methods but byol.
        queue_size: of moco: keys kept as negatives; well below twice the items of an epoch.
        negatives: of simclr and infonce: batch, every other item; or group, only other parts of the same recording or
            object, so that what its parts share (speaker, room, object) is not what they are told apart by.
        hidden_size: width of projector and predictor.
        projection_size: output of the projector.
        gradient_clip: largest norm of the gradient; 0 means no clipping.
        precision: 32, bf16, or auto (bf16 where the hardware computes it fast).
        accelerator: auto, cpu or cuda.
        devices: processes of one node (DDP where more than one).
        nodes: machines.
        workers: loader processes a device; 0 reads in a thread of the training process.
        seed: of weights, items, crops and augmentations.
        log_every: steps between rows of log.csv.
        checkpoint_every: steps between checkpoints.
        monitor_every: steps between evaluations by kNN where --monitor is given.
        snapshot_every: steps between kept encoders, RUN/snapshots/encoder-<step>.safetensors; 0 keeps none.
    """

    out: Path
    method: MethodName = "byol"
    steps: int = 0
    epochs: int = 100
    batch_size: int = 256
    learning_rate: float = 3e-4
    weight_decay: float = 0.0
    warmup_steps: int = 0
    schedule: Schedule = "constant"
    momentum: float = 0.99
    momentum_schedule: Schedule = "constant"
    temperature: float = 0.2
    queue_size: int = 4096
    negatives: Negatives = "batch"
    hidden_size: int = 4096
    projection_size: int = 256
    gradient_clip: float = 0.0
    precision: Literal["auto", "32", "bf16"] = "auto"
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    devices: int = 1
    nodes: int = 1
    workers: int = 0
    seed: int = 42
    log_every: int = 20
    checkpoint_every: int = 200
    monitor_every: int = 500
    snapshot_every: int = 0

    def __post_init__(self) -> None:
        self.out = Path(self.out)
        for name in (
            "batch_size",
            "epochs",
            "queue_size",
            "devices",
            "nodes",
            "log_every",
            "checkpoint_every",
            "monitor_every",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name} should be at least 1, got {getattr(self, name)}.")
        for name in ("steps", "workers", "warmup_steps", "snapshot_every", "gradient_clip", "weight_decay", "seed"):
            if getattr(self, name) < 0:
                raise ValueError(f"--{name} should not be negative, got {getattr(self, name)}.")
        for name in ("learning_rate", "temperature"):
            if not getattr(self, name) > 0:
                raise ValueError(f"--{name} should be positive, got {getattr(self, name)}.")
        if not 0.0 <= self.momentum <= 1.0:
            raise ValueError(f"--momentum should be in [0, 1], got {self.momentum}.")
        if self.batch_size // (self.devices * self.nodes) < 2:
            raise ValueError(
                f"--batch_size {self.batch_size} leaves fewer than two items for each of {self.devices * self.nodes} "
                "devices; raise it."
            )


class MakeViews(Protocol):
    """An `nn.Module` from a raw batch on the device to the method's views; its state (a mixing bank) is kept."""

    def __call__(self, batch: Any, *, generator: torch.Generator) -> Sequence[View]:
        """Views of the batch, drawn from `generator`."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> Any: ...
    def to(self, device: torch.device) -> Any: ...


@dataclass
class Task:
    """What a modality brings to the loop.

    Attributes:
        source: raw batches.
        make_views: raw batch -> views, a module on the device.
        encoder: what is trained, a view of B items -> (B, embedding_size).
        embedding_size: D.
        save_encoder: called with (path, encoder, step) to export.
        monitor: called with (encoder in eval mode, device); gives named numbers for the log, such as kNN accuracy.
        data: what identifies the data, such as content hashes; a run continues only on the same.
    """

    source: Source
    make_views: MakeViews
    encoder: nn.Module
    embedding_size: int
    save_encoder: Callable[[Path, nn.Module, int], None]
    monitor: Callable[[nn.Module, torch.device], dict[str, float]] | None
    data: dict[str, Any]


def pretrain(settings: Training, build: Callable[[torch.device], Task]) -> Path:
    """Train, or go on training, until `settings` is fulfilled; the result is `settings.out/encoder.safetensors`.

    Args:
        settings: how; see `Training`.
        build: makes the task once the device is known and the seed is set.

    Returns:
        Path of the exported encoder.

    Raises:
        UsageError: the run's folder holds a run with other settings, or the data are fewer than a batch.
        DataError: the loss stopped being finite; the last checkpoint is kept.
    """
    finished = settings.out / "encoder.safetensors"
    keep_freed_memory()
    fabric = _fabric(settings)
    fabric.launch()
    state = _stored_state(settings)  # before the task is built, which can take minutes
    if fabric.is_global_zero and state is None:
        _refuse_other_folder(settings.out)
    torch.manual_seed(settings.seed)
    task = build(fabric.device)
    if state is not None and state["data"] != task.data:
        raise UsageError(f"{settings.out} holds a run on other data; give its --data or choose another --out.")
    if finished.exists():
        if state is None:
            raise UsageError(f"{finished} exists without its checkpoint.pt; choose another --out to train anew.")
        _say(fabric, f"{settings.out} is finished already; choose another --out to train anew.")
        _announce(fabric, finished)
        return finished

    method = _method(settings, task)
    optimizer = torch.optim.AdamW(_trained(method), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    model, optimizer = fabric.setup(_channels_last(method), optimizer)
    make_views = task.make_views.to(fabric.device)
    batches = Batches(
        task.source,
        settings.batch_size,
        seed=settings.seed,
        rank=fabric.global_rank,
        world=fabric.world_size,
        workers=settings.workers,
        pin=fabric.device.type == "cuda",
    )
    if settings.method == "moco" and settings.queue_size > len(task.source):
        _say(
            fabric,
            f"warning: a queue of {settings.queue_size:,} keys holds earlier views of each of the "
            f"{len(task.source):,} items, as if they were others; lower --queue_size to half of the items or less.",
        )
    steps = settings.steps or settings.epochs * batches.steps_an_epoch
    start = 0
    if state is not None:
        start = state["step"]
        method.load_state_dict(state["method"])
        optimizer.load_state_dict(state["optimizer"])
        make_views.load_state_dict(_to_device(state["views"][fabric.global_rank], fabric.device))
        _compare_threads(fabric, state)
    _begin(fabric, settings, batches, start, steps)

    log = RunLog(settings.out, start, enabled=fabric.is_global_zero)
    generator = torch.Generator(device=fabric.device)
    healthy = torch.ones((), dtype=torch.bool, device=fabric.device)
    with _stop_on_signal() as stop, _bar(settings, steps, start, fabric) as shown, log:
        for step, (batch, groups) in enumerate(batches.between(start, steps), start + 1):
            _seed_step(settings.seed, step, fabric.global_rank, generator)
            _set_learning_rate(optimizer, learning_rate_at(step, steps, settings))
            with torch.no_grad():
                raw = each_tensor(batch, lambda part: part.to(fabric.device, non_blocking=True))
                views = make_views(raw, generator=generator)
            loss, projections = model(views, groups.to(fabric.device, non_blocking=True))
            fabric.backward(loss)
            if settings.gradient_clip:
                fabric.clip_gradients(model, optimizer, max_norm=settings.gradient_clip, error_if_nonfinite=False)
            optimizer.step()
            optimizer.zero_grad()
            method.after_step(momentum_at(step, steps, base=settings.momentum, schedule=settings.momentum_schedule))

            healthy &= loss.detach().isfinite()
            last = step == steps
            logging, saving = (last or step % every == 0 for every in (settings.log_every, settings.checkpoint_every))
            stopping = (logging or fabric.world_size == 1) and _any_process(fabric, stop.is_set())
            if logging or saving or stopping:
                _check_finite(healthy, step, settings)
            if logging:
                log.row(step, _measured(loss.detach(), projections, optimizer))
                shown.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
            if task.monitor is not None and (last or step % settings.monitor_every == 0):
                log.row(step, _monitored(task, method, fabric))
            if settings.snapshot_every and step % settings.snapshot_every == 0 and fabric.is_global_zero:
                task.save_encoder(settings.out / "snapshots" / f"encoder-{step:07d}.safetensors", method.encoder, step)
            if saving or stopping:
                _save(fabric, settings, task.data, step, method, optimizer, make_views)
            shown.update(settings.batch_size)
            if stopping and not last:
                raise KeyboardInterrupt
    if fabric.is_global_zero:
        task.save_encoder(finished, method.encoder, steps)
    fabric.barrier()
    _announce(fabric, finished)
    return finished


def learning_rate_at(step: int, steps: int, settings: Training) -> float:
    """The rate of step 1..steps: linear warm-up, then constant or half a cosine down to zero."""
    if step <= settings.warmup_steps:
        return settings.learning_rate * step / settings.warmup_steps
    if settings.schedule == "constant":
        return settings.learning_rate
    done = (step - settings.warmup_steps) / max(steps - settings.warmup_steps, 1)
    return settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * done))


def _fabric(settings: Training) -> "Fabric":
    from lightning_fabric import Fabric  # two seconds to import: --help should not wait for it

    from randquant.precision import precision_of

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # what it would announce, _begin says

    accelerator = settings.accelerator
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    if accelerator == "cuda" and torch.cuda.device_count() < settings.devices:
        raise UsageError(
            f"--devices {settings.devices} were asked for but {torch.cuda.device_count()} CUDA devices are here; "
            "lower it or use --accelerator cpu."
        )
    precision = settings.precision
    if precision == "auto":
        precision = "bf16" if bf16_is_fast(accelerator) else "32"
    return Fabric(
        accelerator=accelerator,
        devices=settings.devices,
        num_nodes=settings.nodes,
        strategy="ddp" if settings.devices * settings.nodes > 1 else "auto",
        plugins=[precision_of(precision, accelerator)],
    )


def bf16_is_fast(accelerator: str) -> bool:
    """Whether the processor multiplies bfloat16 in hardware."""
    if accelerator == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def _method(settings: Training, task: Task) -> Method:
    sizes = (task.embedding_size, settings.hidden_size, settings.projection_size)
    temperature = settings.temperature
    if settings.method == "byol":
        return BYOL(task.encoder, *sizes)
    if settings.method == "mocov3":
        return MoCoV3(task.encoder, *sizes, temperature=temperature)
    if settings.method == "moco":
        return MoCo(task.encoder, *sizes, temperature=temperature, queue_size=settings.queue_size)
    same_view = settings.method == "simclr"
    return InfoNCE(task.encoder, *sizes, temperature=temperature, negatives=settings.negatives, same_view=same_view)


def _channels_last(method: Method) -> Method:
    """Store convolution weights as the fast bf16 kernels of CPU and GPU want them."""
    return method.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _trained(method: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in method.parameters() if parameter.requires_grad]


def _seed_step(seed: int, step: int, rank: int, generator: torch.Generator) -> None:
    """Give a step its own randomness: `generator` for the views, the global one for dropout, which takes no other."""
    numbers = np.random.SeedSequence([seed, step, rank]).generate_state(2, np.uint64)
    generator.manual_seed(int(numbers[0]))
    torch.manual_seed(int(numbers[1]) >> 1)


def _set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _check_finite(healthy: Tensor, step: int, settings: Training) -> None:
    if bool(healthy):
        return
    kept = settings.out / "checkpoint.pt"
    where = f"the last good state is in {kept}" if kept.exists() else "no checkpoint had been written yet"
    raise DataError(
        f"the loss stopped being finite at or before step {step}; {where}; lower --learning_rate, "
        "set --gradient_clip 1 or use --precision 32, with another --out."
    )


def _measured(loss: Tensor, projections: Tensor, optimizer: torch.optim.Optimizer) -> dict[str, float]:
    wide = spread(projections)
    if float(wide) < COLLAPSED:
        print(f"warning: projections have nearly collapsed (spread {float(wide):.4f})", file=sys.stderr)
    return {
        "loss": float(loss),
        "learning_rate": optimizer.param_groups[0]["lr"],
        "spread": float(wide),
        "effective_rank": float(effective_rank(projections[:512])),
    }


def _monitored(task: Task, method: Method, fabric: "Fabric") -> dict[str, float]:
    """Evaluate the encoder as it stands. Only the first process does; the others wait at the next collective."""
    if task.monitor is None or not fabric.is_global_zero:
        return {}
    method.encoder.eval()
    with torch.no_grad():
        numbers = task.monitor(method.encoder, fabric.device)
    method.encoder.train()
    return numbers


def _any_process(fabric: "Fabric", flag: bool) -> bool:
    if fabric.world_size == 1:
        return flag
    return bool(fabric.all_reduce(torch.tensor(float(flag), device=fabric.device), reduce_op="sum"))


def _save(
    fabric: "Fabric",
    settings: Training,
    data: dict[str, Any],
    step: int,
    method: nn.Module,
    optimizer: torch.optim.Optimizer,
    make_views: MakeViews,
) -> None:
    views: list[Any] = [make_views.state_dict()]
    if fabric.world_size > 1:
        views = [None] * fabric.world_size
        torch.distributed.all_gather_object(views, make_views.state_dict())
    if fabric.is_global_zero:
        state = {"method": method.state_dict(), "optimizer": optimizer.state_dict(), "views": views}
        about = {"step": step, "settings": _plain(settings), "data": data, "threads": torch.get_num_threads()}
        save_checkpoint(settings.out / "checkpoint.pt", {**about, **state})
    fabric.barrier()


def _stored_state(settings: Training) -> dict[str, Any] | None:
    """The run's last checkpoint, None if there is none; refused where the settings are others."""
    path = settings.out / "checkpoint.pt"
    if not path.exists():
        return None
    state = load_checkpoint(path)
    check_same_settings(state["settings"], _plain(settings), free=FREE_SETTINGS, run=settings.out)
    return state


def _begin(fabric: "Fabric", settings: Training, batches: Batches, start: int, steps: int) -> None:
    if not fabric.is_global_zero:
        return
    write_text(settings.out / "config.yaml", yaml.safe_dump(_plain(settings), sort_keys=False))
    origin = f"going on after step {start}" if start else "starting"
    _say(
        fabric,
        f"{settings.out}: {origin}; {steps} steps of {settings.batch_size} "
        f"({steps / batches.steps_an_epoch:.1f} epochs of {len(batches.source)} items), "
        f"{settings.method}, precision {fabric._precision.precision}, {fabric.world_size} x {fabric.device.type}",
    )


def _compare_threads(fabric: "Fabric", state: dict[str, Any]) -> None:
    """Say that sums on a CPU are taken in another order than they would have been without the interruption."""
    before, now = state.get("threads", 0), torch.get_num_threads()
    if fabric.device.type == "cpu" and before not in (0, now):
        _say(
            fabric,
            f"note: so far the run had {before} threads, now {now}, so its weights will differ in the last digits from "
            f"those of an uninterrupted run; OMP_NUM_THREADS={before} keeps them the same.",
        )


def _refuse_other_folder(out: Path) -> None:
    """Refuse to write a run among files that are none, such as those of a store."""
    if out.is_dir() and any(out.iterdir()) and not (out / "config.yaml").exists():
        raise UsageError(f"{out} is not empty and holds no run; choose another --out.")


def _plain(settings: Training) -> dict[str, Any]:
    """The settings as YAML and checkpoints hold them: paths as strings, tuples as lists."""

    def plain(value: Any) -> Any:
        if isinstance(value, Path):
            return str(value)
        return [plain(item) for item in value] if isinstance(value, list | tuple) else value

    return {name: plain(value) for name, value in asdict(settings).items()}


def _to_device(state: dict[str, Any], device: torch.device) -> dict[str, Any]:
    return {name: value.to(device) if isinstance(value, Tensor) else value for name, value in state.items()}


def _announce(fabric: "Fabric", encoder: Path) -> None:
    if fabric.is_global_zero:
        print(f"encoder: {encoder}")


def _say(fabric: "Fabric", text: str) -> None:
    if fabric.is_global_zero:
        print(text, file=sys.stderr)


@contextmanager
def _stop_on_signal() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C or SIGTERM into a flag, so that the step ends and is saved; a second one stops at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def request(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for number in previous:
        signal.signal(number, request)
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def _bar(settings: Training, steps: int, start: int, fabric: "Fabric") -> Iterator[Any]:
    shown: tqdm[Any] = bar(
        label=settings.out.name,
        unit="items",
        total=steps * settings.batch_size,
        initial=start * settings.batch_size,
    )
    shown.disable = shown.disable or not fabric.is_global_zero
    with shown:
        yield shown
