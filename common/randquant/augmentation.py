"""The base class of augmentations: drawing (`make_params`) is separate from applying (`transform`)."""

import inspect
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn


class Augmentation(nn.Module):
    """A random change of a batch that is on in training mode and the identity in eval mode, like `nn.Dropout`.

    A subclass implements `make_params`, which draws, and `transform`, which applies without drawing, so that a draw
    can be kept, inspected and replayed. Nothing in either may read a tensor's values on the host.
    """

    if TYPE_CHECKING:  # a module's own says Any

        def __call__(self, x: Any, **how: Any) -> Tensor: ...

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> Any:
        """Draw what `transform` needs for a batch of this shape, dtype and device."""
        raise NotImplementedError

    def transform(self, x: Tensor, params: Any) -> Tensor:
        """Apply a draw; the same `params` give the same result."""
        raise NotImplementedError

    def forward(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Draw and apply in training mode; return `x` itself in eval mode."""
        if not self.training:
            return x
        return self.transform(x, self.make_params(x, generator=generator))

    def extra_repr(self) -> str:
        """The constructor's arguments, but for the modules, which print themselves."""
        names = [name for name in inspect.signature(type(self)).parameters if name in vars(self)]
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
