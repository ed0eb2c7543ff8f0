"""Speed with pitch, and stretch without."""

import pytest
import torch

from randquant.audio.augment.speed import RandomSpeed, SpeedParams
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.audio.spectrogram.logmel import LogMel

FRONT_END = FrontEnd(n_mels=32, n_fft=2048, hop=512)


def test_a_factor_of_one_changes_nothing() -> None:
    x = torch.randn(3, 1, 32, 20)
    for each in (RandomSpeed(front_end=FRONT_END), RandomSpeed()):
        torch.testing.assert_close(each.transform(x, SpeedParams(torch.ones(3))), x, atol=1e-4, rtol=0.0)
        assert torch.equal(each.eval()(x), x)
    factor = RandomSpeed((0.1, 0.2)).make_params(x).factor
    assert bool((((factor - 1).abs() >= 0.1 - 1e-6) & ((factor - 1).abs() <= 0.2)).all())


def test_stretching_reads_frames_at_their_time_times_the_factor() -> None:
    ramp = torch.arange(40.0).expand(2, 1, 8, 40)
    fast, slow = RandomSpeed().transform(ramp, SpeedParams(torch.tensor([1.2, 0.8])))
    torch.testing.assert_close(fast[0, :, :33], 1.2 * torch.arange(33.0).expand(8, -1), atol=1e-4, rtol=0.0)
    assert float(fast[0, :, 34:].abs().max()) == 0.0
    torch.testing.assert_close(slow[0], 0.8 * torch.arange(40.0).expand(8, -1), atol=1e-4, rtol=0.0)


def test_a_tone_played_faster_is_the_higher_tone() -> None:
    time = torch.arange(16_000) / 16_000
    tone, higher = (LogMel(FRONT_END)(0.5 * (2 * torch.pi * f * time).sin()[None]) for f in (1500.0, 1500.0 * 1.2))
    moved = RandomSpeed(front_end=FRONT_END).transform(tone, SpeedParams(torch.tensor([1.2])))
    assert int(moved[0, 0, :, 5].argmax()) == int(higher[0, 0, :, 5].argmax()) > int(tone[0, 0, :, 5].argmax())
    with pytest.raises(ValueError, match="32 mel bands, got 8"):
        RandomSpeed(front_end=FRONT_END)(torch.zeros(1, 1, 8, 5))
    with pytest.raises(ValueError, match="below 1"):
        RandomSpeed((0.0, 1.0))
