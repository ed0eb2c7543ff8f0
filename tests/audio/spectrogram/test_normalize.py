"""Normalisation by dataset and by batch."""

import pytest
import torch

from randquant.audio.spectrogram.normalize import PostNorm, PreNorm, mean_and_std


@pytest.fixture
def log_mels() -> torch.Tensor:
    return -9.0 + 4.5 * torch.randn(6, 1, 64, 96, generator=torch.Generator().manual_seed(0))


def test_pre_norm_with_the_data_s_statistics_standardises(log_mels: torch.Tensor) -> None:
    normalised = PreNorm(*mean_and_std([log_mels]))(log_mels)
    assert float(normalised.mean()) == pytest.approx(0.0, abs=1e-5)
    assert float(normalised.std()) == pytest.approx(1.0, abs=1e-4)


def test_pre_norm_keeps_its_statistics_in_the_state_dict() -> None:
    restored = PreNorm()
    restored.load_state_dict(PreNorm(-9.66, 4.72).state_dict())
    assert float(restored.mean) == pytest.approx(-9.66)
    assert float(restored.std) == pytest.approx(4.72)


@pytest.mark.parametrize(("mean", "std"), [(0.0, 0.0), (0.0, -1.0), (float("nan"), 1.0), (0.0, float("inf"))])
def test_pre_norm_refuses_useless_statistics(mean: float, std: float) -> None:
    with pytest.raises(ValueError, match="std"):
        PreNorm(mean, std)


def test_post_norm_is_over_all_views_together(log_mels: torch.Tensor) -> None:
    quiet, loud = PostNorm()(torch.cat([log_mels - 3.0, log_mels + 3.0])).chunk(2)
    both = torch.cat([quiet, loud])
    assert float(both.mean()) == pytest.approx(0.0, abs=1e-5)
    assert float(both.std()) == pytest.approx(1.0, abs=1e-4)
    assert float(loud.mean()) > float(quiet.mean()) + 0.5


def test_post_norm_leaves_a_constant_batch_finite() -> None:
    assert PostNorm()(torch.full((2, 1, 8, 8), -15.9)).abs().max() < 1.0


@pytest.mark.parametrize("module", [PreNorm(-9.0, 4.5), PostNorm()])
def test_dtype_stays(module: torch.nn.Module, log_mels: torch.Tensor) -> None:
    half = module(log_mels.bfloat16())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), module(log_mels), atol=0.03, rtol=0.02)


def test_mean_and_std_do_not_depend_on_the_batches(log_mels: torch.Tensor) -> None:
    whole = log_mels.double()
    expected = (float(whole.mean()), float(whole.std(correction=0)))
    for sizes in ([6], [1, 2, 3], [1] * 6):
        assert mean_and_std(log_mels.split(sizes)) == pytest.approx(expected, rel=1e-9)


def test_mean_and_std_survive_a_large_offset() -> None:
    values = 1e6 + torch.tensor([[0.0, 1.0], [2.0, 3.0]], dtype=torch.float64)
    assert mean_and_std(values.split(1)) == pytest.approx((1e6 + 1.5, 1.25**0.5), rel=1e-9)


@pytest.mark.parametrize(
    "batches", [[], [torch.zeros(0, 4)], [torch.full((3, 4), -15.9)], [torch.tensor([0.0, torch.nan])]]
)
def test_mean_and_std_refuse_values_without_spread(batches: list[torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="spread"):
        mean_and_std(batches)
