"""The loss of multinomial logistic regression, its gradient and its curvature."""

from collections.abc import Sequence

import torch
from torch import Tensor

from randquant.probes.items.arrangement import Rows

_LOGITS = 2**23  # logits held at a time: 32 MB
_CHUNK = 2048  # rows of both products at a time, since few fit into a cache
_SAMPLE = 4096  # items that tell the curvature of the loss


class CrossEntropy:
    """Mean cross-entropy of a linear layer on the selected rows of x (n, D) with class ids (n,)."""

    def __init__(self, x: Tensor, targets: Tensor, rows: Rows = slice(None)) -> None:
        self.x, self.targets = x[rows], targets[rows]
        self.count = len(self.x)

    def loss(self, parameters: Sequence[Tensor], penalty: float) -> tuple[float, list[Tensor]]:
        """Loss with penalty / 2 * |weights|^2, and its gradients by weight (C, D) and bias (C,)."""
        weight, bias = parameters
        slopes, totals, loss = torch.zeros_like(weight), torch.zeros_like(bias), bias.new_zeros(()).double()
        size = max(1, min(_CHUNK, _LOGITS // len(bias)))
        for x, targets in zip(self.x.split(size), self.targets.split(size), strict=True):
            lost, slope = self.slope(torch.addmm(bias, x, weight.T), targets.unsqueeze(1))
            loss += lost
            slopes.addmm_(slope.T, x)
            totals += slope.sum(dim=0)
        squares = float(weight.double().square().sum())
        return float(loss) / self.count + penalty / 2 * squares, [
            slopes.div_(self.count).add_(weight, alpha=penalty),
            totals / self.count,
        ]

    def slope(self, logits: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
        """Sum of the losses, in float64, and their gradient by the logits (b, C), of true classes `own` (b, 1)."""
        logs = logits.log_softmax(dim=1)
        lost = -logs.gather(1, own).double().sum()
        return lost, logs.exp_().scatter_add_(1, own, logs.new_full((), -1.0).expand(own.shape))

    def curvature(self, parameters: Sequence[Tensor]) -> Tensor:
        """(C, C) mean second derivatives of the loss by the logits, of a share of the items."""
        weight, bias = parameters
        chances = torch.addmm(bias, self.sample()[0], weight.T).softmax(dim=1)
        return torch.diag(chances.mean(dim=0)) - chances.T @ chances / len(chances)

    def sample(self) -> tuple[Tensor, Tensor]:
        """Rows of x and their class ids, at most 4,096, evenly spread."""
        rows = slice(None, None, 1 + self.count // _SAMPLE)
        return self.x[rows], self.targets[rows]
