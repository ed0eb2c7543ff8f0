"""Slots and neighbourhoods of thinned clouds, against one list at a time."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from randquant.pointcloud.augment.dropped_points import kept_neighbours, kept_slots


def test_a_thinned_neighbourhood_reaches_farther() -> None:
    kept = torch.tensor([[True, False, True, True], [False, False, False, True], [False] * 4])
    lists = [[0, 1, 2], [1, 0, 2], [2, 1, 3], [3, 2, 1]]
    at, found = kept_neighbours(torch.tensor([lists] * 3), kept, 2)
    assert at.tolist() == [[0, 2, 2, 3], [3, 3, 3, 3], [0, 1, 2, 3]]
    assert found.tolist() == [
        [[0, 2], [2, 3], [2, 3], [3, 2]],
        [[3, 3]] * 4,
        [[0, 0], [1, 1], [2, 2], [3, 3]],
    ]
    assert kept_neighbours(torch.tensor([lists]), kept[:1], 3)[1].tolist() == [
        [[0, 2, 2], [2, 3, 3], [2, 3, 3], [3, 2, 2]]
    ]
    at, found = kept_neighbours(torch.tensor([lists]), None, 2)
    assert (at.tolist(), found.tolist()) == ([[0, 1, 2, 3]], [[row[:2] for row in lists]])


@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.integers(1, 9))
def test_kept_neighbours_equal_one_list_at_a_time(seed: int, share: float, count: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    lists = torch.stack([torch.randperm(20, generator=generator)[:9] for _ in range(12)])[None]
    kept = torch.rand(1, 20, generator=generator) < share
    kept[0, :12] |= ~kept[0, :12].any()  # with no centre kept, all stay as they are
    at, found = kept_neighbours(lists, kept, count)
    for centre, row in zip(at[0].tolist(), found[0].tolist(), strict=True):
        stays = [slot for slot in lists[0, centre].tolist() if kept[0, slot]] or [centre]
        assert row == [*stays[:count], *[stays[:count][-1]] * (count - len(stays))]


def test_kept_slots_stand_for_themselves_and_for_others_in_turn() -> None:
    kept = torch.tensor([[0, 1, 0, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]]).bool()
    found: Tensor = kept_slots(kept)
    assert found.tolist() == [[1, 1, 1, 3, 1], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4]]
