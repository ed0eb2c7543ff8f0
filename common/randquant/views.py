"""Policies: one named list of augmentations a view. As many views as policies; the list says everything."""

import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from randquant.augmentation import Augmentation
from randquant.packed import PackedBatch

# What an encoder takes: a tensor (B, ...), its arguments in turn, None where it is to do without, or packed clouds.
View = Tensor | tuple[Tensor | None, ...] | PackedBatch


def together(views: Sequence[View]) -> View:
    """Several views of one batch as one batch (views * B, ...), so that batch norm sees them together.

    Raises:
        ValueError: fewer than two views, or not all of one form and shape.
    """
    packed = [view for view in views if isinstance(view, PackedBatch)]
    if len(packed) == len(views) > 1 and len({len(view) for view in packed}) == 1:
        return PackedBatch.joined(packed)
    as_tuples = [view if isinstance(view, tuple) else (view,) for view in views if not isinstance(view, PackedBatch)]
    shapes = [[None if part is None else tuple(part.shape) for part in view] for view in as_tuples]
    if len(views) < 2 or packed or any(shape != shapes[0] for shape in shapes):
        raise ValueError(f"expected at least two views of one shape, got {len(views)} of shapes {shapes}.")
    if not isinstance(views[0], tuple):
        return torch.cat([part for (part,) in as_tuples])  # type: ignore[misc]
    return tuple(None if part[0] is None else torch.cat(part) for part in zip(*as_tuples, strict=True))


def embedded(encoder: nn.Module, view: View) -> Tensor:
    """What an encoder makes of a view."""
    return encoder(*view) if isinstance(view, tuple) else encoder(view)


def micro_batches(views: Sequence[View], groups: Tensor, count: int) -> Iterator[tuple[list[View], Tensor]]:
    """Cut several views of one batch, and the groups (B,) of its items, into `count` parts of B / count items."""
    parts = [_chunks(view, count) for view in views]
    for number, its_groups in enumerate(groups.chunk(count)):
        yield [each[number] for each in parts], its_groups


def _chunks(view: View, count: int) -> Sequence[View]:
    if isinstance(view, PackedBatch):
        size = len(view) // count
        return [view.clouds(number * size, (number + 1) * size) for number in range(count)]
    if not isinstance(view, tuple):
        return view.chunk(count)
    each = [[None] * count if part is None else part.chunk(count) for part in view]
    return list(zip(*each, strict=True))


def ordered_pairs(views: Sequence[View]) -> list[tuple[int, int]]:
    """The numbers of every two different views, in either order."""
    return list(itertools.permutations(range(len(views)), 2))


class Policy(nn.Sequential):
    """Augmentations applied one after the other, all drawing from the same generator."""

    def __init__(self, *augmentations: Augmentation) -> None:
        super().__init__(*augmentations)

    def forward(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Augment a batch (B, ...)."""
        for augmentation in self:
            x = augmentation(x, generator=generator)
        return x


class Views(nn.Module):
    """Make one view a policy.

    Args:
        policies: a policy a view. Passing the same object twice shares its state, such as a mixing bank.
    """

    def __init__(self, policies: Sequence[Policy]) -> None:
        super().__init__()
        if not policies:
            raise ValueError("expected at least one policy, got none.")
        self.policies = nn.ModuleList(policies)

    def forward(self, sources: Sequence[Tensor], *, generator: torch.Generator | None = None) -> list[Tensor]:
        """Augment; view i is policy i applied to source i modulo their number.

        Args:
            sources: one batch (B, ...) for all views, or several crops of the same items, each (B, ...).
            generator: source of every draw, on the sources' device.
        """
        return [
            policy(sources[index % len(sources)], generator=generator) for index, policy in enumerate(self.policies)
        ]
