"""A policy a view; several views as one batch."""

import torch

from randquant.quantize import RandomizedQuantization
from randquant.views import Policy, Views


def test_views_apply_policy_i_to_source_i() -> None:
    x = torch.randn(4, 1, 3, 20)
    views = Views([Policy(), Policy(RandomizedQuantization(2, -1)), Policy()])
    first, second, third = views([x, 2 * x], generator=torch.Generator().manual_seed(0))
    assert bool((first == x).all())
    assert second[0, 0, 0].unique().numel() == 2
    assert bool((third == x).all())
    again = views([x, 2 * x], generator=torch.Generator().manual_seed(0))
    assert bool((again[1] == second).all())
