"""Randomized quantization of log-mels on several scales, by blocks and in part."""

from typing import Any

import pytest
import torch
from torch import Tensor

from randquant import RandomizedQuantization
from randquant.audio.augment.quantization import LogMelQuantization


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def x() -> Tensor:
    return torch.randn(6, 1, 16, 24, generator=generator(7))


@pytest.mark.parametrize(
    "settings",
    [{}, {"scale": "rank"}, {"scale": "power", "bands": 4}, {"bins": (2, 9), "p": 0.5, "weight": (0.2, 0.8)}],
)
def test_a_draw_can_be_replayed(settings: dict[str, Any], x: Tensor) -> None:
    augment = LogMelQuantization(**settings)
    params = augment.make_params(x, generator=generator())
    assert torch.equal(augment.transform(x, params), augment(x, generator=generator()))
    assert not torch.equal(augment(x), x)
    assert torch.equal(augment.eval()(x), x)


@pytest.mark.parametrize(("bands", "dim"), [(1, -1), (0, (-2, -1))])
def test_is_plain_quantization_where_nothing_else_is_asked_for(bands: int, dim: Any, x: Tensor) -> None:
    expected = RandomizedQuantization(5, dim)(x, generator=generator())
    assert torch.equal(LogMelQuantization(5, bands)(x, generator=generator()), expected)


@pytest.mark.parametrize("scale", ["log", "power", "rank"])
@pytest.mark.parametrize("bands", [1, 4, 0])
def test_blocks_have_few_values_in_order_and_in_range(scale: Any, bands: int, x: Tensor) -> None:
    quantized = LogMelQuantization(5, bands, scale=scale)(x, generator=generator())
    blocks = [each.reshape(len(x), 16 // (bands or 16), -1).flatten(0, 1) for each in (x, quantized)]
    for before, after in zip(*blocks, strict=True):
        assert len(after.unique()) <= 5
        assert bool((after[before.argsort()].diff() >= 0).all())
        assert before.min() - 1e-5 <= after.min()
        assert after.max() <= before.max() + 1e-5


def test_power_scale_quantizes_exponentials(x: Tensor) -> None:
    expected = RandomizedQuantization(8, -1)(x.double().exp().float(), generator=generator()).log()
    torch.testing.assert_close(LogMelQuantization(scale="power")(x, generator=generator()), expected)


def test_power_scale_takes_loud_and_silent_sounds() -> None:
    x = torch.tensor([-1000.0, 0.0, 500.0]).repeat(2, 1, 4, 8)
    assert bool(LogMelQuantization(scale="power")(x).isfinite().all())


def test_ranks_give_entries_of_the_row_and_bins_of_equal_mass() -> None:
    x = torch.rand(1, 1, 1, 2000, generator=generator()) ** 8  # crowded near 0
    quantized = LogMelQuantization(4, scale="rank", edges="uniform")(x, generator=generator())
    assert set(quantized.unique().tolist()) <= set(x.flatten().tolist())
    assert all(abs(count - 500) <= 1 for count in quantized.unique(return_counts=True)[1].tolist())


def test_equal_entries_stay_equal() -> None:
    x = torch.tensor([0.0, 1.0]).repeat(1, 1, 2, 30)
    quantized = LogMelQuantization(6, scale="rank")(x)
    assert all(len(quantized[x == value].unique()) <= 2 for value in (0.0, 1.0))  # of either band
    assert torch.equal(LogMelQuantization(scale="rank")(torch.zeros(1, 1, 2, 5)), torch.zeros(1, 1, 2, 5))


def test_weight_is_the_quantized_part(x: Tensor) -> None:
    whole = LogMelQuantization(5).make_params(x, generator=generator())
    augment = LogMelQuantization(5, weight=(0.25, 0.25))
    params = augment.make_params(x, generator=generator())
    expected = 0.75 * x + 0.25 * LogMelQuantization(5).transform(x, whole)
    torch.testing.assert_close(augment.transform(x, params), expected)
    assert torch.equal(LogMelQuantization(weight=(0.0, 0.0))(x), x)


@pytest.mark.parametrize("wrong", [{"bands": -1}, {"scale": "mel"}, {"weight": (0.5, 0.2)}, {"weight": (0.0, 2.0)}])
def test_refuses_wrong_arguments(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LogMelQuantization(**wrong)
    with pytest.raises(ValueError, match="divide"):
        LogMelQuantization(bands=5)(torch.zeros(1, 1, 16, 3))
