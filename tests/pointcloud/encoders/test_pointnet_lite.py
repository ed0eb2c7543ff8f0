"""PointNet-lite against a slow twin that walks over neighbourhoods, and on clouds that would break neighbourhoods."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from randquant.pointcloud.encoders.pointnet_lite import PointNetLite


def small(channels: int = 3) -> PointNetLite:
    torch.manual_seed(1)
    encoder = PointNetLite(d=16, channels=channels, centres=(12, 6), neighbours=5)
    for part in encoder.modules():
        if isinstance(part, nn.BatchNorm1d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.2, 0.2)
            part.running_mean.uniform_(-0.1, 0.1)  # type: ignore[union-attr]
    return encoder.eval()


def slow(encoder: PointNetLite, cloud: Tensor) -> Tensor:
    """One cloud (N, C), centre by centre."""
    first, second = (min(count, len(cloud)) for count in encoder.centres)
    rows = [stage(encoder, encoder.first.network, cloud[:, :3], cloud[:, 3:], centre) for centre in range(first)]
    found = [
        torch.cat([cloud[c, :3], stage(encoder, encoder.second.network, cloud[:first, :3], torch.stack(rows), c)])
        for c in range(second)
    ]
    together = passed(encoder.whole, torch.stack(found))
    return torch.cat([together.amax(dim=0), together.mean(dim=0)])


def stage(encoder: PointNetLite, layers: Any, xyz: Tensor, features: Tensor, centre: int) -> Tensor:
    near = (xyz - xyz[centre]).norm(dim=1).argsort().tolist()
    members = [torch.cat([xyz[j] - xyz[centre], features[j]]) for j in near[: encoder.neighbours]]
    return passed(layers, torch.stack(members)).amax(dim=0)


def passed(layers: Any, x: Tensor) -> Tensor:
    for layer in layers.children():
        norm = layer.norm
        x = F.linear(x, layer.linear.weight)
        x = (x - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias
        x = x.clamp(min=0)
    return x


@pytest.mark.parametrize("channels", [3, 6])
@pytest.mark.parametrize("share", [1.0, 0.6, 0.2, 0.05])
def test_equals_the_slow_form_of_the_points_that_are_kept(channels: int, share: float) -> None:
    encoder, clouds = small(channels), torch.randn(4, 40, channels)
    kept = torch.rand(4, 40) < share
    kept[:, 3] = True
    expected = torch.stack([slow(encoder, cloud[here]) for cloud, here in zip(clouds, kept, strict=True)])
    torch.testing.assert_close(encoder(clouds, kept=kept), expected)
    if share == 1.0:
        torch.testing.assert_close(encoder(clouds), expected)


@pytest.mark.parametrize("training", [False, True])
def test_dropped_points_leave_no_trace(training: bool) -> None:
    encoder = small().train(training)
    clouds, kept = torch.randn(3, 40, 3), torch.rand(3, 40) < 0.5
    kept[:, 0] = True
    neighbours = encoder.neighbourhoods(clouds)
    changed = torch.where(kept[..., None], clouds, 100 * torch.randn(3, 40, 3))
    torch.testing.assert_close(encoder(clouds, neighbours, kept), encoder(changed, neighbours, kept))


def test_given_neighbourhoods_are_those_it_would_find() -> None:
    encoder, clouds = small(), torch.randn(3, 40, 3)
    torch.testing.assert_close(encoder(clouds), encoder(clouds, encoder.neighbourhoods(clouds)))


def test_given_neighbourhoods_of_a_thinned_cloud_are_its_own() -> None:
    """As long as no centre is dropped and the spare neighbours make up for the others."""
    encoder, clouds = small(), torch.randn(3, 40, 3)
    neighbours, kept = encoder.neighbourhoods(clouds), torch.ones(3, 40, dtype=torch.bool)
    assert neighbours.shape == (3, 18, 10)
    kept[:, [20, 30, 35, 39]] = False
    torch.testing.assert_close(encoder(clouds, neighbours, kept), encoder(clouds, kept=kept))


def test_the_order_of_the_other_points_does_not_matter() -> None:
    encoder, clouds = small(), torch.randn(3, 40, 3)
    order = torch.cat([torch.arange(12), 12 + torch.randperm(28)])
    torch.testing.assert_close(encoder(clouds), encoder(clouds[:, order]))


@pytest.mark.parametrize(
    "clouds",
    [
        torch.zeros(2, 1, 3),
        torch.full((2, 40, 3), 0.3),
        torch.randn(1, 3, 3),
        torch.randn(2, 20, 3).repeat(1, 2, 1),
    ],
    ids=["one point", "identical", "fewer than neighbours", "every point twice"],
)
def test_odd_clouds_give_finite_embeddings_and_gradients(clouds: Tensor) -> None:
    encoder = small()
    clouds = clouds.clone().requires_grad_()
    embedding = encoder(clouds)
    assert embedding.shape == (len(clouds), encoder.embedding_size())
    embedding.sum().backward()
    assert bool(embedding.isfinite().all())
    assert clouds.grad is not None
    assert bool(clouds.grad.isfinite().all())


def test_a_cloud_without_a_kept_centre_is_still_embedded() -> None:
    encoder, kept = small(), torch.zeros(2, 40, dtype=torch.bool)
    kept[:, 30:] = True
    assert bool(encoder(torch.randn(2, 40, 3), kept=kept).isfinite().all())


def test_bfloat16_is_close() -> None:
    encoder, clouds = small(), torch.randn(4, 40, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = encoder(clouds)
    torch.testing.assert_close(half.float(), encoder(clouds), atol=0.1, rtol=0.1)


def test_what_it_cannot_be_is_refused() -> None:
    for arguments in ({"d": 8}, {"d": 24}, {"centres": (4, 8)}, {"neighbours": 0}, {"channels": 4}):
        with pytest.raises(ValueError, match="should be"):
            PointNetLite(**arguments)
    with pytest.raises(ValueError, match=r"\(B, N, 3\)"):
        small()(torch.randn(2, 40, 6))
    with pytest.raises(TypeError, match="floating"):
        small()(torch.zeros(2, 40, 3, dtype=torch.int64))
