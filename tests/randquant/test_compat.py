"""The old name and arguments: same distribution as the original formulation, without its defects."""

import pytest
import torch
from torch import Tensor

from randquant.compat import RandomizedQuantizationAugModule


def original(x: Tensor, regions: int, value: str) -> Tensor:
    """The original's formulation in a few lines: a (channels, regions, entries) comparison."""
    channels = x.reshape(-1, 1, x.shape[-2] * x.shape[-1])
    low, high = channels.amin(-1, keepdim=True), channels.amax(-1, keepdim=True)
    cuts = (low + torch.rand(len(channels), regions - 1, 1) * (high - low)).sort(dim=1).values
    left, right = torch.cat([low, cuts], 1), torch.cat([cuts, high], 1)
    middle = (left + right) / 2 if value == "middle" else left + torch.rand_like(left) * (right - left)
    inside = (channels >= left) & (channels < torch.cat([cuts, high + 1], 1))
    return (middle * inside).sum(1).reshape(x.shape)


@pytest.mark.parametrize("value", ["inside_random", "middle"])
def test_same_distribution_as_the_original(value: str) -> None:
    x = torch.rand(1, 1, 16, 16).expand(4000, 1, 16, 16)
    module = RandomizedQuantizationAugModule(4, collapse_to_val=value)  # type: ignore[arg-type]
    ours, theirs = module(x), original(x, 4, value)
    for statistic in (lambda q: (q - x).abs().mean(), lambda q: q.var(), lambda q: (q - x).square().mean()):
        assert abs(float(statistic(ours)) - float(statistic(theirs))) < 0.004
    quantiles = torch.linspace(0.05, 0.95, 10)
    torch.testing.assert_close(ours.quantile(quantiles), theirs.quantile(quantiles), atol=0.02, rtol=0)


@pytest.mark.parametrize("like", [True, False])
@pytest.mark.parametrize("shape", [(3, 8, 8), (4, 3, 8, 8)])
def test_batched_and_unbatched_need_no_flag(like: bool, shape: tuple[int, ...]) -> None:
    assert RandomizedQuantizationAugModule(8, transforms_like=like)(torch.randn(shape)).shape == shape


def test_all_regions_work_with_uniform_spacing_and_it_stays_on_in_eval_mode() -> None:
    x = torch.rand(2, 3, 8, 8)
    for regions in (2, 25, 29, 31, 41, 256):
        quantized = RandomizedQuantizationAugModule(regions, spacing="uniform").eval()(x)
        assert not bool((quantized == x).all())
    assert bool((RandomizedQuantizationAugModule(4, "all_zeros")(x) == 0).all())


def test_probability_is_per_image() -> None:
    x = torch.rand(16, 8, 8)
    module = RandomizedQuantizationAugModule(2, transforms_like=True, p_random_apply_rand_quant=0.5)
    shares = {round(float((module(x) != x).flatten(1).any(1).float().mean()), 2) for _ in range(40)}
    assert shares == {0.0, 1.0}


def test_wrong_arguments_are_named() -> None:
    for arguments in (
        {"region_num": 1},
        {"region_num": 8, "spacing": "even"},
        {"region_num": 8, "collapse_to_val": "mean"},
    ):
        with pytest.raises(ValueError, match="should be"):
            RandomizedQuantizationAugModule(**arguments)
