"""The average of an encoder's weights over its training, which is often better than the last ones."""

import copy

import torch
from torch import nn


class AveragedEncoder(nn.Module):
    """An exponential moving average (EMA) of an encoder: parameters, and the running statistics of its norms.

    In the first steps the decay is at most (1 + step) / (10 + step), so that the untrained weights are soon forgotten.

    Args:
        encoder: untrained, or as the training starts from it.
        decay: share of the average that a step keeps, in [0, 1); .999 averages over about a thousand steps.

    Attributes:
        network: the average, to be read and not to be trained.
    """

    def __init__(self, encoder: nn.Module, decay: float) -> None:
        super().__init__()
        self.network, self.decay = copy.deepcopy(encoder).requires_grad_(False), decay

    @torch.no_grad()
    def update(self, encoder: nn.Module, step: int) -> None:
        """average <- decay * average + (1 - decay) * encoder, after a step, counted from 1; integers are taken over."""
        share = 1.0 - min(self.decay, (1 + step) / (10 + step))
        values = encoder.state_dict()
        means = self.network.state_dict()
        floating = [name for name, mean in means.items() if mean.is_floating_point()]
        torch._foreach_lerp_([means[name] for name in floating], [values[name] for name in floating], share)
        for name in means.keys() - set(floating):
            means[name].copy_(values[name])
