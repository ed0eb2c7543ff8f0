"""LARS: stochastic gradient descent whose step in each layer is in proportion to the size of its weights."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn


class LARS(torch.optim.Optimizer):
    """Momentum SGD with a rate a layer: its gradient is scaled to `trust` times the norm of its weights.

    Weight decay is added to the gradient first. Biases and the weights of norms, which have one dimension, take neither
    decay nor scaling, and a layer whose weights or gradient are all zero is not scaled.

    Args:
        params: parameters or groups of them.
        lr: rate; the published ones are those of a batch of 256, times the batch size over 256.
        weight_decay: >= 0.
        momentum: in [0, 1).
        trust: the trust coefficient.

    Source: You, Gitman and Ginsburg, arXiv 1708.03888; with the exclusions of Goyal et al. and BYOL as in MoCo v3.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        lr: float,
        weight_decay: float = 0.0,
        momentum: float = 0.9,
        trust: float = 0.001,
    ) -> None:
        if lr < 0.0 or weight_decay < 0.0 or not 0.0 <= momentum < 1.0 or trust <= 0.0:
            raise ValueError(
                "expected lr >= 0, weight_decay >= 0, 0 <= momentum < 1 and trust > 0, got "
                f"{lr}, {weight_decay}, {momentum} and {trust}."
            )
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "trust": trust})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; nothing is read on the host."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if weights:
                self._step(group, weights)
        return loss

    def _step(self, group: dict[str, Any], weights: list[Tensor]) -> None:
        for weight in weights:
            self.state[weight].setdefault("momentum_buffer", torch.zeros_like(weight))
        momenta = [self.state[weight]["momentum_buffer"] for weight in weights]
        gradients = _adapted(weights, group["weight_decay"], group["trust"])
        torch._foreach_mul_(momenta, group["momentum"])
        torch._foreach_add_(momenta, gradients)
        torch._foreach_add_(weights, momenta, alpha=-group["lr"])


def _adapted(weights: list[Tensor], decay: float, trust: float) -> list[Tensor]:
    """The gradients, those of matrices decayed and scaled."""
    matrices = [weight for weight in weights if weight.ndim > 1]
    if not matrices:
        return _gradients(weights)
    gradients = list(torch._foreach_add(_gradients(matrices), matrices, alpha=decay))
    sizes, steps = torch._foreach_norm(matrices), torch._foreach_norm(gradients)
    scales = [
        torch.where((size > 0.0) & (step > 0.0), trust * size / step, 1.0)
        for size, step in zip(sizes, steps, strict=True)
    ]
    torch._foreach_mul_(gradients, scales)
    adapted = iter(gradients)
    return [next(adapted) if weight.ndim > 1 else gradient for weight, gradient in _with_gradients(weights)]


def _with_gradients(weights: list[Tensor]) -> Iterable[tuple[Tensor, Tensor]]:
    return zip(weights, _gradients(weights), strict=True)


def _gradients(weights: list[Tensor]) -> list[Tensor]:
    return [weight.grad for weight in weights if weight.grad is not None]
