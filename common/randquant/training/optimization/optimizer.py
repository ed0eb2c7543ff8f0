"""The optimiser of a training, with the rate of each group of parameters, and the check of a stored one."""

from typing import TYPE_CHECKING

import torch
from torch import nn

from randquant.training.optimization.lars import LARS
from randquant.training.settings import Training

if TYPE_CHECKING:
    from collections.abc import Iterable


# What each optimiser keeps for a parameter, of its shape.
MOMENTS = {"adamw": ("exp_avg", "exp_avg_sq"), "sgd": ("momentum_buffer",), "lars": ("momentum_buffer",)}


def make_optimizer(settings: Training, method: nn.Module) -> torch.optim.Optimizer:
    """What `settings` name, over what is trained.

    Under muP a group's rate is the training's times its `scale`: with AdamW one over the width for matrices between
    two widths, with SGD the width for everything else that grows. Its weight decay is divided by the same, so that a
    step's decay, rate times decay, is that of the base.
    """
    trained = [parameter for parameter in method.parameters() if parameter.requires_grad]
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.parametrization == "mup":
        return _scaled(settings, trained)
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(trained, lr=rate, weight_decay=decay)
    make = torch.optim.SGD if settings.optimizer == "sgd" else LARS
    return make(trained, lr=rate, weight_decay=decay, momentum=settings.sgd_momentum)


def check_moments(optimizer: torch.optim.Optimizer, name: str) -> None:
    """See that what was loaded fits the parameters, which PyTorch finds out at the next step only.

    Args:
        optimizer: with its state.
        name: as in `MOMENTS`.

    Raises:
        KeyError, AttributeError: a moment is missing, or no tensor.
        ValueError: one of another shape than its parameter.
    """
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            stored = optimizer.state.get(parameter, {})
            for moment in MOMENTS[name] if stored else ():
                found = stored[moment].shape
                if found != parameter.shape:
                    raise ValueError(f"{moment} of shape {tuple(found)} for {tuple(parameter.shape)}")


def _scaled(settings: Training, trained: "Iterable[nn.Parameter]") -> torch.optim.Optimizer:
    from mup.optim import MuAdamW, MuSGD

    make, further = (MuAdamW, {}) if settings.optimizer == "adamw" else (MuSGD, {"momentum": settings.sgd_momentum})
    rates = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
    optimizer: torch.optim.Optimizer = make(trained, **rates, **further)
    for group in optimizer.param_groups:
        group["scale"] = group["lr"] / settings.learning_rate
    return optimizer
