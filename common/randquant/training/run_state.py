"""What a training consists of between two steps: taken from a checkpoint, checked, and written to the next one."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from randquant.errors import DataError
from randquant.training.checkpoint import REMEDY, check_same_settings, load_checkpoint, save_checkpoint
from randquant.training.finite import first_not_finite
from randquant.training.settings import FREE_SETTINGS, Training, plain_settings
from randquant.training.task import MakeViews

if TYPE_CHECKING:
    from lightning_fabric import Fabric

FILE_NAME = "checkpoint.pt"
_KEYS = {"step": int, "settings": dict, "data": dict, "method": dict, "optimizer": dict, "views": list}


class RunState:
    """Weights, optimiser and views of a training.

    Args:
        fabric: connects the processes.
        settings: of the run.
        data: what identifies its data.
        method: with all its weights.
        optimizer: of these.
        make_views: on the device.
    """

    def __init__(
        self,
        fabric: "Fabric",
        settings: Training,
        data: dict[str, Any],
        method: nn.Module,
        optimizer: torch.optim.Optimizer,
        make_views: MakeViews,
    ) -> None:
        self.fabric, self.settings, self.data = fabric, settings, data
        self.method, self.optimizer, self.make_views = method, optimizer, make_views
        self.path = settings.out / FILE_NAME
        self.saved: int | None = None  # step of the state on disk

    def restore(self, state: dict[str, Any]) -> int:
        """Take up a stored state and return its step.

        Raises:
            DataError: it does not fit, or holds what is not finite.
        """
        broken = first_not_finite({name: state[name] for name in ("method", "optimizer", "views")})
        if broken is not None:
            raise DataError(f"{self.path} holds a NaN or an infinity ({broken}): that training had diverged; {REMEDY}")
        try:
            self.method.load_state_dict(state["method"])
            self.optimizer.load_state_dict(state["optimizer"])
            views = state["views"][self.fabric.global_rank]
            self.make_views.load_state_dict(_to_device(views, self.fabric.device))
            _check_moments(self.optimizer)
        except (RuntimeError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{self.path} does not fit this run ({type(error).__name__}: {reason}); {REMEDY}") from None
        self.saved = state["step"]
        return state["step"]

    def save(self, step: int) -> None:
        """Write all of it, once it is known to be finite.

        Raises:
            DataError: it is not; the state on disk stays.
        """
        views: list[Any] = [self.make_views.state_dict()]
        if self.fabric.world_size > 1:
            views = [None] * self.fabric.world_size
            torch.distributed.all_gather_object(views, self.make_views.state_dict())
        if self.fabric.is_global_zero:
            state = {"method": self.method.state_dict(), "optimizer": self.optimizer.state_dict(), "views": views}
            broken = first_not_finite(state)
            if broken is not None:
                raise self.diverged(f"{broken} holds a NaN or an infinity at step {step}")
            about = {"step": step, "settings": plain_settings(self.settings), "data": self.data}
            save_checkpoint(self.path, {**about, "threads": torch.get_num_threads(), **state})
        self.saved = step
        self.fabric.barrier()

    def diverged(self, what: str) -> DataError:
        """What to say of a training that cannot go on."""
        kept = "no checkpoint had been written yet"
        if self.saved is not None:
            kept = f"the last good state, of step {self.saved}, is kept in {self.path}"
        return DataError(
            f"{what}; {kept}; lower --learning_rate, set --gradient_clip 1 or use --precision 32, with another --out."
        )


def stored_state(settings: Training) -> dict[str, Any] | None:
    """The run's last checkpoint, None if there is none.

    Raises:
        DataError: it is damaged or incomplete.
        UsageError: the settings are others.
    """
    path = settings.out / FILE_NAME
    if not path.exists():
        return None
    state = load_checkpoint(path, needed=_KEYS)
    wrong = [name for name, kind in _KEYS.items() if not isinstance(state[name], kind)]
    if wrong or state["step"] < 0:
        raise DataError(f"{path} holds no sensible {', '.join(wrong) or 'step'}; {REMEDY}")
    check_same_settings(state["settings"], plain_settings(settings), free=FREE_SETTINGS, run=settings.out)
    return state


def _check_moments(optimizer: torch.optim.Optimizer) -> None:
    """Adam's moments have the shapes of their parameters, which PyTorch finds out at the next step only."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            stored = optimizer.state.get(parameter, {})
            if stored and any(stored[name].shape != parameter.shape for name in ("exp_avg", "exp_avg_sq")):
                raise ValueError(f"moments of shape {tuple(stored['exp_avg'].shape)} for {tuple(parameter.shape)}")


def _to_device(state: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    return {name: value.to(device) if isinstance(value, Tensor) else value for name, value in state.items()}
