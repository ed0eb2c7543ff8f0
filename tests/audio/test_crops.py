"""Crops and padding: which samples are read depends on (seed, epoch, index) alone, and evenly so."""

import numpy as np
import pytest

from randquant.audio.crops import CropPositions, fit_length, random_starts


@pytest.mark.parametrize("length", [0, 1, 5, 8, 9, 30])
@pytest.mark.parametrize("pad", ["both", "tail"])
def test_fit_length(length: int, pad: str) -> None:
    samples = np.arange(1, length + 1, dtype=np.int16)
    fitted = fit_length(samples, 8, start=max(0, length - 8), pad=pad)  # type: ignore[arg-type]
    assert fitted.shape == (8,)
    assert fitted.dtype == np.int16
    kept = fitted[fitted > 0]
    assert list(kept) == list(samples[-8:])
    if length < 8:
        head = (8 - length) // 2 if pad == "both" else 0
        assert list(fitted[head : head + length]) == list(samples)


def test_starts_are_uniform_and_reach_both_ends() -> None:
    indices = np.arange(60_000)
    starts = random_starts(indices, np.full(60_000, 25), 20, seed=1, epoch=3)
    assert set(starts) == set(range(6))
    assert np.abs(np.bincount(starts) / 10_000 - 1).max() < 0.05


def test_starts_depend_on_seed_epoch_and_index_alone() -> None:
    indices, lengths = np.arange(1000), np.full(1000, 10**6)
    starts = random_starts(indices, lengths, 100, seed=1, epoch=3)
    order = np.random.default_rng(0).permutation(1000)
    assert (random_starts(indices[order], lengths, 100, seed=1, epoch=3) == starts[order]).all()
    for seed, epoch in ((2, 3), (1, 4)):
        other = random_starts(indices, lengths, 100, seed=seed, epoch=epoch)
        assert (other == starts).mean() < 0.01
        assert abs(np.corrcoef(other, starts)[0, 1]) < 0.1


def test_short_items_start_at_zero() -> None:
    assert not random_starts(np.arange(9), np.arange(9), 100, seed=0, epoch=0).any()


@pytest.mark.parametrize("together", [1, 2, 3, 7])
@pytest.mark.parametrize("most", [1, 9])
def test_positions_are_the_same_as_with_an_entry_each(most: int, together: int) -> None:
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
