"""Synthetic speech: a speaker is a pitch and a vocal tract, a word its letters, a language letters and pace.

A voice is a periodic source through three resonances, with noise for the consonants. Nothing here is
intelligible; what counts is that the same word, speaker or language always has the same traits.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from randquant.audio.crops import SAMPLE_RATE
from randquant.data_prep.synthetic.sounds import waves
from randquant.data_prep.synthetic.sounds.waves import HIGHEST, Array


@dataclass(frozen=True)
class Phone:
    """One letter's sound."""

    formants: tuple[float, ...] = ()  # Hz of the resonances of the voice; none where there is no voice
    noise: float = 0.0  # Hz around which there is noise; 0 for none
    gain: float = 1.0  # amplitude relative to a vowel
    weight: float = 1.0  # duration relative to other letters


_VOWELS = {
    "a": Phone((730, 1090, 2440), weight=2.0),
    "e": Phone((530, 1840, 2480), weight=1.6),
    "i": Phone((270, 2290, 3010), weight=1.6),
    "o": Phone((570, 840, 2410), weight=2.0),
    "u": Phone((300, 870, 2240), weight=1.6),
    "y": Phone((390, 1990, 2550), weight=1.2),
}
_HUMS = {  # a voice, softly, through a mouth that is nearly shut
    letter: Phone(formants, gain=0.4, weight=0.8)
    for letter, formants in {
        "l": (360, 1300, 2700),
        "m": (250, 1000, 2200),
        "n": (250, 1500, 2500),
        "r": (420, 1300, 1600),
        "w": (300, 650, 2200),
    }.items()
}
_STOPS = {
    letter: Phone(noise=centre, gain=0.5, weight=0.4)
    for letter, centre in {"c": 2300, "k": 2000, "p": 700, "q": 1800, "t": 4500}.items()
}
_VOICED_STOPS = {
    letter: Phone((250, 1100, 2300), noise=centre, gain=0.4, weight=0.5)
    for letter, centre in {"b": 600, "d": 3800, "g": 1600, "j": 3000}.items()
}
_FRICATIVES = {
    letter: Phone(noise=centre, gain=gain, weight=1.0)
    for letter, (centre, gain) in {"f": (1400, 0.15), "h": (1000, 0.2), "s": (6000, 0.5), "x": (5000, 0.5)}.items()
}
_BUZZES = {
    "v": Phone((250, 1100, 2300), noise=1500, gain=0.3, weight=0.8),
    "z": Phone((250, 1400, 2500), noise=5500, gain=0.4, weight=1.0),
}
PHONES = _VOWELS | _HUMS | _STOPS | _VOICED_STOPS | _FRICATIVES | _BUZZES


@dataclass(frozen=True)
class Voice:
    """A speaker."""

    pitch: float  # Hz of the fundamental, on average
    tract: float  # factor of every resonance; a longer vocal tract has a smaller one
    tilt: float  # amplitude of harmonic k is k ** -tilt before the resonances
    breath: float  # noise added to the tone


@dataclass(frozen=True)
class Language:
    """How often each letter occurs, and how many are said in a second."""

    letters: str
    pace: float


LANGUAGES = {
    "de": Language("eeihsxtskfixpnthar", 12.0),
    "en": Language("iewwhyfnheliyfthow", 13.0),
    "es": Language("aaoossraoelasaoeos", 17.0),
    "fr": Language("uuyuevjvruyliujvet", 14.0),
    "it": Language("aioaielmmnolrteaio", 16.0),
    "ru": Language("oozzmvodbzyumogdov", 10.0),
}


def draw_voices(count: int, generator: torch.Generator | None) -> list[Voice]:
    """Voices from deep to high, shuffled; every trait has its own order, so that pitch does not predict the rest."""
    pitch, tract, tilt, breath = (_spread(count, generator) for _ in range(4))
    return [
        Voice(80.0 * 3.4 ** pitch[i], 0.82 + 0.4 * tract[i], 0.7 + 1.1 * tilt[i], 0.01 + 0.15 * breath[i])
        for i in range(count)
    ]


def _spread(count: int, generator: torch.Generator | None) -> list[float]:
    """Numbers from 0 to 1, one in each of `count` equal intervals, shuffled."""
    order = torch.randperm(count, generator=generator) + torch.rand(count, generator=generator)
    return (order / count).tolist()


def draw_letters(language: Language, seconds: float, generator: torch.Generator | None) -> str:
    """Draw the letters spoken in a language in a number of seconds."""
    count = max(2, round(seconds * language.pace))
    return "".join(language.letters[waves.integer(len(language.letters), generator)] for _ in range(count))


def speak(voice: Voice, letters: str, seconds: float, *, generator: torch.Generator | None = None) -> Array:
    """Synthesize letters, evenly paced over the given time.

    Returns:
        (round(16000 * seconds),) float32, its peak between -20 and -1 dB of full scale.
    """
    return waves.at_random_level(_speech(voice, letters, round(seconds * SAMPLE_RATE), generator), generator)


def say_word(voice: Voice, word: str, seconds: float, *, generator: torch.Generator | None = None) -> Array:
    """A word somewhere in a recording of the given length, as a command is spoken into a device."""
    length = round(seconds * SAMPLE_RATE)
    spoken = round(length * waves.uniform((0.5, 0.9), generator))
    start = waves.integer(length - spoken + 1, generator)
    recording = np.zeros(length, dtype=np.float32)
    recording[start : start + spoken] = _speech(voice, word, spoken, generator)
    return waves.at_random_level(recording, generator)


def _speech(voice: Voice, letters: str, length: int, generator: torch.Generator | None) -> Array:
    phones = [PHONES[letter] for letter in letters]
    bounds = _bounds([phone.weight for phone in phones], length, generator)
    phase = np.cumsum(_melody(voice, length, generator), dtype=np.float64) / SAMPLE_RATE
    speech = np.zeros(length, dtype=np.float32)
    for phone, start, stop in zip(phones, bounds, bounds[1:], strict=False):
        if stop > start:
            speech[start:stop] = _phone(voice, phone, phase[start:stop], generator)
    return speech


def _bounds(weights: Sequence[float], length: int, generator: torch.Generator | None) -> list[int]:
    """Where each phone starts, and the end."""
    jitter = 0.8 + 0.4 * torch.rand(len(weights), generator=generator).numpy()
    ends = np.cumsum(np.asarray(weights) * jitter)
    return [0, *(ends / ends[-1] * length).astype(int).tolist()]


def _melody(voice: Voice, length: int, generator: torch.Generator | None) -> Array:
    """(length,) Hz: the pitch rises and falls a little and sinks towards the end."""
    time = np.linspace(0, 1, length, dtype=np.float32)
    accents = np.sin(2 * math.pi * (waves.uniform((0.5, 2.0), generator) * time + waves.uniform((0.0, 1.0), generator)))
    return np.float32(voice.pitch) * (np.float32(1.04) - np.float32(0.1) * time + np.float32(0.06) * accents)


def _phone(voice: Voice, phone: Phone, phase: NDArray, generator: torch.Generator | None) -> Array:
    length = len(phase)
    sound = np.zeros(length, dtype=np.float32)
    if phone.formants:
        sound += waves.normalized(waves.cycles(_spectrum(voice, phone.formants), phase))
        sound += np.float32(voice.breath) * waves.band_noise(2000 * voice.tract, 1.5, length, generator)
    if phone.noise:
        sound += waves.band_noise(min(phone.noise * voice.tract, HIGHEST), 0.5, length, generator)
    return np.float32(phone.gain) * sound * _swell(length)


def _spectrum(voice: Voice, formants: Sequence[float]) -> NDArray:
    amplitude = waves.harmonics(voice.pitch, voice.tilt)
    frequencies = voice.pitch * np.arange(1, len(amplitude) + 1)
    gain = np.full(len(amplitude), 0.02)
    for place, centre in enumerate(formants):
        gain += 0.7**place * waves.resonance(frequencies, centre * voice.tract, 60 + 0.12 * centre)
    return amplitude * gain


def _swell(length: int) -> Array:
    """An envelope from silence to silence, so that letters join without a click."""
    ramp = np.sin(np.linspace(0, math.pi, length, dtype=np.float32))
    return np.minimum(2 * ramp, 1)
