"""The stacked classifiers against torch's own layers and gradients."""

import pytest
import torch
from torch import Tensor, nn

from randquant.probes.solvers import stacked_layers
from randquant.probes.solvers.stacked_layers import absorb, backward, forward, initial_parameters, predict


def stack(sizes: list[int], lanes: int, rates: int) -> list[Tensor]:
    shapes = [shape for i, o in zip(sizes, sizes[1:], strict=False) for shape in ((o, i), (o,))]  # noqa: RUF007
    return [torch.randn(lanes, rates, *shape, dtype=torch.float64, requires_grad=True) for shape in shapes]


def one(parameters: list[Tensor], lane: int, rate: int, x: Tensor) -> Tensor:
    weight, bias, *rest = (parameter[lane, rate] for parameter in parameters)
    x = nn.functional.linear(x, weight, bias)
    return nn.functional.linear(x.relu(), *rest) if rest else x


@pytest.mark.parametrize("sizes", [[6, 4], [6, 5, 4]])
def test_forward_and_backward_equal_autograd(sizes: list[int]) -> None:
    parameters, batch = stack(sizes, 3, 2), torch.randn(3, 7, 6, dtype=torch.float64)
    expected = torch.stack([torch.stack([one(parameters, s, r, batch[s]) for r in (0, 1)], 1) for s in (0, 1, 2)])
    with torch.no_grad():
        values = forward(parameters, batch)
    torch.testing.assert_close(values[-1], expected.detach())
    slope = torch.randn_like(values[-1])
    expected.backward(slope)
    with torch.no_grad():
        found = backward(parameters, values, slope)
    for gradient, parameter in zip(found, parameters, strict=True):
        torch.testing.assert_close(gradient, parameter.grad)


def test_initial_parameters_have_the_range_of_torch() -> None:
    weight, bias, *rest = initial_parameters([400, 30, 3], torch.Generator().manual_seed(0))
    assert weight.shape == (30, 400)
    assert 0.049 < weight.abs().max() <= 1 / 20
    assert bias.abs().max() <= 1 / 20
    assert [tuple(each.shape) for each in rest] == [(3, 30), (3,)]
    assert rest[0].abs().max() <= 30**-0.5


@pytest.mark.parametrize("sizes", [[5, 4], [5, 3, 4]])
def test_predict_is_the_same_in_small_pieces(sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(30, 5, dtype=torch.float64)
    parameters = [parameter.detach() for parameter in stack(sizes, 1, 2)]
    expected = torch.stack([one(parameters, 0, rate, x[7:]).argmax(1) for rate in (0, 1)])
    alone = [parameter[0] for parameter in parameters]
    assert torch.equal(predict(x, slice(7, 30), alone), expected)
    monkeypatch.setattr(stacked_layers, "_SCORES", 24)
    assert torch.equal(predict(x, torch.arange(7, 30), alone), expected)


def test_absorb_moves_scale_and_offset_into_the_first_layer() -> None:
    parameters = [parameter.detach()[0] for parameter in stack([5, 3, 4], 1, 2)]
    x, scale, offset = torch.randn(8, 5).double(), torch.rand(5).double(), torch.randn(5).double()
    moved = forward([p[None] for p in absorb(parameters, scale, offset)], x[None])[-1]
    torch.testing.assert_close(moved, forward([p[None] for p in parameters], (x * scale + offset)[None])[-1])
