"""Positions of an epoch against arrays with an entry each."""

import numpy as np
import pytest

from audio.crop_positions import CropPositions


@pytest.mark.parametrize("together", [1, 2, 3, 7])
@pytest.mark.parametrize("most", [1, 9])
def test_the_same_as_with_an_entry_for_each_position(most: int, together: int) -> None:
    often = np.random.default_rng(most).integers(1, most + 1, 50)
    positions = CropPositions(often, together)
    clip = np.repeat(np.arange(len(often)), often)
    part = np.arange(len(clip)) - np.repeat(np.cumsum(often) - often, often)
    block = np.cumsum(part % together == 0) - 1
    shuffled = np.random.default_rng(5).permutation(block[-1] + 1)[block]

    assert len(positions) == len(clip)
    asked = np.random.default_rng(2).permutation(len(clip))
    found = positions.find(asked)
    assert np.array_equal(found.clip, clip[asked])
    assert np.array_equal(positions.clips(asked), clip[asked])
    assert np.array_equal(found.part, part[asked])
    assert np.array_equal(found.parts, often[clip[asked]])
    assert np.array_equal(positions.order(np.random.default_rng(5)), np.argsort(shuffled, kind="stable"))
