"""How a batch is blended with another one: what `Mix` and `InputMix` do to inputs and to hidden features."""

from typing import Any, Literal

import torch
from torch import Tensor

from randquant.errors import UsageError
from randquant.views import View

MixKind = Literal["mixup", "cutmix"]


class Blend:
    """Blends every sample with one of another batch. Drawing is separate from applying, as in `Augmentation`.

    A modality whose inputs cannot be averaged as they are brings its own: it gives `Task.blend`, a function from
    "mixup" or "cutmix" to a `Blend`, which raises a `UsageError` for what does not exist:

        Task(..., blend=lambda kind: Linear() if kind == "mixup" else refuse())
    """

    def make_params(self, x: View, *, generator: torch.Generator | None = None) -> Any:
        """Draw what `transform` needs besides the weights."""
        return None

    def transform(self, x: View, other: View, weight: Tensor, params: Any) -> tuple[Any, Tensor]:
        """Blend.

        Args:
            x: a view of B samples.
            other: another one, of the same form.
            weight: (B,) share of x, in [0, 1]; where it is 1 the sample stays as it is.
            params: as drawn.

        Returns:
            The blended view, and the shares (B,) of x in it, which may differ from `weight` by rounding.
        """
        raise NotImplementedError


class Linear(Blend):
    """w x + (1 - w) other, computed in float32 at least; the dtype stays. For tensors of any shape."""

    def transform(self, x: View, other: View, weight: Tensor, params: Any) -> tuple[Tensor, Tensor]:
        """Blend (B, ...)."""
        x, other = as_tensors(x, other)
        exact = torch.promote_types(x.dtype, torch.float32)
        share = per_sample(weight, x).to(exact)
        return (share * x + (1.0 - share) * other).to(x.dtype), weight


class Boxes(Blend):
    """A box of each sample comes from the other: cutmix. (B, C, H, W); of tokens (B, N, D), a run of them.

    The box has the aspect of the picture and its centre anywhere in it, so that it may be clipped; the share is that
    of the clipped box. Source: Yun et al., "CutMix", ICCV 2019; here with a box a sample.
    """

    def make_params(self, x: View, *, generator: torch.Generator | None = None) -> Tensor:
        """Centres (B, 2) in [0, 1)."""
        (x,) = as_tensors(x)
        return torch.rand(len(x), 2, device=x.device, generator=generator)

    def transform(self, x: View, other: View, weight: Tensor, params: Tensor) -> tuple[Tensor, Tensor]:
        """Blend (B, C, H, W) or (B, N, D)."""
        x, other = as_tensors(x, other)
        if x.ndim == 3:
            return Segments(-2).transform(x, other, weight, params[:, :1])
        if x.ndim != 4:
            raise UsageError(f"cutmix cuts boxes out of (B, C, H, W), got {tuple(x.shape)}; use mixup there.")
        side = (1.0 - weight).clamp(min=0.0).sqrt()
        rows, columns = (
            _between(centre, side, x.shape[axis]) for centre, axis in zip(params.unbind(1), (-2, -1), strict=True)
        )
        box = rows[:, None, :, None] & columns[:, None, None, :]
        return torch.where(box, other, x), 1.0 - box.flatten(1).to(weight.dtype).mean(dim=1)


class Segments(Blend):
    """A run of positions along one dimension comes from the other: time or band segments of spectrograms.

    Args:
        axis: of the positions, counted from the end.
    """

    def __init__(self, axis: int) -> None:
        self.axis = axis

    def make_params(self, x: View, *, generator: torch.Generator | None = None) -> Tensor:
        """Starts (B, 1) in [0, 1) of what is left."""
        (x,) = as_tensors(x)
        return torch.rand(len(x), 1, device=x.device, generator=generator)

    def transform(self, x: View, other: View, weight: Tensor, params: Tensor) -> tuple[Tensor, Tensor]:
        """Blend (B, ...); every run lies inside, so the share is exact but for rounding to whole positions."""
        x, other = as_tensors(x, other)
        size = x.shape[self.axis]
        length = ((1.0 - weight) * size).floor()
        start = (params[:, 0] * (size - length + 1.0)).floor()
        place = torch.arange(size, device=x.device)
        taken = (place >= start[:, None]) & (place < (start + length)[:, None])
        shape = [len(x), *[1] * (x.ndim - 1)]
        shape[self.axis] = size
        return torch.where(taken.view(shape), other, x), 1.0 - length / size


class Slots(Blend):
    """A random part of the points comes from the other: subset mix, for points in no order of their own.

    Averaging the i-th points of two clouds would mean nothing; a part of each is a mixture whose share is exact.

    Args:
        axis: of the points in the features; places (B, N, 3) beside them go along.
    """

    def __init__(self, axis: int = -2) -> None:
        self.axis = axis

    def make_params(self, x: View, *, generator: torch.Generator | None = None) -> Tensor:
        """An order of the points (B, N) int64, each from 0 to N - 1."""
        features = x[-1] if isinstance(x, tuple) else x
        assert isinstance(features, Tensor)
        shape = len(features), features.shape[self.axis]
        return torch.rand(shape, device=features.device, generator=generator).argsort(dim=1).argsort(dim=1)

    def transform(self, x: View, other: View, weight: Tensor, params: Tensor) -> tuple[Any, Tensor]:
        """Blend features (B, N, C) or (B, C, N), or (places, features)."""
        count = params.shape[1]
        own = (weight * count).round()
        stays = params < own[:, None]
        if not isinstance(x, tuple):
            x, other = as_tensors(x, other)
            return self._chosen(stays, x, other, self.axis), own / count
        assert isinstance(other, tuple)
        axes = [-2] * (len(x) - 1) + [self.axis]
        parts = [self._chosen(stays, a, b, axis) for a, b, axis in zip(x, other, axes, strict=True)]  # type: ignore[arg-type]
        return tuple(parts), own / count

    @staticmethod
    def _chosen(stays: Tensor, x: Tensor, other: Tensor, axis: int) -> Tensor:
        return torch.where(stays.unsqueeze(-1 if axis == -2 else -2), x, other)


def standard_blend(kind: MixKind) -> Blend:
    """Averages for mixup, boxes for cutmix: for inputs that are pictures or vectors, and for hidden features."""
    return Linear() if kind == "mixup" else Boxes()


def as_tensors(*views: View) -> tuple[Tensor, ...]:
    """The views, each a tensor.

    Raises:
        TypeError: one is not: its modality has to say how it is blended.
    """
    wrong = [type(view).__name__ for view in views if not isinstance(view, Tensor)]
    if wrong:
        raise TypeError(f"expected views that are tensors, got {wrong[0]}; give a Blend for them.")
    return views  # type: ignore[return-value]


def per_sample(weight: Tensor, x: Tensor) -> Tensor:
    """(B,) as (B, 1, ...), to multiply x (B, ...)."""
    if weight.shape != x.shape[:1]:
        raise ValueError(f"expected a weight for each of {len(x)} samples, got shape {tuple(weight.shape)}.")
    return weight.reshape(-1, *[1] * (x.ndim - 1))


def _between(centre: Tensor, side: Tensor, size: int) -> Tensor:
    """(B, size) bool: the positions of intervals around centres (B,) whose sides (B,) are shares of the size."""
    length = (side * size).floor()
    first = ((centre * size).floor() - (length / 2).floor())[:, None]
    place = torch.arange(size, device=centre.device)
    return (place >= first) & (place < first + length[:, None])
