"""Losses, teacher and views against slow forms written by hand."""

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from randquant.quantize import RandomizedQuantization
from randquant.ssl.collapse import effective_rank, spread
from randquant.ssl.losses import byol_loss, info_nce
from randquant.ssl.methods import BYOL, InfoNCE, MoCo, MoCoV3
from randquant.ssl.momentum import MomentumTeacher, momentum_at
from randquant.views import Policy, Views, together


def cosine(a: Tensor, b: Tensor) -> float:
    return float((a * b).sum() / a.norm() / b.norm())


def test_byol_loss_equals_the_slow_form_and_its_range() -> None:
    prediction, target = torch.randn(2, 7, 5)
    slow = sum(2 - 2 * cosine(p, t) for p, t in zip(prediction, target, strict=True)) / 7
    assert float(byol_loss(prediction, target)) == pytest.approx(slow, abs=1e-5)
    assert float(byol_loss(prediction, 3 * prediction)) == pytest.approx(0, abs=1e-5)
    assert float(byol_loss(prediction, -prediction)) == pytest.approx(4, abs=1e-5)


def test_no_gradient_enters_the_target() -> None:
    prediction, target = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3, requires_grad=True)
    byol_loss(prediction, target).backward()
    assert prediction.grad is not None
    assert target.grad is None


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
    with pytest.raises(ValueError, match="one shape"):
        byol_loss(torch.randn(4, 3), torch.randn(1, 3))
    with pytest.raises(ValueError, match="expected"):
        info_nce(torch.randn(4, 3), torch.randn(3, 3), temperature=0.1)
    with pytest.raises(ValueError, match="soft labels"):
        info_nce(torch.randn(4, 3), torch.randn(4, 3), temperature=0.1, labels=torch.ones(4))
    with pytest.raises(ValueError, match="temperature"):
        info_nce(torch.randn(4, 3), torch.randn(4, 3), temperature=0.0)
    with pytest.raises(ValueError, match="at least two views"):
        InfoNCE(nn.Identity(), 3)([torch.randn(4, 3)])


def test_teacher_follows_parameters_only() -> None:
    student = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    teacher = MomentumTeacher(student)
    before = [parameter.clone() for parameter in teacher.parameters()]
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(1.0)
    student(torch.randn(8, 3) + 5)
    teacher.update(student, momentum=0.9)
    for old, new, own in zip(before, teacher.parameters(), student.parameters(), strict=True):
        torch.testing.assert_close(new, 0.9 * old + 0.1 * own)
    assert bool((teacher.network.get_buffer("1.running_mean") == 0).all())
    teacher(torch.randn(8, 3) + 5)
    assert not bool((teacher.network.get_buffer("1.running_mean") == 0).all())


def test_momentum_schedules() -> None:
    assert {momentum_at(step, 9, base=0.99, schedule="constant") for step in range(10)} == {0.99}
    rising = [momentum_at(step, 9, base=0.9, schedule="cosine") for step in range(10)]
    assert rising == sorted(rising)
    assert rising[0] == pytest.approx(0.9)
    assert rising[-1] == pytest.approx(1.0)


def test_byol_sums_over_ordered_pairs_and_trains_no_teacher() -> None:
    method = BYOL(nn.Linear(6, 5), 5, hidden_size=8, projection_size=4).eval()
    views = [torch.randn(7, 6) for _ in range(3)]
    loss, projections = method(views)
    with torch.no_grad():
        predictions = [method.predictor(method.online(view)) for view in views]
        targets = [method.teacher(view) for view in views]
    slow = sum(float(byol_loss(predictions[i], targets[j])) for i, j in itertools.permutations(range(3), 2))
    assert loss.item() == pytest.approx(slow, rel=1e-4)
    assert projections.shape == (21, 4)
    loss.backward()
    assert all(parameter.grad is None for parameter in method.teacher.parameters())
    assert all(parameter.grad is not None for parameter in method.online.parameters())


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


def test_simclr_equals_the_slow_form_of_nt_xent() -> None:
    method = InfoNCE(nn.Linear(6, 5), 5, hidden_size=8, projection_size=4, temperature=0.5, same_view=True).eval()
    views = [torch.randn(7, 6) for _ in range(2)]
    z = torch.cat([method.projector(method.encoder(view)) for view in views])
    total = 0.0
    for i in range(14):
        logits = {j: cosine(z[i], z[j]) / 0.5 for j in range(14) if j != i}
        total += math.log(sum(map(math.exp, logits.values()))) - logits[(i + 7) % 14]
    assert float(method(views)[0]) == pytest.approx(total / 14, rel=1e-4)


def test_moco_v3_is_the_scaled_sum_over_ordered_pairs_of_teacher_keys() -> None:
    method = MoCoV3(nn.Linear(6, 5), 5, hidden_size=8, projection_size=4, temperature=0.3).eval()
    views = [torch.randn(7, 6) for _ in range(2)]
    loss, _ = method(views)
    q = [method.predictor(method.online(view)) for view in views]
    k = [method.teacher(view) for view in views]
    pairs = [info_nce(q[i], k[1 - i], temperature=0.3) for i in range(2)]
    torch.testing.assert_close(loss, 2 * 0.3 * (pairs[0] + pairs[1]))
    loss.backward()
    assert all(parameter.grad is None for parameter in method.teacher.parameters())


def test_moco_tells_its_key_from_the_queue_alone() -> None:
    method = MoCo(nn.Linear(6, 5), 5, hidden_size=8, projection_size=4, temperature=0.3, queue_size=5).eval()
    views = [torch.randn(2, 6) for _ in range(2)]
    queue = method.queue.clone()
    loss, _ = method(views)
    q = [method.online(view) for view in views]
    k = [method.teacher(view) for view in views]
    slow = [
        info_nce(q[i][row : row + 1], torch.cat([k[1 - i][row : row + 1], queue]), temperature=0.3)
        for i in range(2)
        for row in range(2)
    ]
    torch.testing.assert_close(loss, torch.stack(slow).mean())
    loss.backward()


def test_mocos_queue_holds_the_last_keys_first_in_first_out() -> None:
    method = MoCo(nn.Linear(6, 5), 5, hidden_size=8, projection_size=4, queue_size=5).eval()
    seen = []
    for _ in range(4):
        views = [torch.randn(1, 6) for _ in range(2)]
        method(views)
        seen += [nn.functional.normalize(method.teacher(view), dim=-1)[0] for view in views]
    assert int(method.oldest) == 8 % 5
    torch.testing.assert_close(method.queue.roll(-int(method.oldest), 0), torch.stack(seen[-5:]))
    method([torch.randn(4, 6) for _ in range(2)])  # more keys than places
    assert bool((method.queue.norm(dim=-1) - 1 < 1e-5).all())
    with pytest.raises(ValueError, match="queue_size"):
        MoCo(nn.Identity(), 3, queue_size=0)


class Sum(nn.Module):
    """An encoder of two arguments, one of them optional."""

    def forward(self, first: Tensor, second: Tensor | None = None) -> Tensor:
        return first if second is None else first + second


@pytest.mark.parametrize("method_class", [BYOL, MoCoV3, MoCo, InfoNCE])
def test_a_view_of_several_tensors_is_the_encoders_arguments(method_class: type) -> None:
    torch.manual_seed(0)
    method = method_class(Sum(), 6, hidden_size=8, projection_size=4)
    a, b = torch.randn(2, 2, 7, 6)
    state = {name: value.clone() for name, value in method.state_dict().items()}
    losses = []
    for views in ([a[0] + a[1], b[0] + b[1]], [(a[0], a[1]), (b[0], b[1])], [(a[0] + a[1], None), (b[0] + b[1], None)]):
        method.load_state_dict(state)
        losses.append(method(views)[0].item())
    assert losses[1:] == pytest.approx(losses[:1] * 2, rel=1e-5)
    with pytest.raises(ValueError, match="one shape"):
        together([(a[0], a[1]), (b[0], None)])


def test_views_apply_policy_i_to_source_i() -> None:
    x = torch.randn(4, 1, 3, 20)
    views = Views([Policy(), Policy(RandomizedQuantization(2, -1)), Policy()])
    first, second, third = views([x, 2 * x], generator=torch.Generator().manual_seed(0))
    assert bool((first == x).all())
    assert second[0, 0, 0].unique().numel() == 2
    assert bool((third == x).all())
    again = views([x, 2 * x], generator=torch.Generator().manual_seed(0))
    assert bool((again[1] == second).all())


def test_collapse_numbers() -> None:
    healthy, collapsed = torch.randn(512, 64), torch.randn(64).expand(512, 64) + 1e-3 * torch.randn(512, 64)
    assert float(spread(healthy)) == pytest.approx(1.0, abs=0.05)
    assert float(spread(collapsed)) < 0.01
    line = torch.randn(512, 1) * torch.randn(1, 64)
    assert float(effective_rank(line)) == pytest.approx(1.0, abs=0.01)
    assert float(effective_rank(healthy)) > 50
