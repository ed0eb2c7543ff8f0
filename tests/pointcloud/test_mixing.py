"""Clouds are mixed by subsets, balls and assignment; encoders at their stages."""

from functools import partial

import pytest
import torch
from torch import Tensor

from randquant.blend import Blend
from randquant.errors import UsageError
from randquant.mix import InputMix, Mix
from randquant.packed import PackedBatch
from randquant.pointcloud.cloud_batch import CloudBatch
from randquant.pointcloud.encoders.registry import ENCODERS
from randquant.pointcloud.mixing import AssignmentMix, BallMix, SubsetMix, cloud_blend
from randquant.pointcloud.points.layout import XYZ, XYZ_NORMALS
from randquant.stages import quantize_stage, stages_of
from randquant.views import embedded


def clouds() -> tuple[CloudBatch, CloudBatch]:
    torch.manual_seed(0)
    kept = torch.rand(2, 3, 20) < 0.7
    one, two = (CloudBatch(torch.randn(3, 20, 3), None, each) for each in kept)
    return one, two


def rows(points: Tensor) -> set[tuple[float, ...]]:
    return {tuple(row) for row in points.tolist()}


@pytest.mark.parametrize("blend", [SubsetMix(), BallMix()])
def test_points_come_from_either_cloud_in_the_share_that_is_said(blend: Blend) -> None:
    one, two = clouds()
    params = blend.make_params(one)
    mixed, weight = blend.transform(one, two, torch.tensor([0.5, 0.8, 1.0]), params)
    assert isinstance(mixed, CloudBatch)
    assert mixed.neighbours is None
    for number in range(3):
        genuine = rows(mixed.points[number][mixed.genuine[number]])
        from_one = genuine & rows(one.points[number][one.genuine[number]])
        assert genuine - from_one <= rows(two.points[number][two.genuine[number]])
        assert float(weight[number]) == pytest.approx(len(from_one) / len(genuine))
    assert torch.equal(mixed.points[2], one.points[2])
    assert torch.equal(mixed.genuine[2], one.genuine[2])


def test_a_ball_is_exchanged_for_the_nearest_of_the_other() -> None:
    one, two = CloudBatch(torch.randn(1, 30, 3)), CloudBatch(torch.randn(1, 30, 3))
    params = BallMix().make_params(one)
    mixed, weight = BallMix().transform(one, two, torch.tensor([0.7]), params)
    assert isinstance(mixed, CloudBatch)
    centre = one.points[0, int(params.centre * 30)]
    near = [cloud.points[0][(cloud.points[0] - centre).norm(dim=1).argsort()] for cloud in (one, two)]
    size = round(30 * (1 - float(weight)))
    assert size in (8, 9)
    assert rows(mixed.points[0]) == rows(near[0][size:]) | rows(near[1][:size])


def test_assignment_moves_points_to_a_permutation_of_themselves() -> None:
    points = torch.cat([torch.randn(2, 12, 3), torch.nn.functional.normalize(torch.randn(2, 12, 3), dim=-1)], dim=-1)
    shuffled = points[:, torch.randperm(12)]
    mixed, weight = AssignmentMix(XYZ_NORMALS).transform(points, shuffled, torch.tensor([0.6, 1.0]), None)
    torch.testing.assert_close(mixed.points, points)
    assert weight.tolist() == pytest.approx([0.6, 1.0])
    with pytest.raises(UsageError, match="at most 1,024 points"):
        AssignmentMix(XYZ).transform(torch.zeros(1, 2000, 3), torch.zeros(1, 2000, 3), torch.ones(1), None)


def test_packed_clouds_are_mixed_by_subsets() -> None:
    packed = PackedBatch.of([torch.randn(size, 3) for size in (9, 1, 30)])
    mix = Mix(blend=SubsetMix())
    params = mix.make_params(packed)._replace(weight=torch.tensor([0.5, 0.5, 1.0]), partner=torch.tensor([2, 0, 1]))
    mixed, mixture = mix.transform(packed, params)
    assert mixed.sizes == [5 + 15, 1 + 4, 30]
    assert mixture.weight.tolist() == pytest.approx([0.25, 0.2, 1.0])
    for cloud, own, other in zip(mixed.split(), packed.split(), (packed.split()[n] for n in (2, 0, 1)), strict=True):
        assert rows(cloud) <= rows(own) | rows(other)
    assert torch.equal(mixed.split()[2], packed.split()[2])
    assert InputMix(3, blend=SubsetMix())(packed).sizes[1] >= 1
    with pytest.raises(UsageError, match="subsets of points alone"):
        cloud_blend("cutmix", how="subset", layout=XYZ, packed=True)


@pytest.mark.parametrize("name", ENCODERS)
def test_stages_of_every_encoder_are_mixed_and_quantized(name: str) -> None:
    encoder = ENCODERS[name](d=64)  # type: ignore[call-arg]
    x, kept = torch.randn(6, 100, 3), torch.rand(6, 100) < 0.8
    names, plain = list(encoder.state_dict()), encoder.eval()(x, None, kept)
    for stage in (*stages_of(encoder), "embedding"):
        mixed, _ = Mix(layer=stage).through(partial(embedded, encoder), encoder, [(x, None, kept)])
        assert mixed.shape == plain.shape
        assert not torch.equal(mixed, plain), stage
    assert torch.equal(encoder(x, None, kept), plain)
    for stage in list(stages_of(encoder))[:1]:
        quantize_stage(encoder, stage, 2)
        assert torch.equal(encoder(x, None, kept), plain)
        assert not torch.equal(encoder.train()(x), encoder(x))
    assert list(encoder.state_dict()) == names


def test_a_cloud_mixed_with_itself_inside_an_encoder_is_itself() -> None:
    for make in ENCODERS.values():
        encoder = make(d=16).eval()  # type: ignore[call-arg]
        cloud = torch.randn(1, 40, 3).expand(3, -1, -1)
        for stage in stages_of(encoder):
            mixed, _ = Mix(layer=stage).through(encoder, encoder, [cloud])
            torch.testing.assert_close(mixed, encoder(cloud))
