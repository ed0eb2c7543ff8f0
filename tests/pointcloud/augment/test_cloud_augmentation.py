"""What every augmentation of clouds promises."""

from typing import Any

import pytest
import torch
from torch import Tensor

from randquant.augmentation import Augmentation
from randquant.pointcloud.augment.cloud_augmentation import PerCloudAugmentation
from randquant.pointcloud.augment.dropping import RandomCrop, RandomCutout, RandomDropout
from randquant.pointcloud.augment.jitter import RandomJitter
from randquant.pointcloud.augment.quantize import PointQuantization, Quantizer
from randquant.pointcloud.augment.resample import RandomResample
from randquant.pointcloud.augment.rotation import RandomRotation, RandomRotationPerturbation
from randquant.pointcloud.augment.scale import RandomAnisotropicScale, RandomScale
from randquant.pointcloud.augment.translation import RandomTranslation
from randquant.pointcloud.points.layout import XYZ_NORMALS, Layout

LAYOUT = Layout.of(["x", "y", "z", "nx", "ny", "nz", "r", "g", "b", "file_row"])

PER_CLOUD: dict[str, Augmentation] = {  # one draw for all points of a cloud
    "scale": RandomScale(),
    "anisotropic": RandomAnisotropicScale(layout=LAYOUT),
    "rotation about x": RandomRotation("x", degrees=45.0, layout=LAYOUT),
    "rotation about z": RandomRotation("z", layout=LAYOUT),
    "any rotation": RandomRotation("so3", layout=LAYOUT),
    "perturbation": RandomRotationPerturbation(layout=LAYOUT),
    "translation": RandomTranslation(),
    "relative translation": RandomTranslation(relative=True),
    "rq": PointQuantization(normals=Quantizer(8), colours=Quantizer((2, 9), p=0.6), layout=LAYOUT),
    "shared rq": PointQuantization(Quantizer(p=0.9), shared=True, renormalise=True, layout=LAYOUT),
}
PER_POINT: dict[str, Augmentation] = {
    "jitter": RandomJitter(),
    "dropout": RandomDropout(),
    "crop": RandomCrop(),
    "cutout": RandomCutout(),
    "jittered rq": PointQuantization(jitter=0.01, layout=LAYOUT),
}
ALL = PER_CLOUD | PER_POINT | {"resample": RandomResample(50)}
CHANGING_WITH_P: dict[str, Any] = {
    "scale": RandomScale,
    "anisotropic": lambda p: RandomAnisotropicScale(p=p, layout=LAYOUT),
    "rotation": lambda p: RandomRotation("so3", p=p, layout=LAYOUT),
    "perturbation": lambda p: RandomRotationPerturbation(p=p, layout=LAYOUT),
    "translation": RandomTranslation,
    "jitter": RandomJitter,
    "dropout": lambda p: RandomDropout((0.3, 0.8), p=p),
    "crop": lambda p: RandomCrop((0.3, 0.8), p=p),
    "cutout": RandomCutout,
    "rq": lambda p: PointQuantization(Quantizer(p=p), shared=True, jitter=0.1, renormalise=True, layout=LAYOUT),
}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def x() -> Tensor:
    clouds = torch.randn(16, 100, len(LAYOUT), generator=generator(7))
    clouds[..., 3:6] = torch.nn.functional.normalize(clouds[..., 3:6], dim=-1)
    clouds[..., 9] = torch.arange(100.0)
    return clouds


def permuted(params: Any, order: Tensor) -> Any:
    """A draw with its clouds in another order."""
    if isinstance(params, tuple):
        return type(params)(*(permuted(field, order) for field in params))
    return None if params is None else params[order]


@pytest.mark.parametrize("name", ALL)
def test_a_draw_can_be_replayed(name: str, x: Tensor) -> None:
    params = ALL[name].make_params(x, generator=generator(1))
    first = ALL[name].transform(x, params)
    ALL[name].make_params(x, generator=generator(2))
    assert torch.equal(ALL[name].transform(x, params), first)
    assert first.shape == (16, 50 if name == "resample" else 100, len(LAYOUT))
    assert first.isfinite().all()
    assert not torch.equal(first, x)


@pytest.mark.parametrize("name", ALL)
def test_the_generator_decides(name: str, x: Tensor) -> None:
    first, again, other = (ALL[name](x, generator=generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", ALL)
def test_clouds_are_drawn_for_and_changed_alone(name: str, x: Tensor) -> None:
    params = ALL[name].make_params(x, generator=generator(1))
    together = ALL[name].transform(x, params)
    for cloud in range(len(x)):
        row = torch.tensor([cloud])
        alone = ALL[name].transform(x[row], permuted(params, row))
        torch.testing.assert_close(alone[0], together[cloud], rtol=0.0, atol=1e-6)
    order = torch.randperm(len(x), generator=generator(2))
    reordered = ALL[name].transform(x[order], permuted(params, order))
    torch.testing.assert_close(reordered, together[order], rtol=0.0, atol=1e-6)
    same = ALL[name](x[:1].expand_as(x).contiguous(), generator=generator(3))
    assert len({tuple(cloud.flatten().tolist()) for cloud in same}) > 8


@pytest.mark.parametrize("name", PER_CLOUD)
def test_permuted_points_give_permuted_points(name: str, x: Tensor) -> None:
    params = PER_CLOUD[name].make_params(x, generator=generator(1))
    order = torch.randperm(x.shape[1], generator=generator(2))
    result = PER_CLOUD[name].transform(x[:, order], params)
    torch.testing.assert_close(result, PER_CLOUD[name].transform(x, params)[:, order], rtol=0.0, atol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_eval_mode_is_the_identity(name: str, x: Tensor) -> None:
    assert ALL[name].eval()(x) is x
    ALL[name].train()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_dtypes_and_precision(name: str, dtype: torch.dtype, x: Tensor) -> None:
    cast = x.to(dtype)
    params = ALL[name].make_params(cast, generator=generator(1))
    result = ALL[name].transform(cast, params)
    assert result.dtype == dtype
    assert torch.equal(
        result, ALL[name].transform(cast.to(torch.promote_types(dtype, torch.float32)), params).to(dtype)
    )
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(ALL[name].transform(cast, params), result)


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_read_on_the_host(name: str, x: Tensor) -> None:
    # A meta tensor has a shape and no values: reading one raises.
    assert ALL[name](x.to("meta")).shape == ALL[name](x).shape


@pytest.mark.parametrize("name", PER_CLOUD | PER_POINT)
@pytest.mark.parametrize(
    "clouds",
    [
        pytest.param(torch.randn(1, 40, len(LAYOUT)), id="one cloud"),
        pytest.param(torch.randn(3, 1, len(LAYOUT)), id="one point"),
        pytest.param(torch.full((2, 40, len(LAYOUT)), 0.1), id="identical points"),
        pytest.param(torch.zeros(2, 40, len(LAYOUT)), id="zeros"),
        pytest.param(torch.randn(2, 40, len(LAYOUT)) * torch.tensor([1.0, 0.0] + [1.0] * 8), id="flat"),
        pytest.param(torch.randn(0, 40, len(LAYOUT)), id="no cloud"),
    ],
)
def test_degenerate_clouds_stay_finite(name: str, clouds: Tensor) -> None:
    for seed in range(5):
        result = ALL[name](clouds, generator=generator(seed))
        assert result.shape == clouds.shape
        assert result.isfinite().all()


@pytest.mark.parametrize("name", CHANGING_WITH_P)
def test_p_is_drawn_for_each_cloud(name: str) -> None:
    clouds = torch.randn(400, 64, len(LAYOUT), generator=generator(7))
    changed = (CHANGING_WITH_P[name](p=0.3)(clouds, generator=generator(1)) != clouds).flatten(1).any(dim=1)
    assert 80 < int(changed.sum()) < 160
    assert torch.equal(CHANGING_WITH_P[name](p=0.0)(clouds, generator=generator(1)), clouds)
    assert (CHANGING_WITH_P[name](p=1.0)(clouds) != clouds).flatten(1).any(dim=1).float().mean() > 0.99


@pytest.mark.parametrize("name", ["scale", "rotation", "jitter", "dropout", "crop", "cutout"])
def test_chosen_clouds_get_the_same_draw_whatever_p(name: str, x: Tensor) -> None:
    some, all_of_them = (CHANGING_WITH_P[name](p=p)(x, generator=generator(4)) for p in (0.5, 1.0))
    changed = (some != x).flatten(1).any(dim=1)
    assert 0 < int(changed.sum()) < len(x)
    assert torch.equal(some[:, :, 3:][~changed], x[:, :, 3:][~changed])
    if name not in ("dropout", "crop", "cutout"):  # what fills the dropped slots is drawn, too, but after p
        assert torch.equal(some[changed], all_of_them[changed])


@pytest.mark.parametrize("name", ["scale", "translation", "relative translation", "jitter"])
def test_only_coordinates_move(name: str, x: Tensor) -> None:
    assert torch.equal(ALL[name](x)[..., 3:], x[..., 3:])
    assert (ALL[name](x)[..., :3] != x[..., :3]).any()


@pytest.mark.parametrize("name", ["anisotropic", "rotation about z", "any rotation", "perturbation"])
def test_only_coordinates_and_normals_move(name: str, x: Tensor) -> None:
    assert torch.equal(ALL[name](x)[..., 6:], x[..., 6:])
    assert (ALL[name](x)[..., 3:6] != x[..., 3:6]).any()


@pytest.mark.parametrize("name", ["dropout", "crop", "cutout", "resample"])
def test_columns_of_a_point_stay_together(name: str, x: Tensor) -> None:
    result = ALL[name](x)
    rows = result[..., 9].long()[..., None].expand_as(result)
    assert torch.equal(result, x.gather(1, rows))


def sampled_triangle(corners: Tensor) -> Tensor:
    """(1, 50, 6): points of a triangle (3, 3), its unit normal beside each."""
    weights = torch.rand(50, 3, generator=generator(5))
    points = weights / weights.sum(dim=1, keepdim=True) @ corners
    normal = torch.linalg.cross(corners[1] - corners[0], corners[2] - corners[0])
    return torch.cat([points, (normal / normal.norm()).expand(50, 3)], dim=1)[None]


@pytest.mark.parametrize(
    "augment",
    [
        RandomScale(),
        RandomAnisotropicScale((0.2, 4.0), layout=XYZ_NORMALS),
        RandomRotation("y", layout=XYZ_NORMALS),
        RandomRotation("so3", layout=XYZ_NORMALS),
        RandomRotationPerturbation(layout=XYZ_NORMALS),
        RandomTranslation(),
    ],
    ids=repr,
)
def test_normals_stay_unit_and_perpendicular_to_the_surface(augment: PerCloudAugmentation) -> None:
    for seed in range(10):
        clouds = sampled_triangle(torch.randn(3, 3, generator=generator(seed)))
        result = augment(clouds, generator=generator(seed))[0].double()
        points, normals = result[:, :3], result[:, 3:]
        torch.testing.assert_close(normals.norm(dim=1), torch.ones(50, dtype=torch.float64), rtol=0.0, atol=1e-5)
        assert ((points - points[0]) * normals).sum(dim=1).abs().max() < 1e-5
        # Rotations and positive scales do not turn a surface inside out.
        assert torch.equal(result[:, 3:], result[:1, 3:].expand(50, 3))


def test_a_representation_says_everything() -> None:
    assert repr(RandomJitter(0.02)) == "RandomJitter(sigma=0.02, clip=0.05, p=1.0)"
    assert "kept=(0.5, 1.0), aspect=(0.75, 1.33), p=0.5, minimum=32" in repr(RandomCrop(p=0.5))
    assert "nx" in repr(RandomRotation(layout=XYZ_NORMALS))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RandomScale(p=1.5), "p should be a probability"),
        (lambda: RandomScale((0.0, 1.0)), "two factors > 0"),
        (lambda: RandomScale((1.2, 0.8)), "low <= high"),
        (lambda: RandomAnisotropicScale((-1.0, 1.0)), "0 <= low"),
        (lambda: RandomRotation("w"), "axis should be"),  # type: ignore[arg-type]
        (lambda: RandomRotation("z", degrees=270.0), r"degrees should be in \[0, 180\]"),
        (lambda: RandomRotation("so3", degrees=30.0), "name an axis"),
        (lambda: RandomRotationPerturbation(sigma=-0.1), "sigma should be"),
        (lambda: RandomTranslation(float("nan")), "distance should be"),
        (lambda: RandomJitter(clip=float("inf")), "clip should be"),
        (lambda: RandomDropout((0.0, 1.2)), "high <= 1"),
        (lambda: RandomDropout(minimum=0), "minimum should be an integer"),
        (lambda: RandomCrop((0.5,)), "two numbers"),  # type: ignore[arg-type]
        (lambda: RandomCrop(aspect=(0.0, 1.0)), "aspect should be two numbers > 0"),
        (lambda: RandomCutout((0.6, 0.3)), "low <= high"),
        (lambda: RandomResample(0), "count should be an integer"),
        (lambda: RandomResample(3.0), "count should be an integer"),  # type: ignore[arg-type]
    ],
)
def test_bad_arguments_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_clouds_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(B, N, C\), got \(100, 3\)"):
        RandomScale()(torch.rand(100, 3))
    with pytest.raises(ValueError, match="pass the layout"):
        RandomRotation()(torch.rand(2, 100, 6))
    with pytest.raises(ValueError, match="got 3 columns"):
        RandomAnisotropicScale(layout=XYZ_NORMALS)(torch.rand(2, 100, 3))
    with pytest.raises(TypeError, match=r"x\.float"):
        RandomCrop()(torch.zeros(2, 100, 3, dtype=torch.long))
