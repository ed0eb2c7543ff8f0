"""From settings to a trained encoder: set up, train, export."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from randquant.cli.terminal import say
from randquant.errors import UsageError
from randquant.extras import needs
from randquant.files.atomic import write_text
from randquant.kept_memory import keep_freed_memory
from randquant.training.batches import Batches
from randquant.training.idle import idle_settings
from randquant.training.keeping.between import copied
from randquant.training.keeping.kept import keep_best
from randquant.training.keeping.set_aside import SetAside
from randquant.training.lengthening import make_snapshot
from randquant.training.loop import fit
from randquant.training.mixing import input_mix_of, mix_of, quantize_its_stage
from randquant.training.optimization.parametrization import base_shapes
from randquant.training.processes.ranks import agreed, together
from randquant.training.processes.repeatable import repeatable
from randquant.training.run import Run, stored_state
from randquant.training.run_folder import FINISHED, LAST, START, own_folder
from randquant.training.run_settings import FILE_NAME
from randquant.training.settings import Training, plain_settings
from randquant.training.task import Task

with needs("train"):
    import yaml

if TYPE_CHECKING:
    from lightning_fabric import Fabric


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
    from randquant.training.processes.fabric import fabric_of  # late: --help should not wait for it

    finished = settings.out / FINISHED
    keep_freed_memory()
    fabric = fabric_of(settings)
    # Locked and checked before other processes are started and before the task is built, which can take minutes.
    with own_folder(settings.out, writes=fabric.is_global_zero), repeatable(fabric.device):
        state = stored_state(settings)
        with together(fabric, devices=settings.devices, nodes=settings.nodes):
            torch.manual_seed(settings.seed)
            task, batches = agreed(fabric, lambda: _prepared(fabric, settings, build, state))
            if finished.exists() and not (state is not None and state["outgrown"]):
                _say(fabric, f"{settings.out} is finished already; choose another --out to train again.")
            else:
                start = copied(task.encoder) if settings.keep == "best" else None
                run = Run(fabric, settings, task, batches)
                if state is not None:
                    agreed(fabric, lambda: run.restore(state))
                _announce(run, state)
                fit(run)
                if fabric.is_global_zero:
                    if start is not None:
                        task.save_encoder(settings.out / LAST, run.encoder, run.steps)
                        _say(fabric, keep_best(run, start))
                    task.save_encoder(finished, run.encoder, run.steps)
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
    if settings.parametrization == "mup":
        base_shapes(settings, task.of_width)
    quantize_its_stage(settings, task)
    mix_of(settings, task)
    input_mix_of(settings, task)
    source = task.source
    if settings.keep == "best":
        source = SetAside(source, batch_size=settings.batch_size, seed=settings.seed)
    return task, Batches(
        source,
        settings.batch_size,
        seed=settings.seed,
        rank=fabric.global_rank,
        world=fabric.world_size,
        workers=settings.workers,
        pin=fabric.device.type == "cuda",
    )


def _announce(run: Run, state: dict[str, Any] | None) -> None:
    """Write the settings, and say what is about to be done."""
    fabric, settings, batches = run.fabric, run.settings, run.batches
    if not fabric.is_global_zero:
        return
    write_text(settings.out / FILE_NAME, yaml.safe_dump(plain_settings(settings), sort_keys=False))
    if state is not None:
        make_snapshot(settings.out / FINISHED, state["step"])
    if settings.init is not None and state is None:
        run.task.save_encoder(settings.out / START, run.method.encoder, 0)
    items = len(batches.source)
    if settings.method == "moco" and settings.queue_size > items:
        _say(
            fabric,
            f"warning: a queue of {settings.queue_size:,} keys holds earlier views of each of the {items:,} items, as "
            "if they were others; lower --queue_size to half of the items or less.",
        )
    if state is not None:
        _compare_threads(fabric, state)
    origin = f"going on after step {run.start}" if run.start else "starting"
    parts = f" in {settings.accumulate} micro-batches" if settings.accumulate > 1 else ""
    _say(
        fabric,
        f"{settings.out}: {origin}; {run.steps} steps of {settings.batch_size}{parts} "
        f"({run.steps / batches.steps_an_epoch:.1f} epochs of {items} items), "
        f"{settings.method}, precision {fabric._precision.precision}, {fabric.world_size} x {fabric.device.type}",
    )
    for note in (*run.task.notes, *idle_settings(settings)):
        _say(fabric, f"note: {note}")


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
