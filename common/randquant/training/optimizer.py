"""The optimiser of a training, with the rate of each group of parameters."""

from typing import TYPE_CHECKING

import torch
from torch import nn

from randquant.training.settings import Training

if TYPE_CHECKING:
    from collections.abc import Iterable


def make_optimizer(settings: Training, method: nn.Module) -> torch.optim.Optimizer:
    """AdamW over what is trained.

    Under muP a group's rate is the training's times its `scale`: one over the width for matrices between two widths,
    whose weight decay is multiplied by the width, so that a step's decay, rate times decay, is that of the base.
    """
    trained = [parameter for parameter in method.parameters() if parameter.requires_grad]
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.parametrization == "standard":
        return torch.optim.AdamW(trained, lr=rate, weight_decay=decay)
    return _scaled(trained, rate, decay)


def _scaled(trained: "Iterable[nn.Parameter]", rate: float, decay: float) -> torch.optim.Optimizer:
    from mup.optim import MuAdamW

    optimizer: torch.optim.Optimizer = MuAdamW(trained, lr=rate, weight_decay=decay)
    for group in optimizer.param_groups:
        group["scale"] = group["lr"] / rate
    return optimizer
