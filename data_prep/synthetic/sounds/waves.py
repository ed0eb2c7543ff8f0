"""Building blocks of synthetic sounds: random draws, noise, periodic waves, and a random level."""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from randquant.audio.crops import SAMPLE_RATE

Array = NDArray[np.float32]
Range = tuple[float, float]

HIGHEST = 0.48 * SAMPLE_RATE  # Hz; above it nothing periodic is made


def uniform(limits: Range, generator: torch.Generator | None) -> float:
    """A draw between two limits."""
    low, high = limits
    return low + (high - low) * float(torch.rand((), generator=generator))


def integer(stop: int, generator: torch.Generator | None) -> int:
    """A draw from 0, 1, …, stop - 1."""
    return int(torch.randint(stop, (), generator=generator))


def white(length: int, generator: torch.Generator | None) -> Array:
    """White noise of unit power."""
    return torch.randn(length, generator=generator).numpy()


def band_noise(
    centre: float, octaves: float, length: int, generator: torch.Generator | None, *, rate: int = SAMPLE_RATE
) -> Array:
    """Noise of unit power with a Gaussian spectrum over log frequency: its mean in Hz, its deviation in octaves."""
    spectrum = np.fft.rfft(white(length, generator))
    distance = np.log2(np.linspace(1.0, rate / 2, len(spectrum), dtype=np.float32) / centre)
    return normalized(np.fft.irfft(spectrum * np.exp(-0.5 * (distance / octaves) ** 2), n=length))


def harmonics(frequency: float, tilt: float, highest: float = HIGHEST) -> NDArray:
    """(k,) amplitudes k ** -tilt of the harmonics below `highest`; at least the fundamental."""
    return np.arange(1, max(2, int(highest / frequency))).astype(np.float64) ** -tilt


def resonance(frequencies: NDArray, centre: float, width: float) -> NDArray:
    """A bell of height 1 around `centre`; `width` is its standard deviation times the square root of 2, in Hz."""
    return np.exp(-(((frequencies - centre) / width) ** 2))


_CYCLE = 4096  # samples in one period of a waveform; a power of two


def cycles(amplitudes: NDArray, phase: NDArray) -> Array:
    """Read one period with these harmonics at phases counted in cycles, interpolated linearly."""
    spectrum = np.zeros(_CYCLE // 2 + 1, dtype=np.complex128)
    spectrum[1 : len(amplitudes) + 1] = amplitudes * -0.5j * _CYCLE
    period = np.fft.irfft(spectrum).astype(np.float32)
    step = np.roll(period, -1) - period
    place = phase * _CYCLE
    left = place.astype(np.int64)
    share = (place - left).astype(np.float32)
    left &= _CYCLE - 1
    return period[left] + share * step[left]


def sine(phase: NDArray) -> Array:
    """A sine at phases counted in cycles."""
    return np.sin(2 * math.pi * (phase % 1).astype(np.float32))


def normalized(signal: NDArray) -> Array:
    """The signal at unit power."""
    return (signal / np.sqrt(np.mean(signal**2))).astype(np.float32)


def at_random_level(signal: Array, generator: torch.Generator | None) -> Array:
    """The signal over a faint hiss, its peak drawn between -20 and -1 dB of full scale."""
    hiss = 10.0 ** (uniform((-80.0, -50.0), generator) / 20)
    signal = signal / np.abs(signal).max() + np.float32(hiss) * white(len(signal), generator)
    level = 10.0 ** (uniform((-20.0, -1.0), generator) / 20)
    return signal * np.float32(level / np.abs(signal).max())
