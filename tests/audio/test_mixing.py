"""Log-mels in the log and the power domain, by segments; every encoder is mixed and quantized at its stages."""

import math

import pytest
import torch

from randquant.audio.encoders.registry import ENCODERS
from randquant.audio.mixing import PowerMix
from randquant.mix import Mix
from randquant.stages import quantize_stage, stages_of


def test_power_mix_averages_powers_whatever_the_normalisation() -> None:
    power, other = torch.rand(2, 4, 1, 8, 6).exp()
    mean, std = -3.0, 2.5
    x, y = ((each.log() - mean) / std for each in (power, other))
    weight = torch.tensor([0.5, 0.7, 0.9, 1.0])
    mixed, said = PowerMix(lambda: torch.tensor(std)).transform(x, y, weight, None)
    share = weight[:, None, None, None]
    torch.testing.assert_close((mixed * std + mean).exp(), share * power + (1 - share) * other)
    assert torch.equal(mixed[3], x[3])
    assert said is weight
    assert math.isfinite(float(mixed.sum()))


@pytest.mark.parametrize("name", ENCODERS)
def test_stages_of_every_encoder_are_mixed_and_quantized(name: str) -> None:
    encoder = ENCODERS[name].of_width(16)
    x = torch.randn(4, 1, 64, 32)
    names, plain = list(encoder.state_dict()), encoder.eval()(x)
    for stage in (*stages_of(encoder), "embedding"):
        mixed, _ = Mix(layer=stage).through(encoder, encoder, [x])
        assert mixed.shape == plain.shape
        assert not torch.equal(mixed, plain)
    assert torch.equal(encoder(x), plain)
    quantize_stage(encoder, "block2", 2)
    assert torch.equal(encoder(x), plain)  # only while it trains
    assert not torch.equal(encoder.train()(x), encoder(x))
    assert list(encoder.state_dict()) == names
