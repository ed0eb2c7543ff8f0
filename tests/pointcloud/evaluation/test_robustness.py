"""Changes of test shapes: fixed by shape, kind, severity and seed, and as severe as they say."""

import pytest
import torch

from randquant.pointcloud.evaluation.robustness import Corruption
from randquant.pointcloud.points.farthest_point_order import farthest_point_order
from randquant.pointcloud.points.layout import XYZ, XYZ_NORMALS


def clouds(count: int = 3, points: int = 200, channels: int = 3) -> torch.Tensor:
    return torch.randn(count, points, channels, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("corruption", Corruption.every(0), ids=lambda each: each.name)
def test_a_shape_is_changed_the_same_in_any_batch(corruption: Corruption) -> None:
    points = clouds(points=int(corruption.severity) + 72) if corruption.of_all else clouds()
    together = corruption(points, [5, 6, 7], XYZ)
    alone = torch.cat([corruption(points[[place]], [place + 5], XYZ) for place in range(3)])
    assert torch.equal(together, alone)
    assert torch.isfinite(together).all()
    assert not torch.equal(together, Corruption(corruption.kind, corruption.severity, 1)(points, [5, 6, 7], XYZ))
    same = corruption(points[:1].expand(2, -1, -1), [5, 6], XYZ)
    assert not torch.equal(same[0], same[1]), "two shapes are changed apart"


@pytest.mark.parametrize("corruption", Corruption.every(0), ids=lambda each: each.name)
def test_a_cloud_of_one_point_stays_one(corruption: Corruption) -> None:
    assert corruption(clouds(2, 1), [0, 1], XYZ).shape == (2, 1, 3)


def test_points_are_a_random_part_of_all_in_farthest_point_order() -> None:
    cloud = clouds(1, 300, 6)
    found = Corruption("points", 128)(cloud, [4], XYZ_NORMALS)[0]
    assert found.shape == (128, 6)
    rows = {tuple(row) for row in cloud[0].tolist()}
    assert {tuple(row) for row in found.tolist()} <= rows
    assert len({tuple(row) for row in found.tolist()}) == 128
    assert farthest_point_order(found[:, :3].numpy()).tolist() == list(range(128))


def test_dropout_leaves_points_of_the_cloud() -> None:
    points = clouds()
    left = Corruption("dropout", 0.75)(points, [0, 1, 2], XYZ)
    assert left.shape == (3, 50, 3)
    for before, after in zip(points, left, strict=True):
        kept = {tuple(row) for row in after.tolist()}
        assert len(kept) == 50
        assert kept <= {tuple(row) for row in before.tolist()}


def test_jitter_has_its_deviation() -> None:
    points = clouds(channels=6)
    noise = Corruption("jitter", 0.05)(points, [0, 1, 2], XYZ_NORMALS) - points
    assert float(noise[..., :3].std()) == pytest.approx(0.05, rel=0.1)
    assert not noise[..., 3:].any()


@pytest.mark.parametrize("kind", ["rotation_up", "rotation_any"])
@pytest.mark.parametrize("degrees", [15.0, 180.0])
def test_rotations_turn_coordinates_and_normals_alike(kind: str, degrees: float) -> None:
    points = clouds(30)
    both = torch.cat([points, points], dim=2)
    turned = Corruption(kind, degrees)(both, list(range(30)), XYZ_NORMALS)
    torch.testing.assert_close(turned[..., :3], turned[..., 3:])
    matrices = torch.linalg.lstsq(points.double(), turned[..., :3].double()).solution
    eye = torch.eye(3, dtype=torch.float64).expand(30, 3, 3)
    torch.testing.assert_close(matrices @ matrices.mT, eye, atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.linalg.det(matrices), torch.ones(30, dtype=torch.float64), atol=1e-5, rtol=0)
    angles = torch.rad2deg(torch.arccos(((matrices.diagonal(dim1=1, dim2=2).sum(1) - 1) / 2).clamp(-1, 1)))
    assert float(angles.max()) <= degrees + 0.1
    assert float(angles.max()) > 0.6 * degrees
    if kind == "rotation_up":
        torch.testing.assert_close(turned[..., 2], points[..., 2])


def test_density_falls_along_a_direction() -> None:
    points = clouds(40, 400)
    thinned = Corruption("density", 2.0)(points, list(range(40)), XYZ)
    assert thinned.shape == (40, 200, 3)
    moved = (thinned.mean(dim=1) - points.mean(dim=1)).norm(dim=1)
    evenly = Corruption("dropout", 0.5)(points, list(range(40)), XYZ)
    assert float(moved.mean()) > 2 * float((evenly.mean(dim=1) - points.mean(dim=1)).norm(dim=1).mean())


def test_severities_out_of_range() -> None:
    with pytest.raises(ValueError, match="kind should be one of dropout"):
        Corruption("rain", 1.0)
    with pytest.raises(ValueError, match="at most 180"):
        Corruption("rotation_up", 270.0)
    with pytest.raises(ValueError, match="above 0"):
        Corruption("jitter", 0.0)


def test_voxels_are_the_middles_of_cells() -> None:
    points = clouds(points=2000) / 3
    coarse = Corruption("voxels", 8.0)(points, [0, 1, 2], XYZ)
    assert float((coarse - points).abs().max()) <= 1 / 8 + 1e-6
    for cloud in coarse:
        for axis in cloud.T:
            steps = axis.unique().diff()
            torch.testing.assert_close(steps / 0.25, (steps / 0.25).round(), atol=1e-4, rtol=0)
