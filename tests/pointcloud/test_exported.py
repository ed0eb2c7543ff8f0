"""Encoders of point clouds as exported functions."""

import pytest
import torch

from randquant.pointcloud.encoders.registry import ENCODERS
from randquant.pointcloud.encoders.weights import untrained_encoder
from randquant.pointcloud.exported import boxes, exportable, fewest_points


@pytest.mark.parametrize("name", list(ENCODERS))
@pytest.mark.parametrize("channels", [3, 6])
def test_scaling_and_turning_are_inside(name: str, channels: int) -> None:
    loaded = untrained_encoder(name, 16, 0, channels)
    loaded.up = "y"
    function = exportable(loaded)
    clouds = boxes(2, fewest_points(loaded.encoder), channels)
    with torch.inference_mode():
        own, given = function.native(clouds.clone()), function.function(clouds.clone())
        moved = torch.cat([7.0 * clouds[..., :3] - 3.0, clouds[..., 3:]], dim=-1)
        torch.testing.assert_close(given, own)
        torch.testing.assert_close(function.function(moved), own, atol=1e-2, rtol=1e-2)
