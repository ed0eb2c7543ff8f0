"""Notes of synthetic instruments, for the synthetic NSynth.

The notes are instrument-like, not instruments: each family is a way to make sound (a spectrum, an envelope, partials,
modulation, noise), each instrument a draw of its parameters.
"""

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from randquant.audio.crops import SAMPLE_RATE
from randquant.data_prep.synthetic.sounds import waves
from randquant.data_prep.synthetic.sounds.waves import HIGHEST, Array, Range

NOTE_SECONDS, HELD_SECONDS = 4.0, 3.0  # as in NSynth: the key is down for 3 s, then the note may ring for 1 s


@dataclass(frozen=True)
class Family:
    """The ranges an instrument's parameters are drawn from; `ratios` and `modulation` choose the method."""

    pitches: tuple[int, int]  # lowest and highest MIDI note
    tilt: Range  # amplitude of harmonic k is k ** -tilt
    even: Range = (0.8, 1.2)  # gain of the even harmonics
    pluck: Range = (0.0, 0.0)  # where a string is plucked, as a share of its length; 0 for no comb
    formant: Range = (500.0, 2500.0)  # centre in Hz of a resonance; another lies at 2.6 times the centre
    formant_gain: Range = (0.0, 2.0)
    attack: Range = (0.003, 0.02)  # seconds
    decay: Range = (0.4, 2.0)  # seconds
    sustain: Range = (0.0, 0.2)  # level that the decay ends at
    release: Range = (0.05, 0.4)  # seconds
    darkening: Range = (0.3, 2.0)  # seconds after which the upper harmonics are gone; large for a steady spectrum
    vibrato: Range = (0.0, 0.001)  # depth as a share of the frequency
    noise: Range = (0.0, 0.02)  # breath or bow noise added to the tone
    modulation: Range = (0.0, 0.0)  # index of frequency modulation at the start, instead of harmonics; 0 for none
    ratios: tuple[float, ...] = ()  # frequencies of free partials relative to the pitch, instead of harmonics


_STEADY: dict[str, Any] = {"sustain": (0.6, 1.0), "darkening": (2.0, 20.0)}
# In NSynth's order: the place in this table is `instrument_family`.
FAMILIES: dict[str, Family] = {
    "bass": Family((28, 55), (1.4, 2.6), decay=(0.4, 3.0), sustain=(0.0, 0.7), pluck=(0.05, 0.4)),
    "brass": Family((45, 78), (0.7, 1.5), attack=(0.03, 0.12), formant_gain=(1.0, 5.0), **_STEADY),
    "flute": Family((55, 91), (2.0, 3.5), attack=(0.04, 0.2), noise=(0.03, 0.2), vibrato=(0.0, 0.01), **_STEADY),
    "guitar": Family((40, 79), (0.9, 1.8), pluck=(0.08, 0.45), decay=(0.4, 2.0), sustain=(0.0, 0.05)),
    "keyboard": Family((33, 91), (1.2, 2.4), decay=(0.5, 3.0), sustain=(0.0, 0.3), formant_gain=(0.0, 0.5)),
    "mallet": Family((48, 91), (0.3, 1.5), decay=(0.15, 1.2), sustain=(0.0, 0.0), ratios=(1.0, 2.76, 3.98, 5.4, 9.1)),
    "organ": Family(
        (36, 84), (0.0, 1.2), vibrato=(0.0, 0.004), release=(0.02, 0.1), ratios=(1, 2, 3, 4, 6, 8), **_STEADY
    ),
    "reed": Family((50, 84), (0.6, 1.5), even=(0.02, 0.4), attack=(0.02, 0.1), noise=(0.0, 0.08), **_STEADY),
    "string": Family((43, 86), (0.8, 1.4), attack=(0.08, 0.4), vibrato=(0.002, 0.012), noise=(0.01, 0.08), **_STEADY),
    "synth_lead": Family((40, 84), (0.0, 0.0), modulation=(1.0, 6.0), **_STEADY),
    "vocal": Family(
        (45, 76),
        (1.0, 1.8),
        formant=(350.0, 900.0),
        formant_gain=(6.0, 20.0),
        attack=(0.03, 0.15),
        vibrato=(0.002, 0.015),
        noise=(0.01, 0.1),
        **_STEADY,
    ),
}
TRAIN_ONLY = ("synth_lead",)


@dataclass(frozen=True)
class Instrument:
    """One draw of a family's ranges, and the name that goes with it."""

    number: int
    name: str
    family: str
    source: int
    timbre: dict[str, float]


def draw_timbre(family: Family, generator: torch.Generator | None) -> dict[str, float]:
    """One draw of a family's ranges."""
    return {key: waves.uniform(limits, generator) for key, limits in _ranges(family).items()}


def _ranges(family: Family) -> dict[str, Range]:
    ranges = {entry.name: getattr(family, entry.name) for entry in fields(family)}
    return {name: limits for name, limits in ranges.items() if name not in ("pitches", "ratios")}


def synthesize(instrument: Instrument, pitch: int, velocity: int, *, generator: torch.Generator | None = None) -> Array:
    """One note.

    Args:
        instrument: its timbre.
        pitch: MIDI note number.
        velocity: 1 to 127; a harder stroke is brighter. Loudness is drawn independently.

    Returns:
        (64000,) float32 at 16 kHz, its peak between -20 and -1 dB of full scale.
    """
    timbre = instrument.timbre
    time = np.arange(int(NOTE_SECONDS * SAMPLE_RATE), dtype=np.float32) / np.float32(SAMPLE_RATE)
    frequency = 440.0 * 2.0 ** ((pitch - 69) / 12)
    vibrato = timbre["vibrato"] * waves.sine(waves.uniform((4.5, 6.5), generator) * time)
    phase = np.cumsum(frequency * (1 + vibrato), dtype=np.float64) / SAMPLE_RATE  # in cycles
    tone = _tone(instrument, frequency, velocity, phase, time)
    tone = waves.normalized(tone) + timbre["noise"] * waves.band_noise(2 * frequency, 1.5, len(time), generator)
    return waves.at_random_level(tone * _envelope(timbre, time), generator)


def _tone(instrument: Instrument, frequency: float, velocity: int, phase: NDArray, time: Array) -> Array:
    timbre, ratios = instrument.timbre, FAMILIES[instrument.family].ratios
    fading = np.exp(-time / timbre["darkening"])
    if timbre["modulation"] > 0:
        index = timbre["modulation"] / (2 * math.pi) * (0.3 + 0.7 * fading)
        return waves.sine(phase + index * waves.sine(phase))
    if ratios:
        return _partials(timbre, ratios, frequency, phase, time)
    bright = _harmonics(timbre, frequency, timbre["tilt"] - 0.4 * velocity / 127)
    dark = _harmonics(timbre, frequency, timbre["tilt"] + 1.2)
    return waves.cycles(dark, phase) + fading * waves.cycles(bright - dark, phase)


def _partials(
    timbre: dict[str, float], ratios: tuple[float, ...], frequency: float, phase: NDArray, time: Array
) -> Array:
    """Inharmonic partials; higher ones decay faster, and those above the band are left out."""
    tone = np.zeros_like(time)
    for order, ratio in enumerate(ratios):
        if ratio * frequency < HIGHEST:
            # The formant, without a meaning of its own here, makes each instrument's registration.
            gain = (1 + order) ** -timbre["tilt"] * (1.1 + math.cos(timbre["formant"] * (order + 1)))
            tone += gain * np.exp(-order * time / (2 * timbre["darkening"])) * waves.sine(ratio * phase)
    return tone


def _harmonics(timbre: dict[str, float], frequency: float, tilt: float) -> NDArray:
    """(k,) amplitudes of the harmonics that lie inside the band."""
    amplitude = waves.harmonics(frequency, tilt)
    order = np.arange(1, len(amplitude) + 1)
    amplitude[1::2] *= timbre["even"]
    if timbre["pluck"] > 0:
        amplitude *= np.abs(np.sin(math.pi * order * timbre["pluck"]))
    for centre in (timbre["formant"], 2.6 * timbre["formant"]):
        amplitude *= 1 + timbre["formant_gain"] * waves.resonance(order * frequency, centre, 0.25 * centre)
    return amplitude


def _envelope(timbre: dict[str, float], time: Array) -> Array:
    attack = 1 - np.exp(-3 * time / timbre["attack"])
    decay = timbre["sustain"] + (1 - timbre["sustain"]) * np.exp(-time / timbre["decay"])
    release = np.exp(-3 * np.maximum(time - HELD_SECONDS, 0) / timbre["release"])
    return attack * decay * release
