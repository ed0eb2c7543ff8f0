"""The grid against counting by hand."""

import pytest
import torch

from randquant.errors import UsageError
from randquant.pointcloud.encoders.named_encoder import named_encoder
from randquant.pointcloud.encoders.occupancy import Occupancy, occupancy


def test_cells_are_those_with_points() -> None:
    points = torch.rand(4, 50, 3, generator=torch.Generator().manual_seed(0)) * 2.4 - 1.2
    found = Occupancy(cells=5)(points).view(4, 5, 5, 5)
    expected = torch.zeros(4, 5, 5, 5)
    for shape, cloud in enumerate(points.tolist()):
        for point in cloud:
            x, y, z = (min(4, max(0, int((value + 1) / 2 * 5 // 1))) for value in point)
            expected[shape, x, y, z] = 1
    assert torch.equal(found, expected)


def test_points_that_do_not_count_are_left_out() -> None:
    points = torch.tensor([[[-0.5, -0.5, -0.5], [0.5, 0.5, 0.5]]])
    kept = torch.tensor([[True, False]])
    assert Occupancy(cells=2)(points, kept=kept).tolist() == [[1, 0, 0, 0, 0, 0, 0, 0]]
    assert Occupancy(cells=2)(points.flip(1)).tolist() == [[1, 0, 0, 0, 0, 0, 0, 1]]


def test_the_name_says_all() -> None:
    loaded = named_encoder("occupancy:8", seed=0)
    assert loaded.encoder.embedding_size() == 512
    assert loaded.sha256 != occupancy("occupancy:4").sha256
    for name in ("occupancy:", "occupancy:0", "occupancy:33", "occupancy:many"):
        with pytest.raises(UsageError, match="as in occupancy:8"):
            occupancy(name)
