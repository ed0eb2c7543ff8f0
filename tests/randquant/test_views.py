"""A policy a view; several views as one batch."""

import torch

from randquant.packed import PackedBatch
from randquant.quantize import RandomizedQuantization
from randquant.views import Policy, Views, ViewSet


def test_views_apply_policy_i_to_source_i() -> None:
    x = torch.randn(4, 1, 3, 20)
    views = Views([Policy(), Policy(RandomizedQuantization(2, -1)), Policy()])
    first, second, third = views([x, 2 * x], generator=torch.Generator().manual_seed(0))
    assert bool((first == x).all())
    assert second[0, 0, 0].unique().numel() == 2
    assert bool((third == x).all())
    again = views([x, 2 * x], generator=torch.Generator().manual_seed(0))
    assert bool((again[1] == second).all())


def test_micro_batches_cut_views_of_every_form_into_the_same_items() -> None:
    clouds = [torch.full((1 + item % 3, 2), float(item)) for item in range(6)]
    x = torch.arange(6.0)[:, None]
    parts = list(ViewSet([x, (x, None), PackedBatch.of(clouds)], [-x]).parts(torch.arange(6), 3))
    assert len(parts) == 3
    for number, (part, groups) in enumerate(parts):
        plain, several, packed = part.views
        items = [2 * number, 2 * number + 1]
        assert groups.tolist() == items
        assert isinstance(plain, torch.Tensor)
        assert isinstance(several, tuple)
        assert isinstance(packed, PackedBatch)
        assert several[0] is not None
        assert plain.flatten().tolist() == several[0].flatten().tolist() == items
        assert several[1] is None
        assert torch.equal(part.local[0], -plain)  # type: ignore[arg-type]
        assert packed.offsets[0] == 0
        assert torch.equal(packed.rows, torch.cat([clouds[item] for item in items]))
        assert packed.sizes == [len(clouds[item]) for item in items]
