"""What the augmentations of pictures have in common: each picture is changed with a probability of its own draw."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from randquant.arguments import checked_probability
from randquant.augmentation import Augmentation


class PictureParams(NamedTuple):
    """One draw: apply (B,) bool, which pictures are changed; values, tensors (B, ...) that say how."""

    apply: Tensor
    values: tuple[Tensor, ...]


class PictureAugmentation(Augmentation):
    """A change that each picture of (B, 3, H, W) in [0, 1] undergoes with probability `p`.

    A subclass implements `draw`, which draws for every picture, and `change`, which changes pictures.
    """

    p: float

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = checked_probability("p", p)

    def draw(self, x: Tensor, generator: torch.Generator | None) -> tuple[Tensor, ...]:
        """What `change` takes beside the pictures, tensors (B, ...); only shape and device of x are used."""
        return ()

    def change(self, x: Tensor, *values: Tensor) -> Tensor:
        """Change float32 pictures (b, 3, H, W), each by its own values (b, ...)."""
        raise NotImplementedError

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> PictureParams:
        """Draw which pictures are changed, and how.

        Raises:
            ValueError: x is not (B, 3, H, W) of a floating dtype.
        """
        check_pictures(x)
        apply = torch.rand(len(x), device=x.device, generator=generator) < self.p
        return PictureParams(apply, self.draw(x, generator))

    def transform(self, x: Tensor, params: PictureParams) -> Tensor:
        """Change the pictures drawn."""
        return changed_where(params.apply, x, self.change, *params.values)


def check_pictures(x: Tensor) -> None:
    """Refuse what is not a batch of pictures."""
    if x.ndim != 4 or x.shape[1] != 3 or not x.is_floating_point():
        raise ValueError(
            f"expected pictures (B, 3, H, W) as floating-point numbers in [0, 1], got {tuple(x.shape)} of {x.dtype}."
        )


def changed_where(apply: Tensor, x: Tensor, change: Callable[..., Tensor], *values: Tensor) -> Tensor:
    """Pictures changed where `apply` (B,) says so, in float32; the others as they are, in the dtype of x."""
    if x.device.type != "cpu":  # to know how many are changed is to wait for the device
        return torch.where(apply[:, None, None, None], change(x.float(), *values).to(x.dtype), x)
    rows = apply.nonzero()[:, 0]
    if len(rows) == 0:
        return x
    if len(rows) == len(x):
        return change(x.float(), *values).to(x.dtype)
    changed = change(x[rows].float(), *(value[rows] for value in values)).to(x.dtype)
    return x.index_copy(0, rows, changed)


def uniform(x: Tensor, low: float, high: float, generator: torch.Generator | None) -> Tensor:
    """One number a picture, (B,) float32, uniform in [low, high)."""
    return low + (high - low) * torch.rand(len(x), device=x.device, generator=generator)


def each(values: Tensor) -> Tensor:
    """One number a picture (B,) so that it broadcasts to pictures: (B, 1, 1, 1)."""
    return values[:, None, None, None]
