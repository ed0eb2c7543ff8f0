"""Self-supervised methods: an `nn.Module` each, from a list of views to a loss.

A method owns its encoder and heads. `forward(views, groups)` gives `(loss, projections)`, the projections
(views * B, P) being what collapse is watched on; `groups` (B,) names the recording or object each sample is a part of,
for the methods that ask. `after_step` runs right after the optimiser's step.
"""

import itertools
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from randquant.heads import predictor, projector
from randquant.losses import byol_loss, info_nce
from randquant.momentum import MomentumTeacher

Negatives = Literal["batch", "group"]


class BYOL(nn.Module):
    """Predict the momentum teacher's projection of one view from another view; no negatives.

    The loss adds over ordered pairs of views; with two views it lies in [0, 8]. All views pass each network as one
    batch, so batch norm sees them together.

    Args:
        encoder: (B, ...) -> (B, D).
        embedding_size: D.
        hidden_size: width of both heads.
        projection_size: P.

    Source: Grill et al., NeurIPS 2020; sizes of BYOL-A, Niizumi et al., IJCNN 2021.
    """

    def __init__(
        self, encoder: nn.Module, embedding_size: int, hidden_size: int = 4096, projection_size: int = 256
    ) -> None:
        super().__init__()
        self.online = nn.Sequential(encoder, projector(embedding_size, hidden_size, projection_size))
        self.predictor = predictor(projection_size, hidden_size)
        self.teacher = MomentumTeacher(self.online)

    @property
    def encoder(self) -> nn.Module:
        """The online encoder: what is kept after pretraining."""
        return self.online[0]

    def forward(self, views: Sequence[Tensor], groups: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Loss over all ordered pairs of views, each (B, ...), and the online projections (views * B, P).

        `groups` says nothing to BYOL, which has no negatives.
        """
        count = _checked_count(views)
        together = torch.cat(list(views))
        projections = self.online(together)
        predictions = self.predictor(projections).chunk(count)
        targets = self.teacher(together).chunk(count)
        loss = torch.stack(
            [byol_loss(predictions[i], targets[j]) for i, j in itertools.permutations(range(count), 2)]
        ).sum()
        return loss, projections.detach()

    def after_step(self, momentum: float) -> None:
        """Let the teacher follow."""
        self.teacher.update(self.online, momentum)


class InfoNCE(nn.Module):
    """Tell each sample's other view from other samples; no teacher.

    The loss is the mean over ordered pairs of views. Under data parallelism the keys of all processes are negatives.

    With negatives "batch" these are all other samples. With "group" they are the other parts of the same recording or
    object alone, and what its parts share (the speaker, the room) tells nothing apart and is not rewarded; samples that
    are the only part of theirs in the batch are told from one another.

    Args:
        encoder: (B, ...) -> (B, D).
        embedding_size: D.
        hidden_size: width of the projector.
        projection_size: P.
        temperature: divides the cosines.
        negatives: "batch" or "group".

    Source: van den Oord et al., arXiv 1807.03748; symmetric and in-batch as in SimCLR, Chen et al., ICML 2020, but
    with the other view's samples alone as negatives (N-pair, as in i-Mix, Lee et al., ICLR 2021).
    """

    def __init__(
        self,
        encoder: nn.Module,
        embedding_size: int,
        hidden_size: int = 4096,
        projection_size: int = 256,
        temperature: float = 0.2,
        negatives: Negatives = "batch",
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector = projector(embedding_size, hidden_size, projection_size)
        self.temperature, self.negatives = temperature, negatives

    def forward(self, views: Sequence[Tensor], groups: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Loss over all ordered pairs of views, each (B, ...), and the projections (views * B, P).

        Args:
            views: as many tensors as there are views.
            groups: (B,) int64, needed where negatives are "group".
        """
        count = _checked_count(views)
        candidates = self._candidates(groups)
        projections = self.projector(self.encoder(torch.cat(list(views))))
        parts = projections.chunk(count)
        keys = [_gathered(part) for part in parts]
        loss = torch.stack(
            [
                info_nce(parts[i], keys[j], temperature=self.temperature, candidates=candidates)
                for i, j in itertools.permutations(range(count), 2)
            ]
        ).mean()
        return loss, projections.detach()

    def after_step(self, momentum: float) -> None:
        """Nothing follows the encoder."""

    def _candidates(self, groups: Tensor | None) -> Tensor | None:
        """The keys (of all processes) that each query is told its own from."""
        if self.negatives == "batch":
            return None
        if groups is None:
            raise ValueError('negatives "group" need the groups of the samples.')
        everyone = _gathered(groups, gradient=False)
        same = groups[:, None] == everyone
        alone = same.sum(dim=1) == 1
        return same | (alone[:, None] & _gathered(alone, gradient=False))


def _checked_count(views: Sequence[Tensor]) -> int:
    if len(views) < 2 or len({view.shape for view in views}) != 1:
        raise ValueError(f"expected at least two views of one shape, got {[tuple(view.shape) for view in views]}.")
    return len(views)


def _gathered(values: Tensor, *, gradient: bool = True) -> Tensor:
    """The values (B, ...) of all processes, this process's own first; the values themselves when alone."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return values
    if gradient:
        from torch.distributed.nn.functional import all_gather

        parts = list(all_gather(values))
    else:
        parts = [torch.empty_like(values) for _ in range(torch.distributed.get_world_size())]
        torch.distributed.all_gather(parts, values)
    own = parts.pop(torch.distributed.get_rank())
    return torch.cat([own, *parts])
