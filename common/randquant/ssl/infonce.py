"""InfoNCE: tell each sample's other view from other samples; no teacher.

`python -m randquant.ssl.infonce` trains on toy sounds in seconds and prints its accuracy.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from randquant.ssl.gathering import gathered
from randquant.ssl.heads import projector
from randquant.ssl.method import Method
from randquant.views import View, embedded, ordered_pairs, together

Negatives = Literal["batch", "group"]


class InfoNCE(Method):
    """Find each sample's other view among other samples; no teacher.

    The loss is the mean over ordered pairs of views. Under data parallelism the keys of all processes are negatives.

    With negatives "batch" these are all other samples. With "group" they are only the other parts of the same
    recording or object, so that what its parts share (the speaker, the room) is not rewarded; samples whose recording
    has no other part in the batch are contrasted with one another.

    Args:
        encoder: (B, ...) -> (B, D).
        embedding_size: D.
        hidden_size: width of the projector.
        projection_size: P.
        temperature: divides the cosines.
        negatives: "batch" or "group".

    Source: van den Oord et al., arXiv 1807.03748; N-pair as in i-Mix, Lee et al., ICLR 2021.
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

    def forward(self, views: Sequence[View], groups: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Loss over all ordered pairs of views and the projections (views * B, P).

        Args:
            views: as many as there are.
            groups: (B,) int64, needed where negatives are "group".
        """
        inputs = together(views)
        candidates = self._candidates(groups)
        projections = self.projector(embedded(self.encoder, inputs))
        queries = projections.chunk(len(views))
        keys = [gathered(each) for each in queries]
        pairs = ordered_pairs(views)
        loss = torch.stack([self.pair_loss(queries[i], keys[j], keys[i], candidates) for i, j in pairs]).mean()
        return loss, projections.detach()

    def pair_loss(self, query: Tensor, others: Tensor, same: Tensor, candidates: Tensor | None) -> Tensor:
        """Of one view's projections (B, P).

        Args:
            query: the projections.
            others: (K, P) all keys of another view, first those of the query's own samples.
            same: (K, P) likewise of the query's own view; not used here.
            candidates: (B, K) bool, see `info_nce`.
        """
        return info_nce(query, others, temperature=self.temperature, candidates=candidates)

    def _candidates(self, groups: Tensor | None) -> Tensor | None:
        """The keys (of all processes) that each query is told its own from."""
        if self.negatives == "batch":
            return None
        if groups is None:
            raise ValueError('negatives "group" need the groups of the samples.')
        everyone = gathered(groups, gradient=False)
        same = groups[:, None] == everyone
        alone = same.sum(dim=1) == 1
        return same | (alone[:, None] & gathered(alone, gradient=False))


def info_nce(
    query: Tensor,
    key: Tensor,
    *,
    temperature: float,
    labels: Tensor | None = None,
    candidates: Tensor | None = None,
) -> Tensor:
    """Cross entropy of finding each query's own key among all keys by cosine similarity.

    Args:
        query: (B, D).
        key: (K, D) with K >= B; key i belongs to query i, the rest are negatives.
        temperature: divides the cosines, above zero.
        labels: (B, K) soft labels that sum to one a row, as mixed inputs have; None means key i for query i.
        candidates: (B, K) bool, the keys each query is told its own from, its own among them; None means all.

    Raises:
        ValueError: shapes that do not fit, or a temperature that is not positive.

    Source: van den Oord et al., arXiv 1807.03748; soft labels as in i-Mix, Lee et al., ICLR 2021.

    >>> loss = info_nce(torch.eye(4), torch.eye(4), temperature=0.1)
    >>> bool(loss < 1e-3)
    True
    """
    if query.ndim != 2 or key.ndim != 2 or query.shape[1] != key.shape[1] or key.shape[0] < query.shape[0]:
        raise ValueError(f"expected (B, D) queries and (K >= B, D) keys, got {_shape(query)} and {_shape(key)}.")
    if temperature <= 0.0:
        raise ValueError(f"temperature should be positive, got {temperature}.")
    with torch.autocast(query.device.type, enabled=False):  # it would round cosines to eight bits before dividing them
        logits = F.normalize(query.float(), dim=-1) @ F.normalize(key.float(), dim=-1).T / temperature
        return _cross_entropy(logits, labels, candidates)


def _cross_entropy(logits: Tensor, labels: Tensor | None, candidates: Tensor | None) -> Tensor:
    if candidates is not None:
        if candidates.shape != logits.shape:
            raise ValueError(f"expected candidates of shape {_shape(logits)}, got {_shape(candidates)}.")
        # Not -inf: a soft label of zero would make it NaN.
        logits = logits.masked_fill(~candidates, torch.finfo(logits.dtype).min)
    if labels is None:
        return F.cross_entropy(logits, torch.arange(len(logits), device=logits.device))
    if labels.shape != logits.shape:
        raise ValueError(f"expected soft labels of shape {_shape(logits)}, got {_shape(labels)}.")
    return F.cross_entropy(logits, labels)


def _shape(tensor: Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)


if __name__ == "__main__":
    from randquant.ssl.toy import learn

    learn(InfoNCE)
