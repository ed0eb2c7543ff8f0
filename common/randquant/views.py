"""Policies: one named list of augmentations a view. As many views as policies; the list says everything."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from randquant.augmentation import Augmentation
from randquant.packed import PackedBatch

# What an encoder takes: a tensor (B, ...), its arguments in turn, None where it is to do without, or packed clouds.
View = Tensor | tuple[Tensor | None, ...] | PackedBatch


@dataclass
class ViewSet:
    """The views of one batch, with local ones.

    Attributes:
        views: global ones, of one form and shape: every ordered pair of them enters a method's loss.
        local: smaller ones, such as short crops, of any shapes: each is a query against every global view, never a
            key, so that a part of an item is told from the whole.
    """

    views: list[View]
    local: list[View] = field(default_factory=list)

    @classmethod
    def of(cls, views: "Sequence[View] | ViewSet") -> "ViewSet":
        """What a task's `make_views` gives: global views alone, or a set."""
        return views if isinstance(views, ViewSet) else cls(list(views))

    def parts(self, groups: Tensor, count: int) -> "Iterator[tuple[ViewSet, Tensor]]":
        """Cut it, and the groups (B,) of its items, into `count` parts of B / count items."""
        views, local = ([_chunks(view, count) for view in each] for each in (self.views, self.local))
        for number, its_groups in enumerate(groups.chunk(count)):
            yield ViewSet([each[number] for each in views], [each[number] for each in local]), its_groups


def batch_of(view: View) -> tuple[int, torch.device]:
    """How many samples a view holds, and where."""
    if isinstance(view, PackedBatch):
        return len(view), view.rows.device
    first = view[0] if isinstance(view, tuple) else view
    assert first is not None
    return len(first), first.device


def taken(view: View, order: Tensor) -> View:
    """The samples of a view in another order (B,) int64, a permutation."""
    if isinstance(view, PackedBatch):
        return view.taken(order)
    if isinstance(view, tuple):
        parts = [None if part is None else part[order] for part in view]
        return type(view)(*parts) if hasattr(view, "_fields") else tuple(parts)  # type: ignore[arg-type]
    return view[order]


def stacked(views: Sequence[View]) -> View:
    """`together`, or the only view."""
    return views[0] if len(views) == 1 else together(views)


def together(views: Sequence[View]) -> View:
    """Several views of one batch as one batch (views * B, ...), so that batch norm sees them together.

    Raises:
        ValueError: fewer than two views, or not all of one form and shape.
    """
    packed = [view for view in views if isinstance(view, PackedBatch)]
    if len(packed) == len(views) > 1 and len({len(view) for view in packed}) == 1:
        return PackedBatch.joined(packed)
    as_tuples = [view if isinstance(view, tuple) else (view,) for view in views if not isinstance(view, PackedBatch)]
    shapes = [view_shape(view) for view in views]
    if len(views) < 2 or packed or any(shape != shapes[0] for shape in shapes):
        raise ValueError(f"expected at least two views of one shape, got {len(views)} of shapes {shapes}.")
    if not isinstance(views[0], tuple):
        return torch.cat([part for (part,) in as_tuples])  # type: ignore[misc]
    return tuple(None if part[0] is None else torch.cat(part) for part in zip(*as_tuples, strict=True))


def view_shape(view: View) -> tuple[tuple[int, ...] | None, ...]:
    """The shapes of a view's tensors; of packed clouds their number, as their sizes may be any."""
    if isinstance(view, PackedBatch):
        return ((len(view),),)
    return tuple(None if part is None else tuple(part.shape) for part in (view if isinstance(view, tuple) else (view,)))


def embedded(encoder: nn.Module, view: View) -> Tensor:
    """What an encoder makes of a view."""
    return encoder(*view) if isinstance(view, tuple) else encoder(view)


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
