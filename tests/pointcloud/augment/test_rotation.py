"""Rotations against products of the textbook's matrices, and how they are distributed."""

import math
from collections.abc import Callable

import pytest
import torch
from scipy import stats
from torch import Tensor

from randquant.pointcloud.augment.rotation import (
    RandomRotation,
    RandomRotationPerturbation,
    Rotating,
    RotationParams,
    rotate,
)
from randquant.pointcloud.points.layout import XYZ_NORMALS

MAKERS: dict[str, Callable[[], Rotating]] = {
    "z": RandomRotation,
    "x": lambda: RandomRotation("x", degrees=20.0),
    "y": lambda: RandomRotation("y"),
    "so3": lambda: RandomRotation("so3"),
    "perturbation": RandomRotationPerturbation,
}
MANY = torch.empty(20_000, 1, 3)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def about(axis: str, angle: float) -> Tensor:
    """The matrix that turns column vectors about an axis."""
    cos, sin = math.cos(angle), math.sin(angle)
    rows = {
        "x": [[1, 0, 0], [0, cos, -sin], [0, sin, cos]],
        "y": [[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]],
        "z": [[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]],
    }
    return torch.tensor(rows[axis], dtype=torch.float64)


@pytest.mark.parametrize("name", MAKERS)
def test_matrices_turn_and_do_not_mirror(name: str) -> None:
    matrix = MAKERS[name]().make_params(MANY[:500], generator=generator(1)).matrix.double()
    torch.testing.assert_close(matrix @ matrix.mT, torch.eye(3).double().expand(500, 3, 3), rtol=0.0, atol=1e-6)
    torch.testing.assert_close(torch.linalg.det(matrix), torch.ones(500).double(), rtol=0.0, atol=1e-6)


def test_points_are_multiplied_as_columns() -> None:
    clouds = torch.randn(4, 10, 6)
    augment = RandomRotation("so3", layout=XYZ_NORMALS)
    params = augment.make_params(clouds)
    expected = [
        torch.cat([matrix @ point[:3], matrix @ point[3:]])
        for cloud, matrix in zip(clouds, params.matrix, strict=True)
        for point in cloud
    ]
    torch.testing.assert_close(augment.transform(clouds, params).flatten(0, 1), torch.stack(expected))


def test_the_identity_is_exact() -> None:
    clouds = torch.randn(4, 10, 3)
    assert torch.equal(rotate(clouds, torch.eye(3).expand(4, 3, 3)), clouds)


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_turns_about_an_axis_are_uniform_up_to_the_given_angle(axis: str) -> None:
    matrices = RandomRotation(axis, degrees=60.0).make_params(MANY, generator=generator(2)).matrix  # type: ignore[arg-type]
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    angle = torch.atan2(matrices[:, second, first], matrices[:, first, first])
    assert stats.kstest(angle.numpy(), stats.uniform(-math.pi / 3, 2 * math.pi / 3).cdf).pvalue > 0.01
    expected = torch.stack([about(axis, value) for value in angle[:50].tolist()])
    torch.testing.assert_close(matrices[:50].double(), expected, rtol=0.0, atol=1e-6)


def test_any_rotation_is_uniform() -> None:
    matrices = RandomRotation("so3").make_params(MANY, generator=generator(3)).matrix.double()
    angle = ((matrices.diagonal(dim1=1, dim2=2).sum(dim=1) - 1.0) / 2.0).clamp(-1.0, 1.0).arccos()
    assert (
        stats.kstest(angle.numpy(), lambda theta: (theta - torch.sin(torch.tensor(theta)).numpy()) / math.pi).pvalue
        > 0.01
    )
    # Every entry is a coordinate of a uniform point on the sphere, hence uniform in [-1, 1].
    for entry in matrices.flatten(1).T:
        assert stats.kstest(entry.numpy(), stats.uniform(-1.0, 2.0).cdf).pvalue > 0.001


def test_a_perturbation_turns_about_x_then_y_then_z() -> None:
    augment = RandomRotationPerturbation(sigma=0.5, clip=0.6)
    matrices = augment.make_params(MANY[:50], generator=generator(4)).matrix.double()
    angles = (torch.randn(3, 50, generator=generator(4)) * 0.5).clamp(-0.6, 0.6)
    for matrix, (x, y, z) in zip(matrices, angles.T.tolist(), strict=True):
        torch.testing.assert_close(matrix, about("z", z) @ about("y", y) @ about("x", x), rtol=0.0, atol=1e-6)


def test_a_turn_about_z_leaves_up_alone() -> None:
    clouds = torch.randn(4, 10, 3)
    assert torch.equal(RandomRotation("z")(clouds)[..., 2], clouds[..., 2])
    quarter = RotationParams(about("z", math.pi / 2).float()[None])
    turned = RandomRotation().transform(torch.tensor([[[1.0, 0.0, 5.0]]]), quarter)
    torch.testing.assert_close(turned, torch.tensor([[[0.0, 1.0, 5.0]]]), rtol=0.0, atol=1e-6)
