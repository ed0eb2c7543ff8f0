"""Objectives over projected views: numbers in, one scalar out. Shapes are checked: broadcasting hides mistakes."""

import torch
from torch import Tensor
from torch.nn import functional as F


def byol_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean squared distance of the directions: 2 - 2 cos(prediction, target), in [0, 4].

    Args:
        prediction: (B, D) of the online branch.
        target: (B, D) of the momentum branch; no gradient flows into it.

    Raises:
        ValueError: the shapes differ or are not (B, D).

    Source: Grill et al., "Bootstrap your own latent", NeurIPS 2020, eq. 2.

    >>> float(byol_loss(torch.eye(3), 2 * torch.eye(3)))
    0.0
    """
    _check_pair(prediction, target)
    with torch.autocast(prediction.device.type, enabled=False):
        cosine = F.cosine_similarity(prediction.float(), target.detach().float(), dim=-1)
        return (2.0 - 2.0 * cosine).mean()


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


def _check_pair(first: Tensor, second: Tensor) -> None:
    if first.ndim != 2 or first.shape != second.shape:
        raise ValueError(f"expected two tensors of one shape (B, D), got {_shape(first)} and {_shape(second)}.")


def _shape(tensor: Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)
