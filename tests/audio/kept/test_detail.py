"""The detail that views keep: what changes nothing keeps all, and what removes a rate removes that alone."""

import math

import pytest
import torch

from randquant.audio.kept.detail import FAST, Detail, detail

RATE = 100.0


@pytest.fixture
def crop() -> torch.Tensor:
    return torch.randn(3, 1, 9, 48, generator=torch.Generator().manual_seed(0))


def test_a_crop_keeps_all_and_its_negative_nothing(crop: torch.Tensor) -> None:
    assert detail(crop, crop, RATE) == pytest.approx(Detail(*[1.0] * 7))
    assert detail(crop, -crop, RATE) == pytest.approx(Detail(*[-1.0] * 7))


def test_level_and_gain_are_no_detail(crop: torch.Tensor) -> None:
    assert detail(crop, 0.3 * crop - 7.0, RATE) == pytest.approx(Detail(*[1.0] * 7))


def test_levels_of_bands_are_the_spectrum_alone(crop: torch.Tensor) -> None:
    found = detail(crop, crop - crop.mean(dim=3, keepdim=True) + torch.randn(3, 1, 9, 1), RATE)
    assert abs(found.spectrum) < 0.9
    assert found[1:] == pytest.approx([1.0] * 6)


def test_a_low_pass_in_time_loses_the_fast_alone(crop: torch.Tensor) -> None:
    waves = torch.fft.rfft(crop)
    kept = torch.fft.rfftfreq(48, 1.0 / RATE) < FAST
    found = detail(crop, torch.fft.irfft(waves * kept, n=48), RATE)
    assert (found.slow, found.medium) == pytest.approx((1.0, 1.0), abs=1e-6)
    assert abs(found.fast) < 0.3  # what is left is rounding
    assert 0.0 < found.low < 1.0


def test_one_third_of_the_bands_is_lost_alone(crop: torch.Tensor) -> None:
    view = crop.clone()
    view[:, :, :3] = -crop[:, :, :3]
    found = detail(crop, view, RATE)
    assert (found.low, found.middle, found.high) == pytest.approx((-1.0, 1.0, 1.0))


def test_what_is_not_there_cannot_be_kept() -> None:
    crop = torch.randn(2, 1, 6, 4)
    assert math.isnan(detail(crop, crop, RATE).slow)  # four frames have no rate below 25 Hz
    assert math.isnan(detail(torch.zeros(2, 1, 6, 48), torch.randn(2, 1, 6, 48), RATE).fast)
