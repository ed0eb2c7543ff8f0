"""What views share: equal ones all, independent ones nothing."""

import math

import pytest
import torch

from randquant.audio.kept.shared import shared


def noise(seed: int, count: int = 256) -> torch.Tensor:
    return torch.randn(count, 16, generator=torch.Generator().manual_seed(seed))


def test_equal_views_are_found_and_share_all() -> None:
    found = shared(noise(0), noise(0))
    assert found.found == 1.0
    assert found.chance == pytest.approx(1 / 256)
    assert 7.5 < found.bits <= 8.0


def test_independent_views_are_found_by_chance() -> None:
    found = shared(noise(0), noise(1))
    assert found.found < 0.03
    assert found.bits < 0.3


def test_the_scale_of_a_dimension_does_not_matter() -> None:
    first, second = noise(0), noise(0) + noise(1)
    scale = torch.tensor([1000.0, *[1.0] * 15])
    assert shared(first * scale, second * scale) == pytest.approx(shared(first, second), abs=1e-5)


def test_candidates_are_those_of_the_recording_or_all_that_are_alone() -> None:
    groups = torch.tensor([0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])
    found = shared(noise(0, 12), noise(0, 12), groups)
    assert found.chance == pytest.approx((4 / 4 + 8 / 8) / 12)
    assert found.bits <= (4 * 2 + 8 * 3) / 12 + 1e-9
    assert math.isclose(found.found, 1.0)
