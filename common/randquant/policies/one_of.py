"""Random choices among augmentations, for every sample by itself, without waiting for the device.

    OneOf(a, b, c)       each sample goes through one of them, all equally likely
    Sometimes(a, p)      each sample goes through it with probability p
    InTurn(a, b)         one after the other, as one augmentation

So RandAugment (Cubuk et al., NeurIPS 2020) is `OneOf(*operations)` n times over, and AutoAugment (Cubuk et al., CVPR
2019) is `OneOf` over `InTurn(Sometimes(a, p), Sometimes(b, q))`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from randquant.arguments import checked_probability
from randquant.augmentation import Augmentation


class Assignment(NamedTuple):
    """Which samples go through which of K operations.

    Attributes:
        samples: (K, ceil(B / K)) int64, those of each operation; where B is no multiple of K some come twice.
        place: (B,) int64, where each sample's result lies among those of all operations, one after the other.
    """

    samples: Tensor
    place: Tensor


def assign(
    batch: int, operations: int, *, device: torch.device, generator: torch.Generator | None = None
) -> Assignment:
    """Deal the samples out at random.

    Every operation gets as many places, and a random one of all places is each sample's. So each is equally likely for
    every sample, each sample passes one operation alone, and no size depends on what is drawn. The choices of two
    samples are not quite independent: a batch holds each operation about equally often.
    """
    share = -(-batch // operations)
    order = torch.rand(share * operations, device=device, generator=generator).argsort()
    samples = torch.empty_like(order)
    samples[order] = torch.arange(share * operations, device=device) % batch
    return Assignment(samples.view(operations, share), order[:batch])


class OneOfParams(NamedTuple):
    """One draw of `OneOf`: who goes where, and what each operation drew for its samples."""

    assignment: Assignment
    drawn: list[Any]


class OneOf(Augmentation):
    """Apply to every sample one of several augmentations, all equally likely.

    Args:
        operations: one or more, each of which keeps shape and dtype.

    Raises:
        ValueError: none is given.
    """

    def __init__(self, *operations: Augmentation) -> None:
        super().__init__()
        if not operations:
            raise ValueError("expected at least one operation, got none.")
        self.operations = nn.ModuleList(operations)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> OneOfParams:
        """Draw for a batch (B, ...)."""
        assignment = assign(len(x), len(self.operations), device=x.device, generator=generator)
        pairs = zip(_augmentations(self.operations), assignment.samples, strict=True)
        return OneOfParams(assignment, [each.make_params(x[samples], generator=generator) for each, samples in pairs])

    def transform(self, x: Tensor, params: OneOfParams) -> Tensor:
        """Apply a draw."""
        assignment, drawn = params
        parts = zip(_augmentations(self.operations), assignment.samples, drawn, strict=True)
        return torch.cat([each.transform(x[samples], its) for each, samples, its in parts])[assignment.place]

    def forward(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """As drawing and then applying, but each sample's part once where drawing is applying too (`InTurn`)."""
        if not self.training:
            return x
        assignment = assign(len(x), len(self.operations), device=x.device, generator=generator)
        pairs = zip(_augmentations(self.operations), assignment.samples, strict=True)
        return torch.cat([each(x[samples], generator=generator) for each, samples in pairs])[assignment.place]


class Sometimes(Augmentation):
    """Apply an augmentation to each sample with probability p.

    Args:
        augmentation: one that keeps shape and dtype.
        p: in [0, 1].
    """

    def __init__(self, augmentation: Augmentation, p: float) -> None:
        super().__init__()
        self.augmentation, self.p = augmentation, checked_probability("p", p)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> tuple[Tensor, Any]:
        """Draw who (B,) is changed, and how."""
        chosen = torch.rand(len(x), device=x.device, generator=generator) < self.p
        return chosen, self.augmentation.make_params(x, generator=generator)

    def transform(self, x: Tensor, params: tuple[Tensor, Any]) -> Tensor:
        """Apply a draw."""
        chosen, drawn = params
        return self._chosen(chosen, self.augmentation.transform(x, drawn), x)

    def forward(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Draw and apply in one pass; the draws are those of `make_params`."""
        if not self.training:
            return x
        chosen = torch.rand(len(x), device=x.device, generator=generator) < self.p
        return self._chosen(chosen, self.augmentation(x, generator=generator), x)

    @staticmethod
    def _chosen(chosen: Tensor, changed: Tensor, x: Tensor) -> Tensor:
        return torch.where(chosen.reshape(-1, *[1] * (x.ndim - 1)), changed, x)


class InTurn(Augmentation):
    """Apply augmentations one after the other, as one.

    Args:
        augmentations: any number; none is the identity.
    """

    def __init__(self, *augmentations: Augmentation) -> None:
        super().__init__()
        self.augmentations = nn.ModuleList(augmentations)

    def make_params(self, x: Tensor, *, generator: torch.Generator | None = None) -> list[Any]:
        """Draw, each for what those before it make of the batch."""
        drawn = []
        for each in _augmentations(self.augmentations):
            drawn.append(each.make_params(x, generator=generator))
            x = each.transform(x, drawn[-1])
        return drawn

    def transform(self, x: Tensor, params: list[Any]) -> Tensor:
        """Apply a draw."""
        for each, drawn in zip(_augmentations(self.augmentations), params, strict=True):
            x = each.transform(x, drawn)
        return x

    def forward(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """As drawing and then applying, but each is applied once."""
        for each in _augmentations(self.augmentations):
            x = each(x, generator=generator)
        return x


def _augmentations(modules: nn.ModuleList) -> Sequence[Augmentation]:
    return list(modules)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Choices:
    """The modules that a modality makes random choices by; these take tensors."""

    one_of: Callable[..., Augmentation] = OneOf
    sometimes: Callable[[Augmentation, float], Augmentation] = Sometimes
    in_turn: Callable[..., Augmentation] = InTurn
