import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from randquant.kernels.chosen import plain_form
from randquant.kernels.edges import edges_of
from randquant.pointcloud.encoders import highest_normed as fast_forms
from randquant.pointcloud.encoders.highest_normed import positive_normed, takes_edges
from randquant.pointcloud.encoders.local_network import LocalNetwork
from randquant.pointcloud.encoders.registry import ENCODERS
from randquant.pointcloud.points.geometry import group

pytest.importorskip("numba")


def of_all_edges(norm: nn.BatchNorm2d, near: Tensor, index: Tensor, centre: Tensor) -> Tensor:
    edges = group(near, index) + centre[:, :, None]
    return norm(edges.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).amax(dim=2)


def highest_normed(norm: nn.BatchNorm2d, near: Tensor, index: Tensor, centre: Tensor) -> Tensor:
    return fast_forms.highest_normed(norm, near, edges_of(index, near.shape[1]), centre)


def highest_of_rows(norm: nn.BatchNorm2d, near: Tensor, index: Tensor, centre: Tensor) -> Tensor:
    """By a row an edge, and once more the maximum of those rows."""
    edges = edges_of(index, near.shape[1])
    rows = positive_normed(norm, near, edges, centre)
    found = [part.amax(dim=0) for part in rows.tensor_split(edges.starts[1:-1])]
    return torch.stack(found).view_as(centre)


def inputs(clouds: int, points: int, k: int, channels: int) -> tuple[nn.BatchNorm2d, Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(points)
    norm = nn.BatchNorm2d(channels)
    nn.init.normal_(norm.weight, generator=generator)
    nn.init.normal_(norm.bias, generator=generator)
    near = 100.0 + torch.randn(clouds, points + 3, channels, generator=generator)
    centre, ahead = torch.randn(2, clouds, points, channels, generator=generator)
    index = torch.randint(points + 3, (clouds, points, k), generator=generator)
    if points > 1:
        index[:, ::3, k // 2 :] = index[:, ::3, :1]  # lists that are filled up
    return norm, near, index, centre, ahead


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(1, 70, 20, 64), (3, 33, 5, 16), (2, 1, 2, 32), (8, 128, 12, 48)], ids=str)
@pytest.mark.parametrize("form", [highest_normed, highest_of_rows])
def test_equals_the_maximum_over_all_edges_in_double_precision(
    form: Callable[..., Tensor], shape: tuple[int, ...], training: bool
) -> None:
    norm, near, index, centre, ahead = inputs(*shape)
    norm.train(training)
    found = []
    for precise in (False, True):
        one = nn.BatchNorm2d(shape[3])
        one.load_state_dict(norm.state_dict())
        one.train(training)
        dtype = torch.float64 if precise else torch.float32
        a, b = (x.detach().to(dtype).requires_grad_() for x in (near, centre))
        assert takes_edges(one.to(dtype), a, index) is not precise
        out = (of_all_edges if precise else form)(one, a, index, b)
        if precise and form is highest_of_rows:
            out = out.relu()
        (out * ahead.to(dtype)).sum().backward()
        gradients = [a.grad, b.grad, one.weight.grad, one.bias.grad]
        found.append([out.detach(), *gradients, one.running_mean, one.running_var, one.num_batches_tracked])
    for fast, slow in zip(*found, strict=True):
        assert fast is not None
        assert slow is not None
        torch.testing.assert_close(fast.double(), slow.double(), rtol=3e-4, atol=3e-4)


def test_nan_is_not_hidden() -> None:
    norm, near, index, centre, _ = inputs(2, 40, 6, 32)
    near[1, 7, 3] = torch.nan
    norm.eval()
    with torch.no_grad():
        fast, slow = highest_normed(norm, near, index, centre), of_all_edges(norm, near, index, centre)
    assert slow.isnan().any()
    assert torch.equal(fast.isnan(), slow.isnan())


def test_threads_change_no_bit() -> None:
    norm, near, index, centre, _ = inputs(8, 128, 12, 48)
    threads, found = torch.get_num_threads(), []
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            a = near.clone().requires_grad_()
            out = highest_normed(norm, a, index, centre)
            out.square().sum().backward()
            found.append((out.detach(), a.grad))
    finally:
        torch.set_num_threads(threads)
    (one, gradient), (other, again) = found
    assert torch.equal(one, other)
    assert gradient is not None
    assert again is not None
    assert torch.equal(gradient, again)


def test_what_it_does_not_take_keeps_the_plain_form() -> None:
    norm, near, index, _, _ = inputs(1, 8, 2, 16)
    assert not takes_edges(nn.SyncBatchNorm(16), near, index)
    assert not takes_edges(nn.BatchNorm2d(16, momentum=None), near, index)
    assert not takes_edges(nn.BatchNorm2d(15), near, index)
    with plain_form():
        assert not takes_edges(norm, near, index)


@pytest.mark.parametrize("name", ["DGCNN", "PointNeXt", "PointNetLite"])
def test_encoders_embed_as_in_their_plain_form(name: str) -> None:
    torch.manual_seed(0)
    encoder, points = ENCODERS[name](d=256), torch.randn(4, 128, 3)  # type: ignore[call-arg]
    kept = torch.rand(4, 128) < 0.8
    for training in (True, False):
        encoder.train(training)
        fast = encoder(points, kept=kept)
        with plain_form():
            slow = encoder(points, kept=kept)
        torch.testing.assert_close(fast, slow, rtol=1e-3, atol=1e-4)


def test_neighbours_that_fill_up_a_list_become_one_edge() -> None:
    index = torch.tensor([[[4, 1, 1, 1], [1, 4, 1, 1]], [[2, 2, 2, 2], [0, 1, 2, 3]]])
    edges = edges_of(index, 5)
    assert edges.sources.tolist() == [4, 1, 1, 4, 7, 5, 6, 7, 8]
    assert edges.weights.tolist() == [1, 3, 3, 1, 4, 1, 1, 1, 1]
    assert edges.starts.tolist() == [0, 2, 4, 5, 9]
    assert edges.total == index.numel() == edges.weights.sum()


@pytest.mark.parametrize("radius", [1.0, 0.3])
@pytest.mark.parametrize("features", [0, 5])
def test_a_local_network_is_that_of_all_neighbours_in_double_precision(features: int, radius: float) -> None:
    torch.manual_seed(0)
    network = LocalNetwork(3 + features, 16, 32, activated=radius == 1.0)
    xyz, columns = torch.randn(2, 40, 3), torch.randn(2, 40, features)
    index = torch.randint(40, (2, 20, 6))
    index[:, ::2, 2:] = index[:, ::2, 1:2]
    precise = copy.deepcopy(network).double()
    fast, slow = columns.clone().requires_grad_(), columns.double().requires_grad_()
    outs = (
        network(xyz, fast, xyz[:, :20], index, radius),
        precise(xyz.double(), slow, xyz[:, :20].double(), index, radius),
    )
    ahead = torch.randn(outs[0].shape)
    for out in outs:
        (out * ahead).sum().backward()
    pairs = [outs, *[(fast.grad, slow.grad)][:features], *zip(network.buffers(), precise.buffers(), strict=True)]
    pairs += [(one.grad, other.grad) for one, other in zip(network.parameters(), precise.parameters(), strict=True)]
    for one, other in pairs:
        assert one is not None
        assert other is not None
        torch.testing.assert_close(one.double(), other.double(), rtol=3e-4, atol=3e-4)
