"""Every backend of the ragged reductions against loops: values, gradients, ties, empty clouds."""

import builtins
from typing import Any

import pytest
import torch
from torch import Tensor

from randquant.packed import PackedBatch
from randquant.pointcloud.points.segment import Backend, Reduction, _torch_scatter, lowest, segment_reduce

SIZES = [0, 4, 1, 0, 7, 0]
OFFSETS = torch.tensor([0, 0, 4, 5, 5, 12, 12])
REDUCTIONS: list[Reduction] = ["max", "mean", "sum"]
SCATTER = pytest.param(
    "torch_scatter", marks=pytest.mark.skipif(_torch_scatter() is None, reason="torch-scatter is not built")
)


def slow(rows: Tensor, reduction: Reduction) -> Tensor:
    reduced = []
    for part in rows.split(SIZES):
        if not len(part):
            reduced.append(rows.new_zeros(rows.shape[1]))
        else:
            reduced.append({"max": part.amax(0), "mean": part.mean(0), "sum": part.sum(0)}[reduction])
    return torch.stack(reduced)


@pytest.mark.parametrize("backend", ["native", "scatter", SCATTER, None])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_values_and_gradients_equal_the_loop(backend: Backend | None, reduction: Reduction) -> None:
    rows = torch.randn(12, 3, requires_grad=True)
    weight = torch.randn(6, 3)
    found = segment_reduce(rows, OFFSETS, reduction, backend=backend)
    torch.testing.assert_close(found, slow(rows, reduction))
    (gradient,) = torch.autograd.grad((found * weight).sum(), rows)
    (expected,) = torch.autograd.grad((slow(rows, reduction) * weight).sum(), rows)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("backend", ["native", "scatter", SCATTER])
def test_the_gradient_of_a_tie_adds_up(backend: Backend) -> None:
    rows = torch.zeros(12, 3, requires_grad=True)
    segment_reduce(rows, OFFSETS, "max", backend=backend).sum().backward()
    assert rows.grad is not None
    totals = torch.stack([part.sum(0) for part in rows.grad.split(SIZES)])
    torch.testing.assert_close(totals, (OFFSETS.diff() > 0).float()[:, None].expand(6, 3))
    assert bool((rows.grad >= 0).all())


@pytest.mark.parametrize("backend", ["native", "scatter", SCATTER])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions_keep_theirs(backend: Backend, dtype: torch.dtype) -> None:
    rows = torch.randn(12, 3).to(dtype)
    found = segment_reduce(rows, OFFSETS, "max", backend=backend)
    assert found.dtype == dtype
    torch.testing.assert_close(found, slow(rows, "max"))


@pytest.mark.parametrize("backend", ["native", "scatter", SCATTER])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("sizes", [[0, 3, 2], [3, 0, 2], [3, 2, 0], [1], [0, 0, 1, 0], [0, 0]])
def test_empty_clouds_anywhere(backend: Backend, reduction: Reduction, sizes: list[int]) -> None:
    offsets = torch.tensor([0, *sizes]).cumsum(0)
    rows = torch.randn(sum(sizes), 2, dtype=torch.float64, requires_grad=True)
    found = segment_reduce(rows, offsets, reduction, backend=backend)
    assert found.shape == (len(sizes), 2)
    assert bool((found[torch.tensor(sizes) == 0] == 0).all())
    if len(rows):
        assert torch.autograd.gradcheck(lambda x: segment_reduce(x, offsets, reduction, backend=backend), rows)


@pytest.mark.parametrize("error", [ImportError, OSError])
def test_without_torch_scatter(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, and built for another torch."""
    usual = builtins.__import__

    def broken(name: str, *rest: Any, **named: Any) -> Any:
        if name == "torch_scatter":
            raise error("undefined symbol")
        return usual(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", broken)
    monkeypatch.setattr("randquant.pointcloud.points.segment._torch_scatter", _torch_scatter.__wrapped__)
    rows = torch.randn(12, 3)
    assert segment_reduce(rows, OFFSETS, "max").equal(slow(rows, "max"))
    with pytest.raises(ImportError, match="make scatter"):
        segment_reduce(rows, OFFSETS, "max", backend="torch_scatter")


def test_negative_maxima_do_not_become_zero() -> None:
    rows = -torch.ones(3, 2)
    for backend in ("native", "scatter"):
        found = segment_reduce(rows, torch.tensor([0, 2, 2, 3]), "max", backend=backend)
        assert found.tolist() == [[-1, -1], [0, 0], [-1, -1]]


def test_what_is_no_packed_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="offsets"):
        segment_reduce(torch.zeros(3), OFFSETS, "max")
    with pytest.raises(ValueError, match="offsets"):
        segment_reduce(torch.zeros(3, 2), OFFSETS.int(), "max")
    with pytest.raises(ValueError, match="reduction"):
        segment_reduce(torch.zeros(3, 2), OFFSETS, "median")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="backend"):
        segment_reduce(torch.zeros(3, 2), OFFSETS, "max", backend="magic")  # type: ignore[arg-type]


def test_the_value_of_a_rank_in_every_cloud() -> None:
    values, clouds = torch.randn(12), PackedBatch(torch.randn(12, 3), torch.tensor([0, 4, 5, 12]))
    found = lowest(values, clouds, torch.tensor([3, 0, 2]))
    assert found.tolist() == [values[:4].max(), values[4], values[5:].sort().values[2]]
