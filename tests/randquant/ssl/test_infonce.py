"""InfoNCE and its loss against slow forms written by hand."""

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from randquant.ssl.choices import Negatives
from randquant.ssl.infonce import InfoNCE, info_nce


def cosine(a: Tensor, b: Tensor) -> float:
    return float((a * b).sum() / a.norm() / b.norm())


def test_info_nce_equals_the_slow_form_with_hard_and_soft_labels() -> None:
    query, key = torch.randn(4, 5), torch.randn(6, 5)
    labels = torch.rand(4, 6).softmax(dim=1)

    def slow(weights: Tensor) -> float:
        total = 0.0
        for i in range(4):
            logits = [cosine(query[i], key[j]) / 0.3 for j in range(6)]
            normaliser = math.log(sum(math.exp(logit) for logit in logits))
            total += sum(float(weights[i, j]) * (normaliser - logits[j]) for j in range(6))
        return total / 4

    assert float(info_nce(query, key, temperature=0.3)) == pytest.approx(slow(torch.eye(4, 6)), rel=1e-5)
    assert float(info_nce(query, key, temperature=0.3, labels=labels)) == pytest.approx(slow(labels), rel=1e-5)


def test_shapes_that_would_broadcast_are_refused() -> None:
    with pytest.raises(ValueError, match="expected"):
        info_nce(torch.randn(4, 3), torch.randn(3, 3), temperature=0.1)
    with pytest.raises(ValueError, match="soft labels"):
        info_nce(torch.randn(4, 3), torch.randn(4, 3), temperature=0.1, labels=torch.ones(4))
    with pytest.raises(ValueError, match="temperature"):
        info_nce(torch.randn(4, 3), torch.randn(4, 3), temperature=0.0)
    with pytest.raises(ValueError, match="at least two views"):
        InfoNCE(nn.Identity(), 3)([torch.randn(4, 3)])


def test_info_nce_is_the_mean_over_ordered_pairs() -> None:
    method = InfoNCE(nn.Linear(6, 5), 5, hidden_size=8, projection_size=4, temperature=0.5).eval()
    views = [torch.randn(7, 6) for _ in range(2)]
    loss, _ = method(views)
    z = [method.projector(method.encoder(view)) for view in views]
    expected = (info_nce(z[0], z[1], temperature=0.5) + info_nce(z[1], z[0], temperature=0.5)) / 2
    torch.testing.assert_close(loss, expected)


def test_candidates_leave_a_query_only_those_keys() -> None:
    query, key = torch.randn(3, 5), torch.randn(4, 5)
    candidates = torch.tensor([[1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 1, 0]]).bool()
    alone = [
        info_nce(query[row : row + 1], key[[row, *others]], temperature=0.3)
        for row, others in enumerate([[1], [3], []])
    ]
    loss = info_nce(query, key, temperature=0.3, candidates=candidates)
    torch.testing.assert_close(loss, torch.stack(alone).mean())
    with pytest.raises(ValueError, match="candidates"):
        info_nce(query, key, temperature=0.3, candidates=candidates[:, :3])


def test_group_negatives_are_parts_of_the_same_group_or_others_that_stand_alone() -> None:
    method = InfoNCE(nn.Linear(6, 5), 5, hidden_size=8, projection_size=4, temperature=0.5, negatives="group").eval()
    views = [torch.randn(6, 6) for _ in range(2)]
    groups = torch.tensor([7, 7, 2, 7, 9, 4])
    z = [method.projector(method.encoder(view)) for view in views]
    expected = []
    for rows in ([0, 1, 3], [2, 4, 5]):
        for one, other in itertools.permutations(range(2), 2):
            expected.append(info_nce(z[one][rows], z[other][rows], temperature=0.5))
    torch.testing.assert_close(method(views, groups)[0], torch.stack(expected).mean())
    with pytest.raises(ValueError, match="groups"):
        method(views)


def test_mixed_negatives_are_the_mean_of_both_losses_and_at_its_ends_each_of_them_bit_for_bit() -> None:
    method = InfoNCE(nn.Linear(6, 5), 5, hidden_size=8, projection_size=4, temperature=0.5).eval()
    views, groups = [torch.randn(6, 6) for _ in range(2)], torch.tensor([7, 7, 2, 7, 9, 4])
    local = [torch.randn(6, 6)]

    def found(negatives: Negatives, weight: float = 0.5) -> tuple[Tensor, list[Tensor]]:
        method.negatives, method.group_weight = negatives, weight
        loss = method(views, groups, local=local)[0]
        return loss.detach(), [each.clone() for each in torch.autograd.grad(loss, list(method.parameters()))]

    (batch, batch_slope), (group, group_slope) = found("batch"), found("group")
    for weight, loss, slope in ((0.0, batch, batch_slope), (1.0, group, group_slope)):
        same, same_slope = found("mixed", weight)
        assert torch.equal(same, loss)
        assert all(torch.equal(*pair) for pair in zip(same_slope, slope, strict=True))
    mixed, mixed_slope = found("mixed", 0.25)
    torch.testing.assert_close(mixed, 0.25 * group + 0.75 * batch)
    for both, one, other in zip(mixed_slope, group_slope, batch_slope, strict=True):
        torch.testing.assert_close(both, 0.25 * one + 0.75 * other)
    with pytest.raises(ValueError, match="need the groups"):
        method(views)
