"""A training between two steps: made, taken from a checkpoint, checked, and written to the next one."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from randquant.cli.progress import bar
from randquant.errors import DataError
from randquant.installation.computer import computed_on
from randquant.ssl.momentum import momentum_at
from randquant.ssl.registry import make_method
from randquant.training.batches import Batches, Raw, each_tensor
from randquant.training.checkpoint import REMEDY, check_same_settings, load_checkpoint, save_checkpoint
from randquant.training.free_settings import FREE_SETTINGS
from randquant.training.lengthening import lengthened
from randquant.training.mixing import input_mix_of, mix_of
from randquant.training.optimization.average import AveragedEncoder
from randquant.training.optimization.optimizer import check_moments, make_optimizer
from randquant.training.optimization.parametrization import parametrize
from randquant.training.optimization.schedule import learning_rate_at
from randquant.training.processes.ranks import any_process, raised_once
from randquant.training.run_folder import snapshot_file
from randquant.training.run_log import RunLog
from randquant.training.settings import Training, plain_defaults, plain_settings
from randquant.training.task import Task
from randquant.training.watching.finite import first_not_finite
from randquant.views import ViewSet

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from tqdm import tqdm

FILE_NAME = "checkpoint.pt"
_TENSORS = ("method", "optimizer", "views", "average")
_KEYS = {"step": int, "settings": dict, "data": dict, "method": dict, "optimizer": dict, "views": list}


class Run:
    """Method, optimiser and views of a training, as they are made; `restore` takes up a stored state.

    Args:
        fabric: connects the processes.
        settings: of the run.
        task: what the modality brings.
        batches: of the task's source.

    Attributes:
        method: with all its weights.
        average: of the encoder, None where `average_decay` is 0.
        model: the method as Fabric runs it.
        steps: number of the last step.
        start: number of the step it goes on from.
        saved: number of the step whose state is on disk.
    """

    def __init__(self, fabric: "Fabric", settings: Training, task: Task, batches: Batches) -> None:
        self.fabric, self.settings, self.task, self.batches = fabric, settings, task, batches
        self.method = make_method(settings, task.encoder, task.embedding_size)
        self.method.mix, self.method.local_weight = mix_of(settings, task), settings.local_weight
        self.input_mix = input_mix_of(settings, task)
        if settings.parametrization == "mup":
            parametrize(self.method, settings, task.of_width)
        optimizer = make_optimizer(settings, self.method)
        self.method.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # for fast bf16 kernels
        self.model, self.optimizer = fabric.setup(self.method, optimizer)
        decay = settings.average_decay
        self.average = AveragedEncoder(self.method.encoder, decay) if decay else None
        self.make_views = task.make_views.to(fabric.device)
        self.steps = settings.steps or settings.epochs * batches.steps_an_epoch
        self.start, self.path = 0, settings.out / FILE_NAME
        self.saved: int | None = None

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes files and messages."""
        return self.fabric.is_global_zero

    @property
    def encoder(self) -> nn.Module:
        """What is exported: the encoder as it is, or the average of it."""
        return self.method.encoder if self.average is None else self.average.network

    def after_step(self, step: int) -> None:
        """Let what follows the weights follow: a teacher, and the average."""
        self.method.after_step(self.momentum(step))
        if self.average is not None:
            self.average.update(self.method.encoder, step)

    def learning_rate(self, step: int) -> float:
        """Of a step, counted from 1."""
        settings = self.settings
        return learning_rate_at(
            step,
            self.steps,
            highest=settings.learning_rate,
            warmup=settings.warmup_steps,
            schedule=settings.schedule,
            milestones=settings.milestones,
        )

    def momentum(self, step: int) -> float:
        """The teacher's, of a step."""
        return momentum_at(step, self.steps, base=self.settings.momentum, schedule=self.settings.momentum_schedule)

    def on_device(self, raw: Raw) -> Raw:
        """A raw batch, copied while the host goes on."""
        return each_tensor(raw, lambda part: part.to(self.fabric.device, non_blocking=True))

    def views(self, raw: Raw, generator: torch.Generator) -> ViewSet:
        """The views of a raw batch, drawn from the generator."""
        views = ViewSet.of(self.make_views(self.on_device(raw), generator=generator))
        if self.input_mix is None:
            return views
        return ViewSet(
            *([self.input_mix(view, generator=generator) for view in each] for each in (views.views, views.local))
        )

    def due(self, step: int) -> tuple[bool, bool, bool, bool]:
        """Whether to log, to save, to monitor and to keep the encoder after a step."""
        settings, last = self.settings, step == self.steps
        logging, saving, monitoring = (
            last or step % every == 0
            for every in (settings.log_every, settings.checkpoint_every, settings.monitor_every)
        )
        keeping = settings.snapshot_every > 0 and step % settings.snapshot_every == 0
        return logging, saving, monitoring and self.task.monitor is not None, keeping

    def log(self) -> RunLog:
        """Where its numbers go."""
        settings = self.settings
        return RunLog(
            settings.out,
            self.start,
            enabled=self.is_main,
            loggers=settings.logger,
            settings=plain_settings(settings),
        )

    def bar(self) -> "tqdm[Any]":
        """Progress in items, with items a second."""
        size = self.settings.batch_size
        shown = bar(label=self.settings.out.name, unit="items", total=self.steps * size, initial=self.start * size)
        shown.disable = shown.disable or not self.is_main
        return shown

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a stored state.

        Raises:
            DataError: it does not fit, or holds what is not finite.
        """
        broken = first_not_finite({name: state[name] for name in _TENSORS if name in state})
        if broken is not None:
            raise DataError(f"{self.path} holds a NaN or an infinity ({broken}): that training had diverged; {REMEDY}")
        try:
            self.method.load_state_dict(state["method"])
            self.optimizer.load_state_dict(state["optimizer"])
            if self.average is not None:
                self.average.load_state_dict(state["average"])
            views = state["views"][self.fabric.global_rank]
            self.make_views.load_state_dict(_to_device(views, self.fabric.device))
            check_moments(self.optimizer, self.settings.optimizer)
        except (RuntimeError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{self.path} does not fit this run ({type(error).__name__}: {reason}); {REMEDY}") from None
        self.start = self.saved = state["step"]

    def save(self, step: int) -> None:
        """Write all of it, once it is known to be finite.

        Raises:
            DataError: it is not; the state on disk stays.
        """
        views: list[Any] = [self.make_views.state_dict()]
        if self.fabric.world_size > 1:
            views = [None] * self.fabric.world_size
            torch.distributed.all_gather_object(views, self.make_views.state_dict())
        if self.is_main:
            state = {"method": self.method.state_dict(), "optimizer": self.optimizer.state_dict(), "views": views}
            if self.average is not None:
                state["average"] = self.average.state_dict()
            broken = first_not_finite(state)
            if broken is not None:
                raise self.diverged(f"{broken} holds a NaN or an infinity at step {step}")
            about = {"step": step, "settings": plain_settings(self.settings), "data": self.task.data}
            save_checkpoint(self.path, {**about, **computed_on(self.fabric.device), **state})
        self.saved = step
        self.fabric.barrier()

    def keep_encoder(self, step: int) -> None:
        """Write the encoder to RUN/snapshots."""
        if self.is_main:
            file = snapshot_file(self.settings.out, step)
            self.task.save_encoder(file, self.encoder, step)

    def require(self, finite: Tensor, step: int) -> None:
        """End the training where the loss has stopped being finite, in any process.

        Raises:
            DataError: it has.
        """
        if any_process(self.fabric, not bool(finite)):
            error = self.diverged(f"the loss stopped being finite at or before step {step}")
            raise raised_once(self.fabric, error)

    def diverged(self, what: str) -> DataError:
        """What to say of a training that cannot go on."""
        kept = "no checkpoint had been written yet"
        if self.saved is not None:
            kept = f"the last good state, of step {self.saved}, is kept in {self.path}"
        return DataError(
            f"{what}; {kept}; lower --learning_rate, set --gradient_clip 1 or use --precision 32, with another --out."
        )


def stored_state(settings: Training) -> dict[str, Any] | None:
    """The run's last checkpoint, None if there is none; "outgrown" tells whether it is of a shorter training.

    Raises:
        DataError: it is damaged or incomplete.
        UsageError: the settings are others, and not those of a longer training that passes through it.
    """
    path = settings.out / FILE_NAME
    if not path.exists():
        return None
    state = load_checkpoint(path, needed=_KEYS)
    wrong = [name for name, kind in _KEYS.items() if not isinstance(state[name], kind)]
    if wrong or state["step"] < 0:
        raise DataError(f"{path} holds no sensible {', '.join(wrong) or 'step'}; {REMEDY}")
    stored, wanted = {**plain_defaults(settings), **state["settings"]}, plain_settings(settings)
    longer = lengthened(stored, wanted)
    check_same_settings(stored, wanted, free=FREE_SETTINGS | longer, run=settings.out)
    return {**state, "outgrown": bool(longer)}


def _to_device(state: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    return {name: value.to(device) if isinstance(value, Tensor) else value for name, value in state.items()}
