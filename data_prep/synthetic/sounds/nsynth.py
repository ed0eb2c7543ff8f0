"""Synthetic notes in NSynth's tree."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch

from randquant.audio.crops import SAMPLE_RATE
from randquant.data.store import SPLITS
from randquant.data_prep.datasets.nsynth import DATASET
from randquant.data_prep.synthetic.published import NSYNTH_FAMILIES, apportion, scaled
from randquant.data_prep.synthetic.sounds.noise import write_noise
from randquant.data_prep.synthetic.sounds.notes import FAMILIES, TRAIN_ONLY, Instrument, draw_timbre, synthesize
from randquant.data_prep.synthetic.sounds.waves import uniform
from randquant.data_prep.synthetic.tree import check_counts, torch_generator, write_parts, write_sound
from randquant.files.atomic import write_json

_PITCHES = range(21, 109)
_NOTES = 300  # of a published instrument, on average
SOURCES = ("acoustic", "electronic", "synthetic")
VELOCITIES = (25, 50, 75, 100, 127)
QUALITIES = (
    *("bright", "dark", "distortion", "fast_decay", "long_release", "multiphonic", "nonlinear_env", "percussive"),
    *("reverb", "tempo-synced"),
)


def write_nsynth(
    root: Path,
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
        train_instruments: per family.
        held_out_instruments: per family, in valid and again in test.
        notes_per_instrument: notes each instrument plays.
    """
    counts = {"train": train_instruments, "valid": held_out_instruments, "test": held_out_instruments}
    if min(*counts.values(), notes_per_instrument) < 1:
        raise ValueError("numbers of instruments and notes should be at least 1")
    parts = {}
    first = 0
    for place, split in enumerate(SPLITS):
        generator = torch.Generator().manual_seed(len(SPLITS) * seed + place)
        instruments = list(_draw_instruments(counts, split, first, generator))
        first += len(instruments)
        parts[f"nsynth-{split}"] = partial(_write_split, instruments, notes_per_instrument, generator)
    parameters = {"instruments": counts, "notes_per_instrument": notes_per_instrument, "seed": seed}
    return write_parts(root, "NSynth", parameters, parts)


def write_published_nsynth(root: Path, *, items: int | None = None, seed: int = 0) -> Path:
    """Write NSynth's tree at its published size: 305,979 notes of noise, split and labelled in the published numbers.

    How many notes of a family are in valid and in test is not published; they are spread as in the whole.
    """
    check_counts(items=1 if items is None else items)
    parts = {}
    first = 0
    for split, families in _published(scaled(DATASET.items, items)).items():
        drawn = list(_numbered(families, first, torch_generator(seed, split)))
        first += len(drawn)
        parts[f"nsynth-{split}"] = partial(_write_noises, drawn, seed)
    return write_parts(root, "NSynth", {"published": True, "items": items, "seed": seed}, parts)


def _published(splits: dict[str, int]) -> dict[str, dict[str, int]]:
    """Notes by split and family: valid and test in proportion, the rest in train."""
    totals = dict(zip(NSYNTH_FAMILIES, apportion(sum(splits.values()), list(NSYNTH_FAMILIES.values())), strict=True))
    common = {name: count for name, count in NSYNTH_FAMILIES.items() if name not in TRAIN_ONLY}
    held = {
        split: dict(zip(common, apportion(splits[split], list(common.values())), strict=True))
        for split in ("valid", "test")
    }
    train = {name: count - sum(families.get(name, 0) for families in held.values()) for name, count in totals.items()}
    return {"train": train, **held}


def _numbered(
    families: dict[str, int], first: int, generator: torch.Generator
) -> Iterator[tuple[Instrument, list[int]]]:
    """Instruments, each with the indices of its notes among all pairs of pitch and velocity."""
    number = first
    for name, notes in families.items():
        for count in apportion(notes, [1] * -(-notes // _NOTES)):
            source = int(uniform((0, 3), generator))
            timbre = draw_timbre(FAMILIES[name], generator)
            instrument = Instrument(number, f"{name}_{SOURCES[source]}_{number:03d}", name, source, timbre)
            places = torch.randperm(len(_PITCHES) * len(VELOCITIES), generator=generator)[:count]
            yield instrument, places.tolist()
            number += 1


def _write_noises(instruments: list[tuple[Instrument, list[int]]], seed: int, folder: Path) -> None:
    examples: dict[str, dict[str, Any]] = {}
    for instrument, places in instruments:
        for place in places:
            pitch, velocity = _PITCHES[place // len(VELOCITIES)], VELOCITIES[place % len(VELOCITIES)]
            name = _add_example(examples, instrument, pitch, velocity)
            write_noise(folder / "audio" / f"{name}.wav", seed=seed, name=name)
    write_json(folder / "examples.json", examples)


def _draw_instruments(
    counts: dict[str, int], split: str, first: int, generator: torch.Generator
) -> Iterator[Instrument]:
    before = sum(counts[earlier] for earlier in SPLITS[: SPLITS.index(split)])
    number = first
    for name, family in FAMILIES.items():
        for index in range(before, before + counts[split]):
            if split != "train" and name in TRAIN_ONLY:
                continue
            source = int(uniform((0, 3), generator))
            timbre = draw_timbre(family, generator)
            yield Instrument(number, f"{name}_{SOURCES[source]}_{index:03d}", name, source, timbre)
            number += 1


def _write_split(
    instruments: list[Instrument], notes_per_instrument: int, generator: torch.Generator, folder: Path
) -> None:
    examples: dict[str, dict[str, Any]] = {}
    for instrument in instruments:
        for pitch in _pitches(instrument, notes_per_instrument, generator):
            velocity = VELOCITIES[int(uniform((0, len(VELOCITIES)), generator))]
            name = _add_example(examples, instrument, pitch, velocity)
            waveform = synthesize(instrument, pitch, velocity, generator=generator)
            write_sound(folder / "audio" / f"{name}.wav", waveform)
    write_json(folder / "examples.json", examples)


def _pitches(instrument: Instrument, count: int, generator: torch.Generator) -> list[int]:
    lowest, highest = FAMILIES[instrument.family].pitches
    span = highest - lowest + 1
    if count > span:
        raise ValueError(f"notes_per_instrument should be at most {span} for {instrument.family}, got {count}")
    return (lowest + torch.randperm(span, generator=generator)[:count]).tolist()


def _add_example(examples: dict[str, Any], instrument: Instrument, pitch: int, velocity: int) -> str:
    """Add a note's entry, with all the keys of NSynth's examples.json, and return the note's name."""
    name = f"{instrument.name}-{pitch:03d}-{velocity:03d}"
    timbre = instrument.timbre
    present = {
        "bright": timbre["tilt"] < 0.9,
        "dark": timbre["tilt"] > 2.0,
        "fast_decay": timbre["sustain"] < 0.1 and timbre["decay"] < 0.6,
        "long_release": timbre["release"] > 0.3,
        "percussive": timbre["sustain"] < 0.1 and timbre["attack"] < 0.02,
    }
    examples[name] = {
        "note": len(examples),
        "note_str": name,
        "instrument": instrument.number,
        "instrument_str": instrument.name,
        "instrument_family": list(FAMILIES).index(instrument.family),
        "instrument_family_str": instrument.family,
        "instrument_source": instrument.source,
        "instrument_source_str": SOURCES[instrument.source],
        "pitch": pitch,
        "velocity": velocity,
        "sample_rate": SAMPLE_RATE,
        "qualities": [int(present.get(quality, False)) for quality in QUALITIES],
        "qualities_str": [quality for quality in QUALITIES if present.get(quality, False)],
    }
    return name
