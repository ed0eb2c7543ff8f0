"""A network that sorts every list of zeros and ones sorts every list (Knuth, vol. 3, theorem 5.3.4Z)."""

import itertools

import numpy as np
import pytest

from randquant.kernels.sorting_network import network


@pytest.mark.parametrize("count", range(1, 12))
def test_it_sorts(count: int) -> None:
    lists = np.array(list(itertools.product([0, 1], repeat=count)))
    expected = np.sort(lists, axis=1)
    for i, j in network(count):
        lists[:, i], lists[:, j] = np.minimum(lists[:, i], lists[:, j]), np.maximum(lists[:, i], lists[:, j])
    assert (lists == expected).all()


@pytest.mark.parametrize("count", [31, 255])
def test_it_sorts_long_lists(count: int) -> None:
    lists = np.random.default_rng(0).random((50, count))
    expected = np.sort(lists, axis=1)
    for i, j in network(count):
        lists[:, i], lists[:, j] = np.minimum(lists[:, i], lists[:, j]), np.maximum(lists[:, i], lists[:, j])
    assert (lists == expected).all()
