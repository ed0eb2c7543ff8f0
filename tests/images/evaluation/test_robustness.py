"""Changes of test pictures: as severe as they say, the same in any batch."""

import pytest
import torch
from torch import Tensor

from randquant.images.evaluation.robustness import Corruption


def pictures(count: int = 3, side: int = 32) -> Tensor:
    """Bytes, smooth and with detail."""
    return torch.randint(60, 200, (count, side, side, 3), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


def changed(kind: str, severity: float) -> Tensor:
    return Corruption(kind, severity)(pictures(), [0, 1, 2]).float()


@pytest.mark.parametrize("corruption", Corruption.every(3), ids=lambda each: each.name)
def test_a_picture_is_changed_the_same_in_any_batch(corruption: Corruption) -> None:
    batch = pictures()
    together = corruption(batch, [5, 6, 7])
    assert (together.dtype, together.shape) == (torch.uint8, batch.shape)
    assert torch.equal(together, torch.cat([corruption(batch[[place]], [5 + place]) for place in range(3)]))
    assert not torch.equal(together, batch)


@pytest.mark.parametrize("bits", [2, 3])
def test_bits_are_levels(bits: int) -> None:
    every = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).expand(-1, -1, -1, 3)
    assert len(Corruption("posterised", bits)(every, [0]).unique()) == 2**bits


def test_lower_quality_is_further_away() -> None:
    far = [float((changed("jpeg", quality) - pictures()).abs().mean()) for quality in (90.0, 50.0, 20.0, 10.0)]
    assert far == sorted(far)


def test_noise_has_its_deviation() -> None:
    assert float((changed("noise", 0.05) - pictures()).std()) == pytest.approx(0.05 * 255, rel=0.05)


def test_contrast_and_blur_keep_the_brightness() -> None:
    batch = pictures().float()
    assert float(changed("contrast", 0.25).std()) < 0.35 * float(batch.std())
    for kind, severity in (("contrast", 0.25), ("blur", 2.0)):
        assert float(changed(kind, severity).mean()) == pytest.approx(float(batch.mean()), abs=1.5)
    rough = [float(x.diff(dim=1).abs().mean()) for x in (batch, changed("blur", 1.0), changed("blur", 2.0))]
    assert rough[0] > 3 * rough[1] > 3 * rough[2]
