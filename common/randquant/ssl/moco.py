"""MoCo: find a momentum teacher's key among a queue of earlier ones.

`python -m randquant.ssl.moco` trains on toy sounds in seconds and prints its accuracy.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from randquant.mix import Mixture
from randquant.ssl.choices import Head
from randquant.ssl.gathering import gathered
from randquant.ssl.heads import Projected, projector
from randquant.ssl.infonce import info_nce
from randquant.ssl.method import Method, each_output, key_outputs
from randquant.ssl.momentum import MomentumTeacher
from randquant.ssl.split_norm import split_batch_norms
from randquant.views import View, batch_of, taken


class MoCo(Method):
    """Find the momentum teacher's projection of each sample's other view among a queue of earlier ones.

    The loss is the mean over ordered pairs of views. A step's keys, of all views and processes, enter the queue
    after their loss, the oldest leave. A queue that holds more than an epoch of keys contains earlier keys of the
    same samples as negatives: keep `queue_size` well below views x items.

    Args:
        encoder, embedding_size, hidden_size, projection_size, temperature, head: as for `InfoNCE`; "linear" is MoCo
            v1's head, "mocov2" MoCo v2's.
        queue_size: keys kept.
        symmetric_loss: every view is a query and a key; false, as published, makes the first of each two views the
            query and the second the key, at half the work.
        bn_splits: parts of a batch that batch norm sees one by one, as if on so many GPUs; the teacher sees the batch
            shuffled, so that a query and its own key are not normalised together. 1 is batch norm over all views.

    Source: He et al., CVPR 2020 (v1); Chen et al., arXiv 2003.04297 (v2).
    With several processes each normalises and shuffles its own items; the paper shuffles them between GPUs.
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
        head: Head = "byol",
        symmetric_loss: bool = True,
        bn_splits: int = 1,
    ) -> None:
        super().__init__()
        if queue_size < 1:
            raise ValueError(f"queue_size should be at least 1, got {queue_size}.")
        self.online = Projected(encoder, projector(embedding_size, hidden_size, projection_size, head))
        if bn_splits > 1:
            split_batch_norms(self.online, bn_splits)
        self.teacher = MomentumTeacher(self.online)
        self.temperature, self.symmetric_loss, self.bn_splits = temperature, symmetric_loss, bn_splits
        self.register_buffer("queue", F.normalize(torch.randn(queue_size, projection_size), dim=-1))
        self.register_buffer("oldest", torch.zeros((), dtype=torch.int64))

    @property
    def encoder(self) -> nn.Module:  # type: ignore[override]
        """The online encoder: what is kept after pretraining."""
        return self.online[0]

    def forward(
        self, views: Sequence[View], groups: Tensor | None = None, *, local: Sequence[View] = ()
    ) -> tuple[Tensor, Tensor]:
        """Loss over all pairs of views and the online projections (queries * B, P); `groups` is not used."""
        pairs = self.pairs(views)
        numbers = sorted({query for query, _ in pairs})
        projections, mixtures = self.mixed(self.online, [views[number] for number in numbers])
        queries = dict(zip(numbers, zip(projections.chunk(len(numbers)), mixtures, strict=True), strict=True))
        keys = key_outputs(self._keys, views, pairs, every=bool(local))
        loss = self.total(
            (self._pair_loss(queries[i][0], keys[j], queries[i][1]) for i, j in pairs),
            (self._pair_loss(query, key) for query in each_output(self.online, local) for key in keys.values()),
        )
        self._remember(gathered(torch.cat(list(keys.values())), gradient=False, own_first=False))
        return loss, projections.detach()

    def pairs(self, views: Sequence[View]) -> list[tuple[int, int]]:
        """As `Method.pairs`; without a symmetric loss those of i < j."""
        pairs = super().pairs(views)
        return pairs if self.symmetric_loss else [(query, key) for query, key in pairs if query < key]

    def after_step(self, momentum: float) -> None:
        """Let the teacher follow."""
        self.teacher.update(self.online, momentum)

    def _keys(self, view: View) -> Tensor:
        """The teacher's projections (B, P), with a batch that is split shuffled for it."""
        if self.bn_splits == 1:
            return self.teacher(view).float()
        size, device = batch_of(view)
        order = torch.randperm(size, device=device)  # the step has seeded it
        return self.teacher(taken(view, order))[order.argsort()].float()

    def _pair_loss(self, queries: Tensor, keys: Tensor, mixture: Mixture | None = None) -> Tensor:
        """Each query's candidates are its own key and the queue, not the batch's other keys; those of a mixed one are.

        As another key of the batch is a label of a mixed query too, all of them stand before the queue (i-Mix).
        """
        if mixture is not None:
            every = torch.cat([gathered(keys, gradient=False), self.queue])
            return info_nce(queries, every, temperature=self.temperature, labels=mixture.labels(len(every)))
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


if __name__ == "__main__":
    from randquant.ssl.toy import learn

    learn(MoCo)
