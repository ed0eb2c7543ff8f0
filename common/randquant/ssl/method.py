"""The base class of self-supervised methods: from a list of views to a loss."""

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from randquant.mix import Mix, Mixture
from randquant.views import View, ordered_pairs, stacked, view_shape


class Method(nn.Module):
    """Owns an encoder and the heads behind it.

    A view is the tensor (B, ...) that the encoder takes, or the tuple of its arguments where it takes several.

    Attributes:
        encoder: what is kept after pretraining.
        mix: mixes queries while it trains; None does not. Set it on any method.
        local_weight: of the pairs of local views in the loss.
        reduction: how the losses of pairs are one: "sum" or "mean".
    """

    encoder: nn.Module
    reduction: ClassVar[Literal["sum", "mean"]] = "mean"

    def __init__(self) -> None:
        super().__init__()
        self.mix: Mix | None = None
        self.local_weight = 1.0

    def forward(
        self, views: Sequence[View], groups: Tensor | None = None, *, local: Sequence[View] = ()
    ) -> tuple[Tensor, Tensor]:
        """The loss, and the projections (views * B, P) on which collapse is watched.

        Args:
            views: at least two of the same samples, of one shape.
            groups: (B,) int64, the recording or object that each sample is a part of, for the methods that ask.
            local: smaller views of any shapes; each is a query against every one of `views`, never mixed.
        """
        raise NotImplementedError

    def after_step(self, momentum: float) -> None:
        """Called right after the optimiser's step; a teacher follows by this momentum."""

    def pairs(self, views: Sequence[View]) -> list[tuple[int, int]]:
        """The numbers of query and key of each pair: all ordered ones, or where a mix is one-sided those of i < j.

        Raises:
            ValueError: fewer than two views.
        """
        if len(views) < 2:
            raise ValueError(f"expected at least two views, got {len(views)}.")
        one_sided = self.mix is not None and not self.mix.symmetric
        return [(query, key) for query, key in ordered_pairs(views) if query < key or not one_sided]

    def mixed(
        self, network: Callable[[View], Tensor], queries: Sequence[View], clean: Sequence[View] = ()
    ) -> tuple[Tensor, Sequence[Mixture | None]]:
        """Pass views through a network as one batch, the queries mixed; see `Mix.through`."""
        if self.mix is None:
            return network(stacked([*queries, *clean])), [None] * len(queries)
        return self.mix.through(network, self.encoder, queries, clean)

    def total(self, pairs: Iterable[Tensor], local: Iterable[Tensor] = ()) -> Tensor:
        """The losses () of pairs of global views, and of pairs of a local and a global one, as one."""
        losses, local_losses = list(pairs), list(local)
        loss = getattr(torch.stack(losses), self.reduction)()
        if not local_losses:
            return loss
        return loss + self.local_weight * getattr(torch.stack(local_losses), self.reduction)()


def key_outputs(
    network: Callable[[View], Tensor], views: Sequence[View], pairs: Sequence[tuple[int, int]], every: bool
) -> dict[int, Tensor]:
    """A network's outputs (B, ...) for the views that are keys of the pairs, or for every one, from one pass."""
    numbers = list(range(len(views))) if every else sorted({key for _, key in pairs})
    outputs = network(stacked([views[number] for number in numbers])).chunk(len(numbers))
    return dict(zip(numbers, outputs, strict=True))


def each_output(network: Callable[[View], Tensor], views: Sequence[View]) -> list[Tensor]:
    """A network's outputs (B, ...) for views of any shapes; those of one shape pass it as one batch."""
    outputs: dict[int, Tensor] = {}
    shapes = [view_shape(view) for view in views]
    for shape in dict.fromkeys(shapes):
        alike = [number for number, other in enumerate(shapes) if other == shape]
        together = network(stacked([views[number] for number in alike]))
        outputs.update(zip(alike, together.chunk(len(alike)), strict=True))
    return [outputs[number] for number in range(len(views))]
