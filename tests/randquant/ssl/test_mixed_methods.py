"""Methods with i-Mix and with local views, against slow forms sample by sample."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from randquant.mix import Mix, Mixture
from randquant.ssl.byol import BYOL
from randquant.ssl.infonce import InfoNCE
from randquant.ssl.method import Method
from randquant.ssl.moco import MoCo
from randquant.ssl.mocov3 import MoCoV3
from randquant.ssl.registry import METHODS
from randquant.ssl.simclr import SimCLR

B, TEMPERATURE = 5, 0.3


class Recorded(Mix):
    """A mix that keeps what it mixed."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.done: list[tuple[Tensor, Mixture]] = []

    def forward(self, x: Any, **arguments: Any) -> tuple[Any, Mixture]:
        mixed, mixture = super().forward(x, **arguments)
        self.done.append((mixed, mixture))
        return mixed, mixture


def made(make: Callable[..., Method], symmetric: bool = False, **arguments: Any) -> tuple[Any, Recorded, Tensor]:
    """The method around a linear encoder, without batch norm, so that every sample stands for itself."""
    torch.manual_seed(0)
    method = make(nn.Linear(6, 5), 5, hidden_size=8, projection_size=4, **arguments)
    for part in method.modules():
        if isinstance(part, nn.BatchNorm1d):
            part.eval()
    method.mix = mix = Recorded(symmetric=symmetric)
    return method, mix, torch.randn(2, B, 6)


def cosine(a: Tensor, b: Tensor) -> Tensor:
    return F.cosine_similarity(a, b, dim=0)


def slow_cross_entropy(query: Tensor, keys: Sequence[Tensor], label: int) -> Tensor:
    similarities = torch.stack([cosine(query, key) / TEMPERATURE for key in keys])
    return similarities.logsumexp(0) - similarities[label]


def expected(q: Tensor, mixture: Mixture, loss_of: Callable[[Tensor, int, int], Tensor]) -> float:
    """The mean over samples of the mixture of two losses: loss_of(query, its number, the label)."""
    total = torch.zeros(())
    for i in range(B):
        w, j = mixture.weight[i], int(mixture.partner[i])
        total = total + w * loss_of(q[i], i, i) + (1 - w) * loss_of(q[i], i, j)
    return float(total.detach() / B)


def test_n_pair() -> None:
    method, mix, views = made(InfoNCE, temperature=TEMPERATURE)
    loss = float(method(list(views))[0].detach())
    ((mixed, mixture),) = mix.done
    q, k = method._projected(mixed), method._projected(views[1])
    assert loss == pytest.approx(
        expected(q, mixture, lambda q, i, label: slow_cross_entropy(q, list(k), label)), rel=1e-5
    )


def test_simclr_leaves_out_the_views_that_a_query_is_made_of() -> None:
    method, mix, views = made(SimCLR, temperature=TEMPERATURE)
    loss = float(method(list(views))[0].detach())
    ((mixed, mixture),) = mix.done
    q, same, k = (method._projected(x) for x in (mixed, *views))

    def loss_of(query: Tensor, i: int, label: int) -> Tensor:
        others = [same[n] for n in range(B) if n not in (i, int(mixture.partner[i]))]
        return slow_cross_entropy(query, [*k, *others], label)

    assert loss == pytest.approx(expected(q, mixture, loss_of), rel=1e-5)


def test_moco_has_the_keys_of_the_batch_before_the_queue() -> None:
    method, mix, views = made(MoCo, temperature=TEMPERATURE, queue_size=7)
    queue = method.queue.clone()
    loss = float(method(list(views))[0].detach())
    ((mixed, mixture),) = mix.done
    q, k = method.online(mixed), method.teacher(views[1])
    slow = expected(q, mixture, lambda q, i, label: slow_cross_entropy(q, [*k, *queue], label))
    assert loss == pytest.approx(slow, rel=1e-5)
    torch.testing.assert_close(method.queue[:B], F.normalize(k, dim=-1))


def test_moco_v3_and_byol_in_both_directions() -> None:
    method, mix, views = made(MoCoV3, symmetric=True, temperature=TEMPERATURE)
    loss = float(method(list(views))[0].detach())
    slow = 0.0
    for (mixed, mixture), key in zip(mix.done, views.flip(0), strict=True):
        q, k = method.predictor(method.online(mixed)), list(method.teacher(key))
        slow += 2 * TEMPERATURE * expected(q, mixture, lambda q, i, label, k=k: slow_cross_entropy(q, k, label))  # type: ignore[misc]
    assert loss == pytest.approx(slow, rel=1e-5)
    method, mix, views = made(BYOL, symmetric=True)
    loss = float(method(list(views))[0].detach())
    slow = 0.0
    for (mixed, mixture), key in zip(mix.done, views.flip(0), strict=True):
        q, k = method.predictor(method.online(mixed)), method.teacher(key)
        slow += expected(q, mixture, lambda q, i, label, k=k: 2 - 2 * cosine(q, k[label]))  # type: ignore[misc]
    assert loss == pytest.approx(slow, rel=1e-5)


def test_candidates_of_a_mixed_query_are_those_of_both_of_its_groups() -> None:
    method, mix, views = made(InfoNCE, temperature=TEMPERATURE, negatives="group")
    groups = torch.tensor([0, 0, 1, 1, 1])
    loss = float(method(list(views), groups)[0].detach())
    ((mixed, mixture),) = mix.done
    q, k = method._projected(mixed), method._projected(views[1])

    def loss_of(query: Tensor, i: int, label: int) -> Tensor:
        wanted = {int(groups[i]), int(groups[mixture.partner[i]])}
        kept = [n for n in range(B) if int(groups[n]) in wanted]
        return slow_cross_entropy(query, [k[n] for n in kept], kept.index(label))

    assert loss == pytest.approx(expected(q, mixture, loss_of), rel=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_a_mix_that_mixes_nothing_changes_no_loss(name: str) -> None:
    """But for MoCo's, whose batch keys are new negatives; symmetric, so that the pairs are the same."""
    method, _, views = made(METHODS[name])
    method.mix = Mix(symmetric=True).eval()
    state = {key: value.clone() for key, value in method.state_dict().items()}
    mixed = float(method(list(views))[0].detach())
    method.load_state_dict(state)
    method.mix = None
    plain = float(method(list(views))[0].detach())
    assert mixed >= plain - 1e-5 if name == "moco" else mixed == pytest.approx(plain, rel=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_local_views_are_queries_against_every_global_view(name: str) -> None:
    """A local view that is a copy of a global one, beside another, against the loss of all three with two as keys."""
    method, _, views = made(METHODS[name])
    method.mix, method.local_weight = None, 0.25
    state = {key: value.clone() for key, value in method.state_dict().items()}

    def loss(local: list[Tensor]) -> float:
        method.load_state_dict(state)
        return float(method(list(views), local=local)[0].detach())

    plain, one, two = loss([]), loss([views[0]]), loss([views[0], views[1]])
    assert one > plain
    if method.reduction == "sum":
        assert two - plain == pytest.approx((one - plain) + (loss([views[1]]) - plain), rel=1e-4)
    else:
        assert two - plain == pytest.approx(((one - plain) + (loss([views[1]]) - plain)) / 2, rel=1e-4)
    with pytest.raises(ValueError, match="at least two views"):
        method([views[0]])
