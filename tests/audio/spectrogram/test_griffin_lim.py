"""The guessed waveform of a log-mel has that log-mel, and is the same each time."""

import torch

from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.audio.spectrogram.griffin_lim import griffin_lim
from randquant.audio.spectrogram.logmel import LogMel


def sounds() -> torch.Tensor:
    """Half a second of a chord and of noise: (2, 8000)."""
    time = torch.arange(8000) / 16_000
    chord = sum((2 * torch.pi * pitch * time).sin() for pitch in (440.0, 660.0, 1760.0))
    return torch.stack(
        [0.1 * torch.as_tensor(chord), 0.1 * torch.randn(8000, generator=torch.Generator().manual_seed(0))]
    )


def test_the_log_mel_of_a_guess_is_close_to_the_one_it_is_made_from() -> None:
    front = LogMel()
    target = front(sounds())
    guess = griffin_lim(target, FrontEnd())
    assert guess.shape == (2, 8000)
    found = front(guess)
    loud = target > target.amax(dim=(2, 3), keepdim=True) - 7.0  # within 30 dB of the loudest band
    loud[..., :4] = loud[..., -4:] = False  # the ends were reflected
    assert float((found - target)[loud].abs().mean()) < 0.5
    silent = griffin_lim(torch.full((1, 1, 64, 5), -15.94), FrontEnd())
    assert float(silent.abs().max()) < 1e-3


def test_it_is_replayed_by_its_seed() -> None:
    target = LogMel()(sounds())
    once, again, other = (griffin_lim(target, FrontEnd(), iterations=4, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
