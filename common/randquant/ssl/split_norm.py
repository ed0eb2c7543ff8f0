"""Batch norm over parts of a batch, as several GPUs have it, on one."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from randquant.errors import UsageError

KINDS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class SplitBatchNorm(_BatchNorm):
    """Batch norm in which, while it trains, every n-th item of the batch is normalised together, n parts in all.

    The running statistics are means over the parts. Parameters and buffers are those of the layer it replaces.

    Args:
        norm: the layer.
        splits: parts; they divide the batch.

    Source: the split batch norm with which MoCo's demonstration on CIFAR-10 simulates eight GPUs on one.
    """

    def __init__(self, norm: _BatchNorm, splits: int) -> None:
        super().__init__(1)  # takes over everything of the layer, whatever its device and dtype
        self.__dict__.update(norm.__dict__)
        self.splits = splits

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, ...) -> (B, C, ...).

        Raises:
            ValueError: the parts do not divide the batch, or are of one value.
        """
        if not self.training:
            return super().forward(x)
        if len(x) % self.splits:
            raise ValueError(f"expected a batch that {self.splits} parts divide, got {len(x)} items.")
        folded = x.reshape(len(x) // self.splits, self.splits * x.shape[1], *x.shape[2:])
        mean, var = self._repeated(self.running_mean), self._repeated(self.running_var)
        factor = self._factor()
        normed = F.batch_norm(
            folded, mean, var, self._repeated(self.weight), self._repeated(self.bias), True, factor, self.eps
        )
        with torch.no_grad():
            for running, parts in ((self.running_mean, mean), (self.running_var, var)):
                if running is not None and parts is not None:
                    running.copy_(parts.view(self.splits, -1).mean(dim=0))
        return normed.view(x.shape)

    def _repeated(self, values: Tensor | None) -> Tensor | None:
        return None if values is None else values.repeat(self.splits)

    def _factor(self) -> float:
        """How much of the running statistics a step replaces."""
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        if self.momentum is not None:
            return self.momentum
        return 0.0 if self.num_batches_tracked is None else 1.0 / float(self.num_batches_tracked)

    def _check_input_dim(self, x: Tensor) -> None:
        """Of any rank: the layer it replaces had its own."""

    def extra_repr(self) -> str:
        """With the parts."""
        return f"{super().extra_repr()}, splits={self.splits}"


def split_batch_norms(network: nn.Module, splits: int) -> None:
    """Replace every batch norm inside a network; weights, their names and what was drawn stay.

    Raises:
        UsageError: there is none, or one does more than normalise, such as timm's with an activation.
    """
    norms = {name: module for name, module in network.named_modules() if isinstance(module, _BatchNorm)}
    if not norms:
        raise UsageError(f"--bn_splits {splits}: neither encoder nor head has batch norm; leave it out.")
    for name, norm in norms.items():
        if type(norm) not in KINDS:
            raise UsageError(f"{name} is a {type(norm).__name__}, which --bn_splits cannot split; leave it out.")
        network.set_submodule(name, SplitBatchNorm(norm, splits))
