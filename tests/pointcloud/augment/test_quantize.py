"""Quantized clouds: every group is plain randomized quantization, and what only points need."""

from typing import Any

import pytest
import torch
from torch import Tensor

from randquant import QuantizationParams, RandomizedQuantization
from randquant.pointcloud.augment.quantize import PointQuantization, Quantizer
from randquant.pointcloud.points.layout import XYZ_NORMALS, Layout

LAYOUT = Layout.of(["x", "y", "z", "part", "nx", "ny", "nz", "r", "g", "b", "file_row"])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def x() -> Tensor:
    clouds = torch.randn(12, 300, len(LAYOUT), generator=generator(7))
    clouds[..., 4:7] = torch.nn.functional.normalize(clouds[..., 4:7], dim=-1)
    return clouds


def slow(column: Tensor, edges: Tensor, values: Tensor) -> Tensor:
    """One column (N) by its definition, point by point, in float64."""
    low, high = column.double().min(), column.double().max()
    cuts = low + edges.double() * (high - low)
    index = [(value >= cuts).sum() for value in column.double()]
    return torch.stack([low + values.double()[place] * (high - low) for place in index])


def drawn(params: QuantizationParams | None) -> QuantizationParams:
    assert params is not None
    return params


def test_every_column_equals_the_slow_definition(x: Tensor) -> None:
    quantize = PointQuantization(Quantizer(), colours=Quantizer(bins=(2, 5)), layout=LAYOUT)
    params = quantize.make_params(x, generator=generator(1))
    result = quantize.transform(x, params)
    xyz, colours = drawn(params.xyz), drawn(params.colours)
    for cloud in range(3):
        for axis in range(3):
            expected = slow(x[cloud, :, axis], xyz.edges[cloud, 0, axis], xyz.values[cloud, 0, axis])
            torch.testing.assert_close(result[cloud, :, axis].double(), expected, rtol=0.0, atol=1e-5)
            expected = slow(x[cloud, :, 7 + axis], colours.edges[cloud, axis], colours.values[cloud, axis])
            torch.testing.assert_close(result[cloud, :, 7 + axis].double(), expected, rtol=0.0, atol=1e-5)


def test_a_shared_quantizer_equals_the_slow_definition(x: Tensor) -> None:
    quantize = PointQuantization(shared=True, layout=LAYOUT)
    params = quantize.make_params(x, generator=generator(1))
    result = quantize.transform(x, params)
    xyz = drawn(params.xyz)
    for cloud in range(3):
        expected = slow(x[cloud, :, :3].flatten(), xyz.edges[cloud, 0], xyz.values[cloud, 0])
        torch.testing.assert_close(result[cloud, :, :3].double().flatten(), expected, rtol=0.0, atol=1e-5)


def test_it_is_randomized_quantization_of_the_coordinates() -> None:
    clouds = torch.randn(5, 100, 3)
    quantized = PointQuantization(Quantizer(8))(clouds, generator=generator(3))
    assert torch.equal(quantized, RandomizedQuantization(8, dim=-2)(clouds, generator=generator(3)))


@pytest.mark.parametrize("edges", ["random", "uniform"])
@pytest.mark.parametrize("value", ["random", "midpoint", "zero"])
@pytest.mark.parametrize("shared", [False, True])
def test_no_more_values_than_bins(edges: Any, value: Any, shared: bool, x: Tensor) -> None:
    result = PointQuantization(Quantizer(6, edges=edges, value=value), layout=LAYOUT, shared=shared)(x)
    for cloud in result:
        columns = [cloud[:, :3].flatten()] if shared else list(cloud[:, :3].T)
        assert all(column.unique().numel() <= 6 for column in columns)
    assert not torch.equal(result, x)


def test_every_cloud_draws_its_bins_and_axes_share_only_if_asked() -> None:
    clouds = torch.randn(1, 2_000, 3).expand(40, -1, -1).contiguous()
    for shared in (False, True):
        result = PointQuantization(shared=shared)(clouds)
        counts = torch.tensor([[column.unique().numel() for column in cloud.T] for cloud in result])
        assert counts.max() <= 64
        assert counts.amin(dim=0).max() < 25 < 45 < counts.amax(dim=0).min()
        common = [len(set(cloud[:, 0].tolist()) & set(cloud[:, 1].tolist())) for cloud in result]
        assert (min(common) > 5) if shared else (max(common) == 0)


def test_columns_outside_the_groups_are_never_touched(x: Tensor) -> None:
    quantize = PointQuantization(
        normals=Quantizer(4), colours=Quantizer(4), layout=LAYOUT, jitter=0.1, renormalise=True
    )
    result = quantize(x)
    changed = (result != x).flatten(0, 1).any(dim=0)
    assert [name for name, hit in zip(LAYOUT.channels, changed, strict=True) if not hit] == ["part", "file_row"]
    alone = PointQuantization(None, colours=Quantizer(4), layout=LAYOUT, jitter=0.1, renormalise=True)(x)
    assert torch.equal(alone[..., :7], x[..., :7])
    assert not torch.equal(alone[..., 7:10], x[..., 7:10])


def test_groups_are_drawn_apart() -> None:
    clouds = torch.randn(400, 40, len(LAYOUT))
    half = Quantizer(4, p=0.5)
    changed = PointQuantization(half, half, half, layout=LAYOUT, shared=True)(clouds) != clouds
    hits = torch.stack([changed[..., start].any(dim=1) for start in (0, 4, 7)])
    patterns = torch.cartesian_prod(*[torch.tensor([False, True])] * 3)
    shares = [(hits == pattern[:, None]).all(dim=0).float().mean() for pattern in patterns]
    assert all(0.07 < float(share) < 0.19 for share in shares)  # 1/8 each


@pytest.mark.parametrize("value", ["random", "midpoint", "zero"])
def test_normals_stay_unit(value: Any, x: Tensor) -> None:
    lengths = PointQuantization(None, Quantizer(5, value=value), layout=LAYOUT)(x)[..., 4:7].norm(dim=-1)
    expected = torch.zeros_like(lengths) if value == "zero" else torch.ones_like(lengths)
    torch.testing.assert_close(lengths, expected)


def test_a_missing_normal_stays_missing_and_does_not_count(x: Tensor) -> None:
    holed = x[:, :, 4:7].abs() + 0.5  # all components above 0.5, so that a zero would widen the range
    holed = torch.cat([x[..., :3], holed], dim=-1)
    without = torch.rand(holed.shape[:2]) < 0.3
    quantize = PointQuantization(None, Quantizer(8), layout=XYZ_NORMALS)
    params = quantize.make_params(holed, generator=generator(1))
    holed[..., 3:][without] = 0.0
    result = quantize.transform(holed, params)
    assert (result[..., 3:][without] == 0.0).all()
    alone = quantize.transform(holed[:1, ~without[0]], type(params)(None, _first(drawn(params.normals)), None, None))
    assert torch.equal(result[0, ~without[0]], alone[0])


def _first(params: QuantizationParams) -> QuantizationParams:
    return QuantizationParams(params.edges[:1], params.values[:1], None)


def test_jitter_spreads_what_fell_together(x: Tensor) -> None:
    clouds = x[..., :3].contiguous()
    plain, jittered = (PointQuantization(Quantizer(4), jitter=jitter) for jitter in (0.0, 0.02))
    before, after = (quantize(clouds, generator=generator(1)) for quantize in (plain, jittered))
    assert all(len(cloud.unique(dim=0)) <= 64 for cloud in before)
    assert all(len(cloud.unique(dim=0)) == 300 for cloud in after)
    extent = clouds.amax(dim=1, keepdim=True) - clouds.amin(dim=1, keepdim=True)
    noise = (after - before) / (0.02 * extent)
    assert float(noise.abs().max()) == pytest.approx(3.0, abs=1e-3)
    assert float(noise.std()) == pytest.approx(0.987, abs=0.02)


def test_renormalised_clouds_fill_the_unit_sphere(x: Tensor) -> None:
    quantize = PointQuantization(Quantizer(4), jitter=0.02, renormalise=True)
    result = quantize(x[..., :3].contiguous() * 7.0 + 3.0)
    torch.testing.assert_close(result.norm(dim=-1).amax(dim=1), torch.ones(12))
    torch.testing.assert_close(result.mean(dim=1), torch.zeros(12, 3), rtol=0.0, atol=1e-5)


def test_a_draw_fits_clouds_of_any_size(x: Tensor) -> None:
    quantize = PointQuantization(normals=Quantizer(8), layout=LAYOUT)
    params = quantize.make_params(x, generator=generator(1))
    moved = x.clone()
    moved[..., :3] = x[..., :3] * 4.0 + 1.0
    result = quantize.transform(moved, params)
    torch.testing.assert_close(result[..., :3], quantize.transform(x, params)[..., :3] * 4.0 + 1.0, rtol=0.0, atol=1e-4)


def test_a_representation_shows_every_quantizer() -> None:
    shown = repr(PointQuantization(normals=Quantizer(8, p=0.5), layout=XYZ_NORMALS, shared=True))
    assert "(xyz): RandomizedQuantization(bins=(16, 64), dim=(-2, -1)" in shown
    assert "(normals): RandomizedQuantization(bins=8, dim=(-2,), p=0.5" in shown
    assert "shared=True, jitter=0.0, renormalise=False" in shown


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PointQuantization(normals=Quantizer()), "normals should be None"),
        (lambda: PointQuantization(colours=Quantizer(), layout=XYZ_NORMALS), "colours should be None"),
        (lambda: PointQuantization(Quantizer(bins=1)), "bins should be"),
        (lambda: PointQuantization(Quantizer(p=2.0)), "p should be"),
        (lambda: PointQuantization(Quantizer(edges="even")), "edges should be"),  # type: ignore[arg-type]
        (lambda: PointQuantization(Quantizer(value="mean")), "value should be"),  # type: ignore[arg-type]
        (lambda: PointQuantization(jitter=-0.1), "jitter should be"),
    ],
)
def test_bad_arguments_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_clouds_of_other_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="pass the layout"):
        PointQuantization()(torch.rand(2, 10, 6))
