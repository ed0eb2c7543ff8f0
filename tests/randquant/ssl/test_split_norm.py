"""Split batch norm against one batch norm a part."""

import copy

import pytest
import torch
from torch import nn

from randquant.errors import UsageError
from randquant.ssl.split_norm import SplitBatchNorm, split_batch_norms


@pytest.mark.parametrize(("make", "shape"), [(nn.BatchNorm1d, (12, 5)), (nn.BatchNorm2d, (12, 5, 3, 4))])
def test_each_part_is_normalised_by_itself(make: type[nn.Module], shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    norm = make(5)
    nn.init.normal_(norm.weight)  # type: ignore[arg-type]
    split = SplitBatchNorm(copy.deepcopy(norm), 3)  # type: ignore[arg-type]
    parts = [copy.deepcopy(norm) for _ in range(3)]
    for step in range(2):
        x = torch.randn(shape) * 2.0 + step
        expected = torch.empty_like(x)
        for number, part in enumerate(parts):
            expected[number::3] = part(x[number::3])
        torch.testing.assert_close(split(x), expected)
        for name in ("running_mean", "running_var"):
            mean = torch.stack([getattr(part, name) for part in parts]).mean(dim=0)
            torch.testing.assert_close(getattr(split, name), mean)
            for part in parts:
                getattr(part, name).copy_(mean)
    assert split.num_batches_tracked == 2
    norm.load_state_dict(split.state_dict())
    x = torch.randn(shape)
    assert torch.equal(split.eval()(x), norm.eval()(x))
    with pytest.raises(ValueError, match="3 parts divide, got 4 items"):
        split.train()(x[:4])


def test_a_network_keeps_its_weights_and_their_names() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sequential(nn.BatchNorm2d(4), nn.ReLU()), nn.Flatten())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    parameters = list(network.parameters())
    split_batch_norms(network, 2)
    after = network.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert all(one is other for one, other in zip(network.parameters(), parameters, strict=True))
    assert "splits=2" in repr(network)
    assert copy.deepcopy(network)(torch.rand(4, 3, 2, 2)).shape == (4, 16)

    class Activated(nn.BatchNorm2d):
        pass

    with pytest.raises(UsageError, match="1 is a Activated, which --bn_splits cannot split"):
        split_batch_norms(nn.Sequential(nn.ReLU(), Activated(4)), 2)
    with pytest.raises(UsageError, match="neither encoder nor head has batch norm"):
        split_batch_norms(nn.Sequential(nn.Linear(4, 4)), 2)
