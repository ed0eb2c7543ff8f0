"""Changes of test clips: as severe as they say, the same in any batch."""

import math

import pytest
import torch
from torch import Tensor

from randquant.audio.crops import SAMPLE_RATE
from randquant.audio.evaluation.robustness import Corruption


def clips(count: int = 2, peak: float = 0.4) -> Tensor:
    """Noise of one second, int16."""
    noise = torch.randn(count, SAMPLE_RATE, generator=torch.Generator().manual_seed(0))
    return (noise / noise.abs().amax(dim=1, keepdim=True) * peak * 32768).to(torch.int16)


def changed(kind: str, severity: float, clip: Tensor) -> Tensor:
    return Corruption(kind, severity)(clip, list(range(len(clip)))).double() / 32768


def power(clip: Tensor, low: float, high: float) -> float:
    spectrum = torch.fft.rfft(clip.double()).abs().square()
    frequencies = torch.fft.rfftfreq(clip.shape[-1], 1 / SAMPLE_RATE)
    return float(spectrum[..., (frequencies > low) & (frequencies < high)].sum())


@pytest.mark.parametrize("corruption", Corruption.every(3), ids=lambda each: each.name)
def test_a_clip_is_changed_the_same_in_any_batch(corruption: Corruption) -> None:
    batch = clips(3)
    together = corruption(batch, [5, 6, 7])
    assert together.dtype == torch.int16
    assert torch.equal(together, torch.cat([corruption(batch[[place]], [5 + place]) for place in range(3)]))
    assert not torch.equal(together, batch)
    assert not corruption(torch.zeros(1, 100, dtype=torch.int16), [0]).any(), "silence stays"


@pytest.mark.parametrize("kind", ["quantised", "companded"])
@pytest.mark.parametrize("bits", [4.0, 6.0, 8.0])
def test_bits_are_levels(kind: str, bits: float) -> None:
    clip = clips(1)
    coarse = changed(kind, bits, clip)
    assert 0.8 * 2**bits < len(coarse.unique()) <= 2**bits
    step = 0.4 / 2 ** (bits - 1)
    if kind == "quantised":
        assert float((coarse - clip / 32768).abs()[clip < clip.max() * 0.9].max()) <= step / 2 + 1e-4
    else:
        levels = coarse[coarse > 0].unique().diff()
        assert float(levels[-1]) > 5 * float(levels[0]), "finer where it is quiet"


@pytest.mark.parametrize("decibels", [20.0, 10.0, 0.0])
def test_noise_has_its_share_of_power(decibels: float) -> None:
    clip = clips(peak=0.1)
    noise = changed("noise", decibels, clip) - clip / 32768
    found = 10 * math.log10(float((clip / 32768).square().mean() / noise.square().mean()))
    assert found == pytest.approx(decibels, abs=0.1)


@pytest.mark.parametrize(("kind", "top", "low"), [("low_pass", 2000.0, 0.0), ("telephone", 3400.0, 300.0)])
def test_energy_outside_of_the_band_is_removed(kind: str, top: float, low: float) -> None:
    clip = clips()
    before, after = clip / 32768, changed(kind, top, clip)
    assert power(after, low + 1, top - 1) == pytest.approx(power(before, low + 1, top - 1), rel=1e-3)
    assert power(after, top + 1, 8000) < 1e-6 * power(before, top + 1, 8000)
    if low:
        assert power(after, 0, low - 1) < 1e-6 * power(before, 0, low - 1)


def test_clipped_and_quieter() -> None:
    clip = clips()
    cut = changed("clipped", 0.1, clip)
    assert float(cut.abs().max()) == pytest.approx(0.04, abs=1e-4)
    inside = clip.abs() < 0.039 * 32768
    assert torch.equal(cut[inside], clip[inside].double() / 32768)
    assert float(changed("quieter", 20.0, clip).abs().max()) == pytest.approx(0.04, abs=1e-4)
