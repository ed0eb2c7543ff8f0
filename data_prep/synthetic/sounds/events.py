"""Environmental sounds: a motor, a dog, a siren; each is a mixture of noise, a tone and pulses."""

from dataclasses import dataclass

import numpy as np
import torch

from randquant.audio.crops import SAMPLE_RATE
from randquant.data_prep.synthetic.sounds import waves
from randquant.data_prep.synthetic.sounds.waves import HIGHEST, Array, Range


@dataclass(frozen=True)
class Event:
    """The ranges one kind of sound is drawn from."""

    noise: Range  # Hz around which the noise lies
    octaves: float  # how wide the noise is
    share: Range  # of the tone in the whole, in power; 0 for noise alone
    tone: Range = (100.0, 200.0)  # Hz of the fundamental
    tilt: float = 1.0  # amplitude of harmonic k of the tone is k ** -tilt
    sweep: Range = (0.0, 0.02)  # octaves the tone goes up and down by
    sweep_rate: Range = (0.5, 1.0)  # how often in a second
    pulses: Range = (0.0, 0.0)  # beats a second; 0 for a steady sound
    decay: Range = (0.1, 0.2)  # seconds after which a beat has fallen to 1/e


EVENTS = {
    "air_conditioner": Event((250, 500), 1.6, (0.05, 0.2), tone=(95, 125), tilt=1.5),
    "car_horn": Event((1500, 2500), 1.0, (0.9, 0.99), tone=(380, 480), tilt=0.4),
    "children_playing": Event(
        (2500, 3500), 0.8, (0.6, 0.85), tone=(500, 900), tilt=0.8, sweep=(0.4, 0.8), sweep_rate=(1.5, 4), pulses=(2, 5)
    ),
    "dog_bark": Event(
        (900, 1500), 0.7, (0.4, 0.7), tone=(350, 550), tilt=0.5, sweep=(0.2, 0.3), pulses=(1.5, 3), decay=(0.05, 0.1)
    ),
    "drilling": Event((4500, 6500), 0.8, (0.3, 0.5), tone=(140, 260), tilt=0.2, pulses=(40, 60), decay=(0.01, 0.03)),
    "engine_idling": Event((90, 160), 1.2, (0.3, 0.6), tone=(28, 45), tilt=0.9, pulses=(8, 14), decay=(0.04, 0.08)),
    "gun_shot": Event((700, 1500), 2.5, (0.0, 0.02), pulses=(0.3, 0.8), decay=(0.03, 0.12)),
    "jackhammer": Event((1800, 2800), 1.2, (0.0, 0.1), pulses=(14, 24), decay=(0.01, 0.02)),
    "siren": Event((1000, 1500), 1.5, (0.95, 0.99), tone=(650, 950), tilt=1.2, sweep=(0.4, 0.7), sweep_rate=(0.3, 3.0)),
    "street_music": Event((150, 300), 1.5, (0.6, 0.85), tone=(200, 330), tilt=1.6, pulses=(1.6, 2.4), decay=(0.3, 0.8)),
}


def synthesize_event(
    event: Event, seconds: float, *, rate: int = SAMPLE_RATE, generator: torch.Generator | None = None
) -> Array:
    """Synthesize one occurrence of an event, below 7,680 Hz whatever the `rate`.

    Returns:
        (round(rate * seconds),) float32, its peak between -20 and -1 dB of full scale.
    """
    length = max(1, round(rate * seconds))
    time = np.arange(length, dtype=np.float64) / rate
    share = waves.uniform(event.share, generator)
    noise = waves.band_noise(
        min(waves.uniform(event.noise, generator), 0.4 * rate), event.octaves, length, generator, rate=rate
    )
    sound = np.float32((1 - share) ** 0.5) * noise
    sound += np.float32((2 * share) ** 0.5) * _tone(event, time, rate, generator)
    return waves.at_random_level(sound * _beats(event, time, generator), generator)


def _tone(event: Event, time: np.ndarray, rate: int, generator: torch.Generator | None) -> Array:
    frequency = waves.uniform(event.tone, generator)
    sweep = waves.uniform(event.sweep, generator) * waves.sine(
        waves.uniform(event.sweep_rate, generator) * time + waves.uniform((0, 1), generator)
    )
    amplitudes = waves.harmonics(frequency * 2 ** event.sweep[1], event.tilt, min(HIGHEST, 0.45 * rate))
    phase = np.cumsum(frequency * 2.0**sweep) / rate
    return waves.cycles(amplitudes / np.sqrt(np.sum(amplitudes**2)), phase)


def _beats(event: Event, time: np.ndarray, generator: torch.Generator | None) -> Array:
    pulses, decay = waves.uniform(event.pulses, generator), waves.uniform(event.decay, generator)
    if pulses == 0:
        return np.ones(len(time), dtype=np.float32)
    since = (pulses * time + waves.uniform((0, 0.3), generator)) % 1 / pulses
    return np.exp(-since / decay).astype(np.float32)
