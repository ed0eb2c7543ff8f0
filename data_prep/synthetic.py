"""Small synthetic datasets in the trees of the real ones, so that everything can be tried without a download.

The notes are instrument-like, not instruments: each family is a way to make sound (a spectrum, an envelope, partials,
modulation, noise), each instrument a draw of its parameters. Loudness is drawn apart from all that, so that level
alone tells nothing about the family.
"""

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from audio.crops import SAMPLE_RATE
from randquant.atomic import atomic_path, read_json, write_json
from randquant.errors import DataError
from randquant.store import SPLITS

NOTE_SECONDS, HELD_SECONDS = 4.0, 3.0  # as in NSynth: the key is down for 3 s, then the note may ring for 1 s
SOURCES = ("acoustic", "electronic", "synthetic")
VELOCITIES = (25, 50, 75, 100, 127)
QUALITIES = (
    "bright",
    "dark",
    "distortion",
    "fast_decay",
    "long_release",
    "multiphonic",
    "nonlinear_env",
    "percussive",
    "reverb",
    "tempo-synced",
)

Array = NDArray[np.float32]
Range = tuple[float, float]


@dataclass(frozen=True)
class Family:
    """The ranges an instrument's parameters are drawn from; `ratios` and `frequency_modulation` choose the method.

    Attributes:
        pitches: lowest and highest MIDI note.
        tilt: amplitude of harmonic k is k ** -tilt.
        even: gain of the even harmonics.
        pluck: where a string is plucked, as a share of its length; 0 for no comb.
        formant: centre in Hz of a resonance, and `formant_gain` its gain; another lies at 2.6 times the centre.
        attack, decay, release: seconds; `sustain` is the level that the decay ends at.
        darkening: seconds after which the upper harmonics are gone; large for a steady spectrum.
        vibrato: depth as a share of the frequency.
        noise: breath or bow noise beside the tone.
        ratios: frequencies of free partials relative to the pitch, instead of harmonics.
        modulation: index of frequency modulation at the start of the note, instead of harmonics; 0 for none.
    """

    pitches: tuple[int, int]
    tilt: Range
    even: Range = (0.8, 1.2)
    pluck: Range = (0.0, 0.0)
    formant: Range = (500.0, 2500.0)
    formant_gain: Range = (0.0, 2.0)
    attack: Range = (0.003, 0.02)
    decay: Range = (0.4, 2.0)
    sustain: Range = (0.0, 0.2)
    release: Range = (0.05, 0.4)
    darkening: Range = (0.3, 2.0)
    vibrato: Range = (0.0, 0.001)
    noise: Range = (0.0, 0.02)
    modulation: Range = (0.0, 0.0)
    ratios: tuple[float, ...] = ()


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


def write_nsynth(
    root: str | Path,
    *,
    train_instruments: int = 6,
    held_out_instruments: int = 2,
    notes_per_instrument: int = 9,
    seed: int = 0,
) -> Path:
    """Write notes in NSynth's own tree: `nsynth-{train,valid,test}`, each with `audio/*.wav` and `examples.json`.

    4.0 s, 16 kHz, mono, 16 bit. No instrument of train occurs in valid or test, and the family synth_lead occurs in
    train alone, as in the real one. The defaults make 594 + 180 + 180 notes, 120 MB. What is there already from the
    same call is kept, so that it can be stopped and repeated.

    Args:
        root: folder to write into.
        train_instruments: per family.
        held_out_instruments: per family, in valid and again in test.
        notes_per_instrument: notes each instrument plays.
        seed: of everything that is drawn.

    Returns:
        `root`.

    Raises:
        DataError: `root` already holds another NSynth.
    """
    root = Path(root)
    counts = {"train": train_instruments, "valid": held_out_instruments, "test": held_out_instruments}
    if min(*counts.values(), notes_per_instrument) < 1:
        raise ValueError("numbers of instruments and notes should be at least 1")
    _claim(root, {"instruments": counts, "notes_per_instrument": notes_per_instrument, "seed": seed})
    first = 0
    for place, split in enumerate(SPLITS):
        generator = torch.Generator().manual_seed(len(SPLITS) * seed + place)
        instruments = list(_draw_instruments(counts, split, first, generator))
        first += len(instruments)
        if not (root / f"nsynth-{split}").exists():
            _write_split(root / f"nsynth-{split}", instruments, notes_per_instrument, generator)
    return root


def _claim(root: Path, parameters: dict[str, Any]) -> None:
    """Note beside the three folders how they are made, and refuse folders made in another way."""
    record = root / "synthetic.json"
    if record.is_file() and read_json(record) == parameters:
        return
    if any((root / f"nsynth-{split}").exists() for split in SPLITS):
        raise DataError(f"{root} already holds another NSynth; choose a new folder, or delete that one.")
    write_json(record, parameters)


def _draw_instruments(
    counts: dict[str, int], split: str, first: int, generator: torch.Generator
) -> Iterator[Instrument]:
    before = sum(counts[earlier] for earlier in SPLITS[: SPLITS.index(split)])
    number = first
    for name, family in FAMILIES.items():
        for index in range(before, before + counts[split]):
            if split != "train" and name in TRAIN_ONLY:
                continue
            source = int(_uniform((0, 3), generator))
            timbre = {key: _uniform(limits, generator) for key, limits in _ranges(family).items()}
            yield Instrument(number, f"{name}_{SOURCES[source]}_{index:03d}", name, source, timbre)
            number += 1


def _ranges(family: Family) -> dict[str, Range]:
    ranges = {entry.name: getattr(family, entry.name) for entry in fields(family)}
    return {name: limits for name, limits in ranges.items() if name not in ("pitches", "ratios")}


def _wav(waveform: Array) -> bytes:
    """A WAV file in memory; writing it ourselves keeps the reason of a failure, such as a full disk."""
    file = io.BytesIO()
    soundfile.write(file, waveform, SAMPLE_RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


def _write_split(
    folder: Path, instruments: list[Instrument], notes_per_instrument: int, generator: torch.Generator
) -> None:
    examples: dict[str, dict[str, Any]] = {}
    with atomic_path(folder) as temporary:
        (temporary / "audio").mkdir(parents=True)
        for instrument in instruments:
            for pitch in _pitches(instrument, notes_per_instrument, generator):
                velocity = VELOCITIES[int(_uniform((0, len(VELOCITIES)), generator))]
                example = _example(len(examples), instrument, pitch, velocity)
                examples[example["note_str"]] = example
                waveform = synthesize(instrument, pitch, velocity, generator=generator)
                path = temporary / "audio" / f"{example['note_str']}.wav"
                path.write_bytes(_wav(waveform))
        write_json(temporary / "examples.json", examples)


def _pitches(instrument: Instrument, count: int, generator: torch.Generator) -> list[int]:
    lowest, highest = FAMILIES[instrument.family].pitches
    span = highest - lowest + 1
    if count > span:
        raise ValueError(f"notes_per_instrument should be at most {span} for {instrument.family}, got {count}")
    return (lowest + torch.randperm(span, generator=generator)[:count]).tolist()


def _example(number: int, instrument: Instrument, pitch: int, velocity: int) -> dict[str, Any]:
    """A note's entry, with all the keys of NSynth's examples.json."""
    timbre = instrument.timbre
    present = {
        "bright": timbre["tilt"] < 0.9,
        "dark": timbre["tilt"] > 2.0,
        "fast_decay": timbre["sustain"] < 0.1 and timbre["decay"] < 0.6,
        "long_release": timbre["release"] > 0.3,
        "percussive": timbre["sustain"] < 0.1 and timbre["attack"] < 0.02,
    }
    return {
        "note": number,
        "note_str": f"{instrument.name}-{pitch:03d}-{velocity:03d}",
        "instrument": instrument.number,
        "instrument_str": instrument.name,
        "instrument_family": list(FAMILIES).index(instrument.family),
        "instrument_family_str": instrument.family,
        "instrument_source": instrument.source,
        "instrument_source_str": SOURCES[instrument.source],
        "pitch": pitch,
        "velocity": velocity,
        "sample_rate": SAMPLE_RATE,
        "qualities": [int(present.get(name, False)) for name in QUALITIES],
        "qualities_str": [name for name in QUALITIES if present.get(name, False)],
    }


def synthesize(instrument: Instrument, pitch: int, velocity: int, *, generator: torch.Generator | None = None) -> Array:
    """One note.

    Args:
        instrument: its timbre.
        pitch: MIDI note number.
        velocity: 1 to 127; a harder stroke is brighter. Loudness is drawn apart from it.

    Returns:
        (64000,) float32 at 16 kHz, its peak between -20 and -1 dB of full scale.
    """
    timbre = instrument.timbre
    time = np.arange(int(NOTE_SECONDS * SAMPLE_RATE), dtype=np.float32) / np.float32(SAMPLE_RATE)
    frequency = 440.0 * 2.0 ** ((pitch - 69) / 12)
    vibrato = timbre["vibrato"] * _sine(_uniform((4.5, 6.5), generator) * time)
    phase = np.cumsum(frequency * (1 + vibrato), dtype=np.float64) / SAMPLE_RATE  # in cycles
    tone = _tone(instrument, frequency, velocity, phase, time)
    tone = _normalized(tone) + timbre["noise"] * _breath(frequency, len(time), generator)
    tone *= _envelope(timbre, time)
    hiss = 10.0 ** (_uniform((-80.0, -50.0), generator) / 20)
    tone = tone / np.abs(tone).max() + np.float32(hiss) * _white(len(time), generator)
    level = 10.0 ** (_uniform((-20.0, -1.0), generator) / 20)
    return tone * np.float32(level / np.abs(tone).max())


def _tone(instrument: Instrument, frequency: float, velocity: int, phase: NDArray, time: Array) -> Array:
    timbre, ratios = instrument.timbre, FAMILIES[instrument.family].ratios
    fading = np.exp(-time / timbre["darkening"])
    if timbre["modulation"] > 0:
        index = timbre["modulation"] / (2 * math.pi) * (0.3 + 0.7 * fading)
        return _sine(phase + index * _sine(phase))
    if ratios:
        return _partials(timbre, ratios, frequency, phase, time)
    bright = _harmonics(timbre, frequency, timbre["tilt"] - 0.4 * velocity / 127)
    dark = _harmonics(timbre, frequency, timbre["tilt"] + 1.2)
    return _cycles(dark, phase) + fading * _cycles(bright - dark, phase)


def _partials(
    timbre: dict[str, float], ratios: tuple[float, ...], frequency: float, phase: NDArray, time: Array
) -> Array:
    """Free partials, the higher the sooner gone; those above the band are left out."""
    tone = np.zeros_like(time)
    for order, ratio in enumerate(ratios):
        if ratio * frequency < _HIGHEST:
            # The formant, without a meaning of its own here, makes each instrument's registration.
            gain = (1 + order) ** -timbre["tilt"] * (1.1 + math.cos(timbre["formant"] * (order + 1)))
            tone += gain * np.exp(-order * time / (2 * timbre["darkening"])) * _sine(ratio * phase)
    return tone


_HIGHEST = 0.48 * SAMPLE_RATE  # Hz; above it nothing is synthesized


def _harmonics(timbre: dict[str, float], frequency: float, tilt: float) -> NDArray:
    """(k,) amplitudes of the harmonics that lie inside the band."""
    order = np.arange(1, max(2, int(_HIGHEST / frequency)))
    amplitude = order.astype(np.float64) ** -tilt
    amplitude[1::2] *= timbre["even"]
    if timbre["pluck"] > 0:
        amplitude *= np.abs(np.sin(math.pi * order * timbre["pluck"]))
    for centre in (timbre["formant"], 2.6 * timbre["formant"]):
        distance = (order * frequency - centre) / (0.25 * centre)
        amplitude *= 1 + timbre["formant_gain"] * np.exp(-(distance**2))
    return amplitude


_CYCLE = 4096  # samples in one period of a waveform; a power of two


def _cycles(amplitudes: NDArray, phase: NDArray) -> Array:
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


def _breath(frequency: float, length: int, generator: torch.Generator | None) -> Array:
    """Noise of unit power that is strongest around and above the pitch."""
    spectrum = np.fft.rfft(_white(length, generator))
    octaves = np.log2(np.linspace(1.0, SAMPLE_RATE / 2, len(spectrum), dtype=np.float32) / (2 * frequency))
    return _normalized(np.fft.irfft(spectrum * np.exp(-0.5 * (octaves / 1.5) ** 2), n=length))


def _envelope(timbre: dict[str, float], time: Array) -> Array:
    attack = 1 - np.exp(-3 * time / timbre["attack"])
    decay = timbre["sustain"] + (1 - timbre["sustain"]) * np.exp(-time / timbre["decay"])
    release = np.exp(-3 * np.maximum(time - HELD_SECONDS, 0) / timbre["release"])
    return attack * decay * release


def _normalized(signal: NDArray) -> Array:
    """At unit power."""
    return (signal / np.sqrt(np.mean(signal**2))).astype(np.float32)


def _sine(cycles: NDArray) -> Array:
    return np.sin(2 * math.pi * (cycles % 1).astype(np.float32))


def _white(length: int, generator: torch.Generator | None) -> Array:
    return torch.randn(length, generator=generator).numpy()


def _uniform(limits: Range, generator: torch.Generator | None) -> float:
    low, high = limits
    return low + (high - low) * float(torch.rand((), generator=generator))
