"""What every encoder of clouds owes: the clouds that break neighbourhoods, dropped points, order, precision, size."""

import sys
from typing import Any

import pytest
import torch
from torch import nn

from randquant.packed import PackedBatch
from randquant.pointcloud.encoders.dgcnn import DGCNN, nearest_features
from randquant.pointcloud.encoders.point_encoder import PointEncoder
from randquant.pointcloud.encoders.pointnet import PointNet
from randquant.pointcloud.encoders.pointnext import PointNeXt
from randquant.pointcloud.encoders.registry import ENCODERS

NAMES = sorted(ENCODERS)
ODD = {
    "one point": torch.zeros(2, 1, 3),
    "identical points": torch.full((2, 30, 3), 0.3),
    "fewer points than neighbours": torch.randn(2, 3, 3),
    "every point twice": torch.randn(2, 20, 3).repeat(1, 2, 1),
    "few distinct places": torch.randint(0, 3, (2, 64, 3)).float(),
    "one cloud": torch.randn(1, 40, 3),
}


def small(name: str, channels: int = 3) -> PointEncoder:
    """An encoder whose batch norms do something in eval mode too."""
    torch.manual_seed(1)
    encoder = ENCODERS[name](d=16, channels=channels)  # type: ignore[call-arg]
    for part in encoder.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.2, 0.2)
    return encoder.eval()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("odd", ODD)
def test_odd_clouds_give_finite_embeddings_and_gradients(name: str, odd: str) -> None:
    encoder, clouds = small(name), ODD[odd].clone().requires_grad_()
    embedding = encoder(clouds)
    assert embedding.shape == (len(clouds), encoder.embedding_size())
    embedding.square().sum().backward()
    assert bool(embedding.isfinite().all())
    assert clouds.grad is not None
    assert bool(clouds.grad.isfinite().all())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("training", [False, True])
def test_dropped_points_leave_no_trace(name: str, training: bool) -> None:
    encoder = small(name).train(training)
    clouds, kept = torch.randn(3, 48, 3), torch.rand(3, 48) < 0.5
    kept[:, 0] = True
    changed = torch.where(kept[..., None], clouds, 100 * torch.randn(3, 48, 3))
    neighbours = {
        "PointNetLite": lambda: encoder.neighbourhoods(clouds),
        "DGCNN": lambda: nearest_features(clouds, 5),
    }.get(name, lambda: None)()
    first = encoder(clouds, neighbours=neighbours, kept=kept)
    torch.testing.assert_close(first, encoder(changed, neighbours=neighbours, kept=kept))


@pytest.mark.parametrize("name", NAMES)
def test_keeping_everything_is_keeping_no_account(name: str) -> None:
    encoder, clouds = small(name), torch.randn(3, 48, 3)
    torch.testing.assert_close(encoder(clouds), encoder(clouds, kept=torch.ones(3, 48, dtype=torch.bool)))


@pytest.mark.parametrize("name", ["PointNet", "DGCNN", "PointNeXt"])
def test_the_order_of_points_does_not_matter(name: str) -> None:
    encoder, clouds = small(name), torch.randn(3, 48, 3)
    balls: Any = encoder.stages if name == "PointNeXt" else []
    for stage in balls:
        stage.k = 48  # a ball takes its first points, so let none be left out
    torch.testing.assert_close(encoder(clouds), encoder(clouds[:, torch.randperm(48)]), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_clouds_do_not_see_each_other(name: str) -> None:
    encoder, clouds = small(name), torch.randn(3, 48, 3)
    alone = torch.cat([encoder(cloud[None]) for cloud in clouds])
    torch.testing.assert_close(encoder(clouds), alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_normals_are_read_where_asked_for(name: str) -> None:
    encoder, clouds = small(name, channels=6), torch.randn(2, 48, 6)
    other = torch.cat([clouds[..., :3], -clouds[..., 3:]], dim=-1)
    assert encoder.channels == ("x", "y", "z", "nx", "ny", "nz")
    assert not torch.allclose(encoder(clouds), encoder(other))
    with pytest.raises(ValueError, match=r"\(B, N, 6\)"):
        encoder(clouds[..., :3])


@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_training_is_finite(name: str) -> None:
    encoder, clouds = small(name).train(), torch.randn(4, 48, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        embedding = encoder(clouds)
    embedding.float().square().sum().backward()
    assert all(bool(each.grad.isfinite().all()) for each in encoder.parameters() if each.grad is not None)


@pytest.mark.parametrize("name", NAMES)
def test_the_arguments_make_the_same_network_again(name: str) -> None:
    encoder = small(name)
    again = ENCODERS[name](**encoder.arguments)  # type: ignore[arg-type]
    assert {key: value.shape for key, value in again.state_dict().items()} == {
        key: value.shape for key, value in encoder.state_dict().items()
    }
    with pytest.raises(ValueError, match="should be"):
        ENCODERS[name](d=0)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="channels"):
        ENCODERS[name](d=16, channels=4)  # type: ignore[call-arg]


def parameters(encoder: nn.Module) -> int:
    return sum(each.numel() for each in encoder.parameters())


def test_sizes_are_those_of_the_papers() -> None:
    assert parameters(PointNet()) == pytest.approx(0.150e6, rel=0.01)
    assert parameters(DGCNN()) == pytest.approx(0.618e6, rel=0.02)
    assert DGCNN().embedding_size() == 2048
    head = 512 * 512 + 512 * 256 + 256 * 40  # of the classifier whose 1.4 M are published
    assert parameters(PointNeXt()) + head == pytest.approx(1.4e6, rel=0.1)


def test_dgcnns_edges_equal_the_convolution_of_pairs() -> None:
    encoder = small("DGCNN")
    x, index = torch.randn(2, 20, 3), torch.randint(0, 20, (2, 20, 5))
    layer = encoder.get_submodule("conv1")
    near = torch.stack([cloud[rows] for cloud, rows in zip(x, index, strict=True)])
    own = x[:, :, None].expand_as(near)
    pairs = torch.cat([near - own, own], dim=-1).permute(0, 3, 1, 2)
    slow = nn.functional.leaky_relu(layer(pairs), 0.2).amax(dim=-1).transpose(1, 2)
    assert isinstance(encoder, DGCNN)
    torch.testing.assert_close(encoder._edges(layer, x, index), slow, atol=1e-5, rtol=1e-4)


def test_nearest_features_equal_a_full_search_among_the_kept() -> None:
    x, kept = torch.randn(3, 30, 7), torch.rand(3, 30) < 0.3
    kept[:, :2] = True
    found = nearest_features(x, 20, kept)
    for cloud, mask, rows in zip(x, kept, found, strict=True):
        slots = mask.nonzero()[:, 0]
        for point, row in zip(cloud, rows, strict=True):
            expected = slots[(cloud[slots] - point).norm(dim=1).argsort()][:20].tolist()
            assert row.tolist()[: len(expected)] == expected
            assert set(row.tolist()) == set(expected)


def test_dgcnn_takes_neighbourhoods_of_cleaner_coordinates() -> None:
    encoder, clouds = small("DGCNN"), torch.randn(2, 30, 3)
    torch.testing.assert_close(encoder(clouds), encoder(clouds, nearest_features(clouds, 20)))
    assert not torch.allclose(encoder(clouds), encoder(clouds, torch.zeros(2, 30, 20, dtype=torch.int64)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [3, 6])
def test_packed_clouds_equal_clouds_one_by_one(name: str, channels: int) -> None:
    encoder = small(name, channels)
    clouds = [torch.randn(count, channels) for count in (5, 1, 30, 12, 300, 2)]
    clouds[2] = clouds[2][:15].repeat(2, 1)
    alone = torch.cat([encoder(cloud[None]) for cloud in clouds])
    torch.testing.assert_close(encoder.forward_packed(PackedBatch.of(clouds)), alone, atol=1e-5, rtol=1e-4)
    with torch.no_grad():
        torch.testing.assert_close(
            encoder.forward_packed(PackedBatch.of(clouds[::-1])), alone.flip(0), atol=1e-5, rtol=1e-4
        )


@pytest.mark.parametrize("name", ["DGCNN", "PointNet", "PointNetLite"])
def test_packed_training_equals_dense_training_where_sizes_agree(name: str) -> None:
    """Embeddings, gradients and batch statistics."""
    packed, dense = small(name).train(), small(name).train()
    clouds = torch.randn(4, 60, 3)
    torch.testing.assert_close(packed(PackedBatch.of(list(clouds))), dense(clouds), atol=1e-5, rtol=1e-4)
    for encoder, batch in ((packed, PackedBatch.of(list(clouds))), (dense, clouds)):
        encoder(batch).square().mean().backward()
    for one, other in zip(packed.parameters(), dense.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, atol=1e-4, rtol=1e-3)
    for mine, its in zip(packed.buffers(), dense.buffers(), strict=True):
        torch.testing.assert_close(mine, its, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_packed_clouds_that_cannot_be_embedded_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = small(name)
    with pytest.raises(ValueError, match="cloud 1 is empty"):
        encoder.forward_packed(PackedBatch.of([torch.randn(4, 3), torch.randn(0, 3)]))
    if encoder.most_points is not None:
        monkeypatch.setattr(type(encoder), "most_points", 9)
        with pytest.raises(ValueError, match="at most 9 points, as its work grows with their square, got 10"):
            encoder.forward_packed(PackedBatch.of([torch.randn(4, 3), torch.randn(10, 3)]))
    if not encoder.trains_packed:
        with pytest.raises(ValueError, match="PointNeXt trains on clouds of one size"):
            encoder.train().forward_packed(PackedBatch.of([torch.randn(4, 3)]))


@pytest.mark.parametrize("name", ["DGCNN", "PointNet"])
def test_a_large_cloud_is_embedded_in_parts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, clouds = small(name), PackedBatch.of([torch.randn(count, 3) for count in (3, 200, 40)])
    module = sys.modules[type(encoder).__module__]
    with torch.no_grad():
        whole = encoder(clouds)
        monkeypatch.setattr(module, "_ROWS", {"cpu": 7} if name == "DGCNN" else 7)
        monkeypatch.setattr(module, "_BLOCK", 1000, raising=False)
        torch.testing.assert_close(encoder(clouds), whole, atol=1e-5, rtol=1e-4)
