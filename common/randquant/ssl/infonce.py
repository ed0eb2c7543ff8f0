"""InfoNCE: tell each sample's other view from other samples; no teacher.

`python -m randquant.ssl.infonce` trains on toy sounds in seconds and prints its accuracy.
"""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from randquant.arguments import checked_probability
from randquant.mix import Mixture
from randquant.ssl.choices import Head, Negatives
from randquant.ssl.gathering import gathered
from randquant.ssl.heads import projector
from randquant.ssl.method import Method, each_output
from randquant.views import View, embedded


class InfoNCE(Method):
    """Find each sample's other view among other samples; no teacher.

    The loss is the mean over ordered pairs of views. Under data parallelism the keys of all processes are negatives.

    With negatives "batch" these are all other samples. With "group" they are only the other parts of the same
    recording or object, so that what its parts share (the speaker, the room) is not rewarded; samples whose recording
    has no other part in the batch are contrasted with one another. With "mixed" the loss is a mean of both, of the same
    projections: what a recording says is learnt as well as which recording it is.

    Args:
        encoder: (B, ...) -> (B, D).
        embedding_size: D.
        hidden_size: width of the projector.
        projection_size: P.
        temperature: divides the cosines.
        negatives: "batch", "group" or "mixed".
        head: kind of projector, see `heads.projector`.
        group_weight: with negatives "mixed", the share of "group" in the loss, in [0, 1].

    Source: van den Oord et al., arXiv 1807.03748; N-pair as in i-Mix, Lee et al., ICLR 2021.
    """

    own_view_negatives: ClassVar[bool] = False  # whether `pair_loss` looks at keys of the query's own view

    def __init__(
        self,
        encoder: nn.Module,
        embedding_size: int,
        hidden_size: int = 4096,
        projection_size: int = 256,
        temperature: float = 0.2,
        negatives: Negatives = "batch",
        head: Head = "byol",
        group_weight: float = 0.5,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector = projector(embedding_size, hidden_size, projection_size, head)
        self.temperature, self.negatives = temperature, negatives
        self.group_weight = checked_probability("group_weight", group_weight)

    def forward(
        self, views: Sequence[View], groups: Tensor | None = None, *, local: Sequence[View] = ()
    ) -> tuple[Tensor, Tensor]:
        """Loss over all pairs of views and the projections (queries and clean views * B, P).

        Args:
            views: as many as there are.
            groups: (B,) int64, needed where negatives are "group" or "mixed".
            local: smaller views, queries alone.
        """
        pairs = self.pairs(views)
        terms = self._terms(groups)
        projections, queries, keys = self._queries_and_keys(views, pairs, every=bool(local))
        local_queries = each_output(self._projected, local)

        def loss_among(candidates: Tensor | None) -> Tensor:
            return self.total(
                (self.pair_loss(queries[i][0], keys[j], keys.get(i), candidates, queries[i][1]) for i, j in pairs),
                (
                    self.pair_loss(query, others, None, candidates)
                    for query in local_queries
                    for others in keys.values()
                ),
            )

        loss = torch.stack([share * loss_among(candidates) for share, candidates in terms]).sum()
        return loss, projections.detach()

    def _projected(self, view: View) -> Tensor:
        return self.projector(embedded(self.encoder, view))

    def _queries_and_keys(
        self, views: Sequence[View], pairs: Sequence[tuple[int, int]], every: bool
    ) -> tuple[Tensor, dict[int, tuple[Tensor, Mixture | None]], dict[int, Tensor]]:
        """All projections of one pass, then by the number of their view the queries (B, P) and the keys (K, P).

        A mixed query is no key: a view that is both passes mixed and clean.
        """
        numbers = sorted({query for query, _ in pairs})
        clean: list[int] = []
        if self.mix is not None:
            wanted = {key for _, key in pairs} | (set(numbers) if self.own_view_negatives else set())
            clean = list(range(len(views))) if every else sorted(wanted)
        projections, mixtures = self.mixed(
            self._projected, [views[number] for number in numbers], [views[number] for number in clean]
        )
        parts = projections.chunk(len(numbers) + len(clean))
        queries = dict(zip(numbers, zip(parts, mixtures, strict=False), strict=True))
        keys = zip(clean, parts[len(numbers) :], strict=True) if clean else zip(numbers, parts, strict=True)
        return projections, queries, {number: gathered(part) for number, part in keys}

    def pair_loss(
        self,
        query: Tensor,
        others: Tensor,
        same: Tensor | None,
        candidates: Tensor | None,
        mixture: Mixture | None = None,
    ) -> Tensor:
        """Of one view's projections (B, P).

        Args:
            query: the projections.
            others: (K, P) all keys of another view, first those of the query's own samples.
            same: (K, P) likewise of the query's own view, None of a local view; not used here.
            candidates: (B, K) bool, see `info_nce`.
            mixture: what the queries are mixed of; None where they are not.
        """
        labels = None
        if mixture is not None:
            labels, candidates = mixture.labels(len(others)), mixture.candidates(candidates)
        return info_nce(query, others, temperature=self.temperature, labels=labels, candidates=candidates)

    def _terms(self, groups: Tensor | None) -> list[tuple[float, Tensor | None]]:
        """What the loss is made of: shares that sum to one, and the keys that each query is told its own from."""
        if self.negatives == "batch":
            return [(1.0, None)]
        if groups is None:
            raise ValueError(f'negatives "{self.negatives}" need the groups of the samples.')
        share = self.group_weight if self.negatives == "mixed" else 1.0
        of_group = own_and_negatives(groups)
        return [(share, of_group), *([(1.0 - share, None)] if self.negatives == "mixed" else [])]


def own_and_negatives(groups: Tensor) -> Tensor:
    """The keys (of all processes) of each query's own recording, or all of those alone where it is alone.

    Args:
        groups: (B,) int64, recordings.

    Returns:
        (B, K) bool.
    """
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
