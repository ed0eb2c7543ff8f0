"""Encoders of point clouds as exported functions."""

import pytest
import torch

from randquant.errors import DataError, UsageError
from randquant.pointcloud.encoders.registry import ENCODERS
from randquant.pointcloud.encoders.weights import untrained_encoder
from randquant.pointcloud.exported import STORED, boxes, exportable
from randquant.pointcloud.points.geometry import group


@pytest.mark.parametrize("name", list(ENCODERS))
@pytest.mark.parametrize("channels", [3, 6])
def test_a_vector_is_that_of_load(name: str, channels: int) -> None:
    loaded = untrained_encoder(name, 16, 0, channels)
    loaded.up, loaded.points = "y", 300
    function = exportable(loaded)
    for points in (270, 300, 400):
        clouds = boxes(2, points, channels)
        order = torch.randperm(points, generator=torch.Generator().manual_seed(0))
        moved = torch.cat([7.0 * clouds[..., :3] - 3.0, clouds[..., 3:]], dim=-1)
        with torch.inference_mode():
            own = function.native(clouds)
            torch.testing.assert_close(function.function(clouds), own, atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(function.function(group(moved, order.expand(2, -1))), own, atol=1e-2, rtol=1e-2)


@pytest.mark.parametrize("points", [128, "any"])
def test_more_points_than_a_store_keeps(points: int | str) -> None:
    loaded = untrained_encoder("PointNetLite", 16, 0, 3)
    loaded.points = points  # type: ignore[assignment]
    function = exportable(loaded)
    clouds = boxes(1, STORED + 50, 3)
    with torch.inference_mode():
        torch.testing.assert_close(function.function(clouds), function.native(clouds), atol=1e-5, rtol=1e-4)
        with pytest.raises((IndexError, RuntimeError), match="out of"):
            function.function(clouds[:, : (function.size.fewest if function.size else 0) - 1])


def test_fewer_points_than_a_file_works_on_are_refused() -> None:
    loaded = untrained_encoder("PointNetLite", 16, 0, 3)
    loaded.points = 40
    with pytest.raises(UsageError, match=r"takes 40 points of each cloud, and a file of PointNetLite works on 128"):
        exportable(loaded)


@pytest.mark.parametrize("value", [0.5, float("nan"), float("inf")])
def test_clouds_that_load_refuses(value: float) -> None:
    function = exportable(untrained_encoder("PointNet", 16, 0, 3))
    clouds = boxes(2, 40, 3)
    clouds[1, :, 0] = value
    if value == 0.5:  # points in one place
        clouds[1] = value
    with torch.inference_mode():
        with pytest.raises(DataError):
            function.native(clouds)
        with pytest.raises((IndexError, RuntimeError), match="out of"):
            function.function(clouds)
        function.function(clouds[:1])
