"""Clouds in parts against a walk over points, and the encoders that embed them so."""

import pytest
import torch
from torch import Tensor

from randquant.errors import UsageError
from randquant.packed import PackedBatch
from randquant.pointcloud.encoders.named_encoder import named_encoder
from randquant.pointcloud.encoders.point_encoder import PointEncoder
from randquant.pointcloud.encoders.registry import ENCODERS
from randquant.pointcloud.encoders.weights import load_encoder, save_encoder, untrained_encoder
from randquant.pointcloud.exported import boxes, exportable
from randquant.pointcloud.points.geometry import unit_sphere
from randquant.pointcloud.points.parts import FEWEST, deals, in_parts, number_of_parts


def in_spheres(cloud: Tensor) -> Tensor:
    return torch.cat([unit_sphere(cloud[:, :3]), cloud[:, 3:]], dim=1)


def slow(encoder: PointEncoder, cloud: Tensor, part: int) -> Tensor:
    """The mean over parts, point by point and one part after the other, of one cloud (N, C)."""
    parts = max(1, int(len(cloud) / part + 0.5))
    orders = deals(len(cloud), parts)
    dealt: list[list[Tensor]] = [[] for _ in range(parts * len(orders))]
    for deal, order in enumerate(orders):
        for place, point in enumerate(order.tolist()):
            dealt[deal * parts + place % parts].append(cloud[point])
    encoder.set_part(0)
    found = torch.stack([encoder(in_spheres(torch.stack(each))[None])[0] for each in dealt]).mean(dim=0)
    encoder.set_part(part)
    return found


@pytest.mark.parametrize("size", [1, 10, 31, 32, 33, 100, 1000])
def test_parts_hold_every_point_once_and_are_of_nearly_one_size(size: int) -> None:
    parts = number_of_parts(size, 10)
    assert parts == 1 or 20 / 3 <= size / parts <= 15
    if size % parts == 0:
        cloud = torch.randn(1, size, 4)
        taken = in_parts(cloud, parts)
        assert taken.shape == (1, parts * len(deals(size, parts)), size // parts, 4)
        for deal in taken[0].split(parts):
            assert sorted(deal[..., 3].flatten().tolist()) == sorted(cloud[..., 3].flatten().tolist())
        torch.testing.assert_close(taken[0, 0, :, 3], cloud[0, ::parts, 3])


@pytest.mark.parametrize(("size", "parts"), [(1, 1), (64, 1), (130, 2), (200, 3), (512, 8), (999, 16)])
def test_a_cloud_of_few_parts_is_dealt_until_there_are_enough(size: int, parts: int) -> None:
    """Always in the same orders, whose rounds are of the same points."""
    orders = deals(size, parts)
    assert len(orders) == (1 if parts == 1 else max(1, -(-FEWEST // parts)))
    for order, again in zip(orders, deals(size, parts), strict=True):
        assert torch.equal(order, again)
        for start in range(0, size, parts):
            assert sorted(order[start : start + parts].tolist()) == list(range(start, min(start + parts, size)))
    assert len({tuple(order.tolist()) for order in orders}) == len(orders)


@pytest.mark.parametrize("name", list(ENCODERS))
@pytest.mark.parametrize("channels", [3, 6])
def test_an_embedding_is_the_mean_over_parts(name: str, channels: int) -> None:
    encoder = untrained_encoder(name, 16, 0, channels).encoder
    clouds = torch.cat([boxes(3, 100, channels), boxes(3, 100, channels).flip(1)])
    with torch.inference_mode():
        encoder.set_part(25)
        expected = torch.stack([slow(encoder, cloud, 25) for cloud in clouds])
        torch.testing.assert_close(encoder(clouds), expected, atol=1e-5, rtol=1e-4)
        ragged = [clouds[0], clouds[1, :93], clouds[2, :30], clouds[3, :7]]
        torch.testing.assert_close(
            encoder(PackedBatch.of(ragged)),
            torch.stack([slow(encoder, cloud, 25) for cloud in ragged]),
            atol=1e-5,
            rtol=1e-4,
        )


def test_a_cloud_of_one_part_is_embedded_whole_and_so_is_one_in_training() -> None:
    encoder = untrained_encoder("PointNetLite", 16, 0).encoder
    clouds = boxes(2, 40, 3)
    whole = encoder(clouds)
    encoder.set_part(30)
    torch.testing.assert_close(encoder(clouds), whole)
    encoder.set_part(20)
    assert not torch.equal(encoder(clouds), whole)
    trained = encoder.train()(clouds)
    encoder.set_part(0)
    torch.testing.assert_close(encoder(clouds), trained)


def test_points_that_are_dropped_do_not_count() -> None:
    encoder = untrained_encoder("PointNetLite", 16, 0).encoder
    encoder.set_part(20)
    clouds, kept = boxes(2, 60, 3), torch.rand(2, 60) < 0.7
    expected = torch.cat([encoder(cloud[here][None]) for cloud, here in zip(clouds, kept, strict=True)])
    torch.testing.assert_close(encoder(clouds, kept=kept), expected)


def test_a_file_and_a_name_say_the_part(tmp_path: object) -> None:
    loaded = untrained_encoder("PointNetLite", 16, 3)
    path = f"{tmp_path}/encoder.safetensors"
    loaded.encoder.set_part(32)
    save_encoder(path, loaded.encoder, points=128, metadata={})
    assert load_encoder(path).encoder.part == 32
    named = named_encoder("untrained:PointNetLite:16:part=32", seed=3)
    assert named.sha256 == load_encoder(path).sha256 != loaded.sha256
    assert named_encoder(f"{path}:part=64", seed=0).encoder.arguments["part"] == 64
    both = named_encoder("untrained:DGCNN:16:k=7:part=32", seed=3).encoder
    assert (both.part, both.arguments["k"]) == (32, 7)
    assert "part" not in untrained_encoder("PointNetLite", 16, 3).encoder.arguments  # whose hash is as it was


def test_an_exported_file_embeds_in_parts() -> None:
    loaded = untrained_encoder("PointNetLite", 16, 0)
    loaded.encoder.set_part(32)
    loaded.points = 128
    function = exportable(loaded)
    for points in (128, 300):
        clouds = boxes(2, points, 3)
        with torch.inference_mode():
            torch.testing.assert_close(function.function(clouds), function.native(clouds), atol=1e-5, rtol=1e-4)
    loaded.points = "any"
    with pytest.raises(UsageError, match="fixed number of parts"):
        exportable(loaded)


@pytest.mark.parametrize("part", [-1, 1.5, True])
def test_no_such_part(part: object) -> None:
    with pytest.raises(ValueError, match="whole number of points"):
        untrained_encoder("PointNet", 16, 0).encoder.set_part(part)  # type: ignore[arg-type]
