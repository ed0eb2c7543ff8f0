"""Self-supervised methods: an `nn.Module` each, from a list of views to a loss.

A method owns its encoder and heads. `forward(views, groups)` gives `(loss, projections)`, the projections
(views * B, P) being what collapse is watched on; `groups` (B,) names the recording or object each sample is a part of,
for the methods that ask. `after_step` runs right after the optimiser's step. A view is the tensor (B, ...) that the
encoder takes, or the tuple of such tensors where it takes several.
"""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from randquant.ssl.heads import predictor, projector
from randquant.ssl.losses import byol_loss, info_nce
from randquant.ssl.momentum import MomentumTeacher
from randquant.views import View, together

if TYPE_CHECKING:
    from randquant.training.settings import Training

Negatives = Literal["batch", "group"]


class Projected(nn.Sequential):
    """An encoder and its projector: a view -> projections (B, P)."""

    def forward(self, view: View) -> Tensor:
        """Project a view."""
        encoder, head = self
        return head(encoder(*view) if isinstance(view, tuple) else encoder(view))


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
        self.online = Projected(encoder, projector(embedding_size, hidden_size, projection_size))
        self.predictor = predictor(projection_size, hidden_size)
        self.teacher = MomentumTeacher(self.online)

    @property
    def encoder(self) -> nn.Module:
        """The online encoder: what is kept after pretraining."""
        return self.online[0]

    def forward(self, views: Sequence[View], groups: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Loss over all ordered pairs of views and the online projections (views * B, P).

        `groups` says nothing here: a recording's other parts are neither wanted nor refused.
        """
        inputs = together(views)
        projections = self.online(inputs)
        predictions = self.predictor(projections).chunk(len(views))
        targets = self.teacher(inputs).chunk(len(views))
        loss = torch.stack([self.pair_loss(predictions[i], targets[j]) for i, j in _ordered_pairs(views)]).sum()
        return loss, projections.detach()

    def pair_loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Of one view's predictions (B, P) and the teacher's projections (B, P) of another."""
        return byol_loss(prediction, target)

    def after_step(self, momentum: float) -> None:
        """Let the teacher follow."""
        self.teacher.update(self.online, momentum)


class MoCoV3(BYOL):
    """Tell the momentum teacher's projection of each sample's other view from those of the batch; no queue.

    It is BYOL with a contrastive loss: the keys of all processes are candidates, and each pair's loss is scaled by
    twice the temperature, so that the rate need not follow the temperature.

    Args:
        encoder, embedding_size, hidden_size, projection_size: as for BYOL.
        temperature: divides the cosines.

    Source: Chen, Xie and He, "An empirical study of training self-supervised vision transformers", ICCV 2021.
    """

    def __init__(
        self,
        encoder: nn.Module,
        embedding_size: int,
        hidden_size: int = 4096,
        projection_size: int = 256,
        temperature: float = 0.2,
    ) -> None:
        super().__init__(encoder, embedding_size, hidden_size, projection_size)
        self.temperature = temperature

    def pair_loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Of one view's predictions (B, P) and the teacher's projections (B, P) of another."""
        keys = _gathered(target, gradient=False)
        return 2.0 * self.temperature * info_nce(prediction, keys, temperature=self.temperature)


class MoCo(nn.Module):
    """Tell the momentum teacher's projection of each sample's other view from a queue of earlier ones.

    The loss is the mean over ordered pairs of views. A step's keys, of all views and processes, enter the queue
    after their loss, the oldest leave. A queue that holds more than an epoch of keys holds earlier keys of the very
    samples it is to be told from: keep `queue_size` well below views x items.

    Args:
        encoder: (B, ...) -> (B, D).
        embedding_size: D.
        hidden_size: width of the projector.
        projection_size: P.
        temperature: divides the cosines.
        queue_size: keys kept.

    Source: He et al., CVPR 2020, with the projector of MoCo v2, Chen et al., arXiv 2003.04297; symmetric over views.
    Batches are not shuffled between processes: batch norm sees all views together instead.
    """

    queue: Tensor
    oldest: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        embedding_size: int,
        hidden_size: int = 4096,
        projection_size: int = 256,
        temperature: float = 0.2,
        queue_size: int = 4096,
    ) -> None:
        super().__init__()
        if queue_size < 1:
            raise ValueError(f"queue_size should be at least 1, got {queue_size}.")
        self.online = Projected(encoder, projector(embedding_size, hidden_size, projection_size))
        self.teacher = MomentumTeacher(self.online)
        self.temperature = temperature
        self.register_buffer("queue", F.normalize(torch.randn(queue_size, projection_size), dim=-1))
        self.register_buffer("oldest", torch.zeros((), dtype=torch.int64))

    @property
    def encoder(self) -> nn.Module:
        """The online encoder: what is kept after pretraining."""
        return self.online[0]

    def forward(self, views: Sequence[View], groups: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Loss over all ordered pairs of views and the online projections (views * B, P); `groups` is not used."""
        inputs = together(views)
        projections = self.online(inputs)
        queries = projections.chunk(len(views))
        together_keys = self.teacher(inputs).float()
        keys = together_keys.chunk(len(views))
        loss = torch.stack([self._pair_loss(queries[i], keys[j]) for i, j in _ordered_pairs(views)]).mean()
        self._remember(_gathered(together_keys, gradient=False, own_first=False))
        return loss, projections.detach()

    def after_step(self, momentum: float) -> None:
        """Let the teacher follow."""
        self.teacher.update(self.online, momentum)

    def _pair_loss(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Each query's candidates are its own key and the queue, not the batch's other keys."""
        size = len(queries)
        own = torch.eye(size, dtype=torch.bool, device=queries.device)
        candidates = torch.cat([own, own.new_ones(size, len(self.queue))], dim=1)
        every = torch.cat([keys, self.queue])  # a copy: the queue changes before the backward pass
        return info_nce(queries, every, temperature=self.temperature, candidates=candidates)

    @torch.no_grad()
    def _remember(self, keys: Tensor) -> None:
        keys = F.normalize(keys, dim=-1)[-len(self.queue) :]
        places = (self.oldest + torch.arange(len(keys), device=keys.device)) % len(self.queue)
        self.queue.index_copy_(0, places, keys)
        self.oldest.copy_((self.oldest + len(keys)) % len(self.queue))


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
        same_view: whether the other samples' projections of the query's own view are negatives too, as in SimCLR's
            NT-Xent, or those of the other view alone (N-pair, as in i-Mix).

    Source: van den Oord et al., arXiv 1807.03748; SimCLR, Chen et al., ICML 2020; i-Mix, Lee et al., ICLR 2021.
    """

    def __init__(
        self,
        encoder: nn.Module,
        embedding_size: int,
        hidden_size: int = 4096,
        projection_size: int = 256,
        temperature: float = 0.2,
        negatives: Negatives = "batch",
        same_view: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector = projector(embedding_size, hidden_size, projection_size)
        self.temperature, self.negatives, self.same_view = temperature, negatives, same_view

    def forward(self, views: Sequence[View], groups: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Loss over all ordered pairs of views and the projections (views * B, P).

        Args:
            views: as many as there are.
            groups: (B,) int64, needed where negatives are "group".
        """
        inputs = together(views)
        candidates = self._candidates(groups)
        embeddings = self.encoder(*inputs) if isinstance(inputs, tuple) else self.encoder(inputs)
        projections = self.projector(embeddings)
        parts = projections.chunk(len(views))
        keys = [_gathered(part) for part in parts]
        pairs = _ordered_pairs(views)
        loss = torch.stack([self._pair_loss(parts[i], keys[j], keys[i], candidates) for i, j in pairs]).mean()
        return loss, projections.detach()

    def after_step(self, momentum: float) -> None:
        """Nothing follows the encoder."""

    def _pair_loss(self, query: Tensor, others: Tensor, same: Tensor, candidates: Tensor | None) -> Tensor:
        """`others` are all keys of another view, `same` those of the query's own, each beginning with its own rows."""
        if not self.same_view:
            return info_nce(query, others, temperature=self.temperature, candidates=candidates)
        if candidates is None:
            candidates = torch.ones(len(query), len(others), dtype=torch.bool, device=query.device)
        itself = torch.eye(len(query), len(same), dtype=torch.bool, device=query.device)
        both = torch.cat([candidates, candidates & ~itself], dim=1)
        return info_nce(query, torch.cat([others, same]), temperature=self.temperature, candidates=both)

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


Method = BYOL | MoCoV3 | MoCo | InfoNCE


def make_method(settings: "Training", encoder: nn.Module, embedding_size: int) -> Method:
    """The method that a training's settings name, around an encoder."""
    sizes = (embedding_size, settings.hidden_size, settings.projection_size)
    temperature = settings.temperature
    if settings.method == "byol":
        return BYOL(encoder, *sizes)
    if settings.method == "mocov3":
        return MoCoV3(encoder, *sizes, temperature=temperature)
    if settings.method == "moco":
        return MoCo(encoder, *sizes, temperature=temperature, queue_size=settings.queue_size)
    same_view = settings.method == "simclr"
    return InfoNCE(encoder, *sizes, temperature=temperature, negatives=settings.negatives, same_view=same_view)


def _ordered_pairs(views: Sequence[View]) -> list[tuple[int, int]]:
    return list(itertools.permutations(range(len(views)), 2))


def _gathered(values: Tensor, *, gradient: bool = True, own_first: bool = True) -> Tensor:
    """The values (B, ...) of all processes, this process's own first or in their order; the values when alone."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return values
    if gradient:
        from torch.distributed.nn.functional import all_gather

        parts = list(all_gather(values))
    else:
        parts = [torch.empty_like(values) for _ in range(torch.distributed.get_world_size())]
        torch.distributed.all_gather(parts, values.contiguous())
    if not own_first:
        return torch.cat(parts)
    own = parts.pop(torch.distributed.get_rank())
    return torch.cat([own, *parts])
