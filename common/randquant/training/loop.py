"""The training loop, for any modality: bytes -> device -> views -> method -> step, readable from top to bottom.

What one step does depends on the settings and the step's number alone: which items and bytes are read, and every
random draw, are functions of (seed, step, process). So a run that was killed and started again ends with the very bits
of one that was not.
"""

import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from randquant.cli.progress import bar
from randquant.cli.terminal import say
from randquant.errors import UsageError
from randquant.extras import needs
from randquant.files.atomic import write_text
from randquant.ssl.collapse import effective_rank, spread
from randquant.ssl.method import Method
from randquant.ssl.momentum import momentum_at
from randquant.ssl.registry import make_method
from randquant.training.allocator import keep_freed_memory
from randquant.training.batches import Batches, each_tensor
from randquant.training.ranks import agreed, any_process, only_one_speaks, together
from randquant.training.run_folder import own_folder
from randquant.training.run_log import RunLog
from randquant.training.run_state import RunState, stored_state
from randquant.training.settings import Training, learning_rate_at, plain_settings
from randquant.training.task import Task

with needs("train"):
    import yaml
    from tqdm import tqdm

if TYPE_CHECKING:
    from lightning_fabric import Fabric

COLLAPSED = 0.05  # `spread` below this is reported


def pretrain(settings: Training, build: Callable[[torch.device], Task]) -> Path:
    """Train, or go on training, until `settings` is fulfilled; the result is `settings.out/encoder.safetensors`.

    Args:
        settings: how; see `Training`.
        build: makes the task once the device is known and the seed is set.

    Returns:
        Path of the exported encoder.

    Raises:
        UsageError: the run's folder holds a run with other settings, or the data are fewer than a batch.
        DataError: another process writes that folder; its checkpoint is damaged; the training diverged, and the last
            checkpoint is kept; another process of the training ended.
    """
    finished = settings.out / "encoder.safetensors"
    keep_freed_memory()
    fabric = _fabric(settings)
    # Locked and checked before other processes are started and before the task is built, which can take minutes.
    with own_folder(settings.out, writes=fabric.is_global_zero):
        state = stored_state(settings)
        with together(fabric, devices=settings.devices, nodes=settings.nodes):
            torch.manual_seed(settings.seed)
            task, batches = agreed(fabric, lambda: _prepared(fabric, settings, build, state))
            if finished.exists():
                _say(fabric, f"{settings.out} is finished already; choose another --out to train anew.")
            else:
                method, steps = _train(fabric, settings, task, batches, state)
                if fabric.is_global_zero:
                    task.save_encoder(finished, method.encoder, steps)
            fabric.barrier()
    if fabric.is_global_zero:
        say(f"encoder: {finished}")
    return finished


def _prepared(
    fabric: "Fabric", settings: Training, build: Callable[[torch.device], Task], state: dict[str, Any] | None
) -> tuple[Task, Batches]:
    """All that can be wrong with data and settings is found here."""
    task = build(fabric.device)
    if state is not None and state["data"] != task.data:
        raise UsageError(f"{settings.out} holds a run on other data; give its --data or choose another --out.")
    return task, Batches(
        task.source,
        settings.batch_size,
        seed=settings.seed,
        rank=fabric.global_rank,
        world=fabric.world_size,
        workers=settings.workers,
        pin=fabric.device.type == "cuda",
    )


def _train(
    fabric: "Fabric", settings: Training, task: Task, batches: Batches, state: dict[str, Any] | None
) -> tuple[Method, int]:
    """The loop: the trained method, and the number of its last step."""
    method = make_method(settings, task.encoder, task.embedding_size)
    optimizer = torch.optim.AdamW(_trained(method), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    model, optimizer = fabric.setup(_channels_last(method), optimizer)
    make_views = task.make_views.to(fabric.device)
    steps = settings.steps or settings.epochs * batches.steps_an_epoch
    run = RunState(fabric, settings, task.data, method, optimizer, make_views)
    start = 0 if state is None else agreed(fabric, lambda: run.restore(state))
    _begin(fabric, settings, batches, start, steps, state)
    for note in task.notes:
        _say(fabric, f"note: {note}")

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
            stopping = (logging or fabric.world_size == 1) and any_process(fabric, stop.is_set())
            if (logging or saving or stopping) and any_process(fabric, not bool(healthy)):
                raise only_one_speaks(fabric, run.diverged(f"the loss stopped being finite at or before step {step}"))
            if logging:
                log.row(step, _measured(loss.detach(), projections, optimizer))
                shown.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
            if task.monitor is not None and (last or step % settings.monitor_every == 0):
                log.row(step, _monitored(task, method, fabric))
            if settings.snapshot_every and step % settings.snapshot_every == 0 and fabric.is_global_zero:
                task.save_encoder(settings.out / "snapshots" / f"encoder-{step:07d}.safetensors", method.encoder, step)
            if saving or stopping:
                run.save(step)
            shown.update(settings.batch_size)
            if stopping and not last:
                raise KeyboardInterrupt
    return method, steps


def _fabric(settings: Training) -> "Fabric":
    from lightning_fabric import Fabric  # two seconds to import: --help should not wait for it

    from randquant.training.precision import precision_of

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


def _channels_last(method: Method) -> Method:
    """Store convolution weights as the fast bf16 kernels of CPU and GPU want them."""
    return method.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _trained(method: Method) -> list[torch.nn.Parameter]:
    return [parameter for parameter in method.parameters() if parameter.requires_grad]


def _seed_step(seed: int, step: int, rank: int, generator: torch.Generator) -> None:
    """Give a step its own randomness: `generator` for the views, the global one for dropout, which takes no other."""
    numbers = np.random.SeedSequence([seed, step, rank]).generate_state(2, np.uint64)
    generator.manual_seed(int(numbers[0]))
    torch.manual_seed(int(numbers[1]) >> 1)


def _set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _measured(loss: Tensor, projections: Tensor, optimizer: torch.optim.Optimizer) -> dict[str, float]:
    wide = spread(projections)
    if float(wide) < COLLAPSED:
        say(f"warning: projections have nearly collapsed (spread {float(wide):.4f})", file=sys.stderr)
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


def _begin(
    fabric: "Fabric", settings: Training, batches: Batches, start: int, steps: int, state: dict[str, Any] | None
) -> None:
    """Write the settings, and say what is about to be done."""
    if not fabric.is_global_zero:
        return
    write_text(settings.out / "config.yaml", yaml.safe_dump(plain_settings(settings), sort_keys=False))
    items = len(batches.source)
    if settings.method == "moco" and settings.queue_size > items:
        _say(
            fabric,
            f"warning: a queue of {settings.queue_size:,} keys holds earlier views of each of the {items:,} items, as "
            "if they were others; lower --queue_size to half of the items or less.",
        )
    if state is not None:
        _compare_threads(fabric, state)
    origin = f"going on after step {start}" if start else "starting"
    _say(
        fabric,
        f"{settings.out}: {origin}; {steps} steps of {settings.batch_size} "
        f"({steps / batches.steps_an_epoch:.1f} epochs of {items} items), "
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


def _say(fabric: "Fabric", text: str) -> None:
    if fabric.is_global_zero:
        say(text, file=sys.stderr)


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
