"""Windows cover a recording, and leave out little or nothing."""

from itertools import pairwise

import pytest

from randquant.audio.embedding.windows import windows


@pytest.mark.parametrize("samples", [1, 800, 159_999, 160_000, 160_001, 1_000_000])
def test_equal_windows_cover_all_but_a_few_samples(samples: int) -> None:
    cut = windows(samples)
    bounds = cut.bounds()
    assert bounds[0][0] == 0
    assert all(stop == start for (_, stop), (start, _) in pairwise(bounds))
    assert samples - cut.count < bounds[-1][1] <= samples
    assert cut.length <= 160_000


@pytest.mark.parametrize(
    ("samples", "bounds"),
    [
        (300, [(0, 300)]),
        (16_000, [(0, 16_000)]),
        (16_700, [(0, 16_000)]),
        (40_000, [(0, 16_000), (16_000, 32_000), (32_000, 40_000)]),
    ],
)
def test_fixed_windows_end_with_a_rest_worth_having(samples: int, bounds: list) -> None:
    assert windows(samples, 1.0).bounds() == bounds


@pytest.mark.parametrize("hop", [0.1, 0.25, 0.4, 1.0])
@pytest.mark.parametrize("samples", [100, 15_999, 16_000, 16_001, 16_800, 23_456, 100_000])
def test_overlapping_windows_come_at_every_hop_and_miss_less_than_50_ms(samples: int, hop: float) -> None:
    bounds = windows(samples, 1.0, hop).bounds()
    step = round(hop * 16_000)
    assert [start for start, _ in bounds] == [index * step for index in range(len(bounds))]
    assert all(stop - start == 16_000 for start, stop in bounds[:-1])
    assert samples - 800 < bounds[-1][1] <= samples
    assert bounds[-1][1] - bounds[-1][0] <= 16_000
    assert len({stop for _, stop in bounds}) == len(bounds)
