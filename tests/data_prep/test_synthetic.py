"""The synthetic notes have NSynth's form, and level tells nothing about the family."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from data_prep.synthetic import FAMILIES, TRAIN_ONLY, Instrument, _draw_instruments, synthesize, write_nsynth
from randquant.errors import DataError

# The keys of a note in the published examples.json.
KEYS = {
    "instrument",
    "instrument_family",
    "instrument_family_str",
    "instrument_source",
    "instrument_source_str",
    "instrument_str",
    "note",
    "note_str",
    "pitch",
    "qualities",
    "qualities_str",
    "sample_rate",
    "velocity",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nsynth")
    return write_nsynth(folder, train_instruments=2, held_out_instruments=1, notes_per_instrument=3)


def notes(root: Path, split: str) -> dict[str, dict]:
    return json.loads((root / f"nsynth-{split}" / "examples.json").read_text())


def test_tree_and_keys(root: Path) -> None:
    for split, instruments in (("train", 2 * 11), ("valid", 10), ("test", 10)):
        examples = notes(root, split)
        assert len(examples) == 3 * instruments
        files = {path.stem for path in (root / f"nsynth-{split}" / "audio").glob("*.wav")}
        assert files == set(examples)
        for name, note in examples.items():
            assert set(note) == KEYS
            assert note["note_str"] == name == f"{note['instrument_str']}-{note['pitch']:03d}-{note['velocity']:03d}"
            assert list(FAMILIES)[note["instrument_family"]] == note["instrument_family_str"]
            assert len(note["qualities"]) == 10
            assert sum(note["qualities"]) == len(note["qualities_str"])


def test_families_are_nsynths() -> None:
    expected = "bass brass flute guitar keyboard mallet organ reed string synth_lead vocal"
    assert list(FAMILIES) == expected.split()


def test_instruments_and_families_of_the_splits(root: Path) -> None:
    instruments = {
        split: {n["instrument_str"] for n in notes(root, split).values()} for split in ("train", "valid", "test")
    }
    assert not instruments["train"] & instruments["valid"]
    assert not instruments["train"] & instruments["test"]
    assert not instruments["valid"] & instruments["test"]
    numbers = [n["instrument"] for split in ("train", "valid", "test") for n in notes(root, split).values()]
    assert len(set(numbers)) == 22 + 10 + 10
    assert {n["instrument_family_str"] for n in notes(root, "train").values()} == set(FAMILIES)
    for split in ("valid", "test"):
        assert {n["instrument_family_str"] for n in notes(root, split).values()} == set(FAMILIES) - set(TRAIN_ONLY)


def test_files_are_four_seconds_of_sound(root: Path) -> None:
    for path in sorted(root.glob("nsynth-test/audio/*.wav")):
        information = soundfile.info(path)
        assert (information.samplerate, information.channels, information.frames) == (16000, 1, 64000)
        assert information.subtype == "PCM_16"
        samples, _ = soundfile.read(path)
        assert 10 ** (-20.1 / 20) < np.abs(samples).max() < 10 ** (-0.9 / 20)


def test_seed_decides_everything(tmp_path: Path) -> None:
    sizes = {"train_instruments": 1, "held_out_instruments": 1, "notes_per_instrument": 1}
    content = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_nsynth(tmp_path / name, **sizes, seed=seed)
        files = sorted((tmp_path / name).glob("nsynth-*/**/*.*"))
        content.append([(path.relative_to(tmp_path / name), path.read_bytes()) for path in files])
    assert content[0] == content[1]
    assert content[0] != content[2]


def test_repeating_completes_and_another_set_is_refused(tmp_path: Path) -> None:
    sizes = {"train_instruments": 1, "held_out_instruments": 1, "notes_per_instrument": 1}
    write_nsynth(tmp_path, **sizes)
    kept = tmp_path / "nsynth-train" / "examples.json"
    time = kept.stat().st_mtime_ns
    test = {path.name: path.read_bytes() for path in (tmp_path / "nsynth-test" / "audio").iterdir()}
    for path in (tmp_path / "nsynth-test").rglob("*.*"):
        path.unlink()
    (tmp_path / "nsynth-test" / "audio").rmdir()
    (tmp_path / "nsynth-test").rmdir()
    write_nsynth(tmp_path, **sizes)
    assert kept.stat().st_mtime_ns == time
    assert {path.name: path.read_bytes() for path in (tmp_path / "nsynth-test" / "audio").iterdir()} == test
    with pytest.raises(DataError, match="already holds another NSynth"):
        write_nsynth(tmp_path, **sizes, seed=1)


def test_bad_numbers(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        write_nsynth(tmp_path, train_instruments=0)


def instruments(count: int) -> list[Instrument]:
    generator = torch.Generator().manual_seed(0)
    return list(_draw_instruments({"train": count, "valid": 1, "test": 1}, "train", 0, generator))


def test_the_pitch_is_there() -> None:
    """The fundamental, or for struck and modulated sounds a low partial of it, is among the strongest lines."""
    for instrument in instruments(1):
        note = synthesize(instrument, 60, 100, generator=torch.Generator().manual_seed(1))
        assert note.dtype == np.float32
        assert np.isfinite(note).all()
        spectrum = np.abs(np.fft.rfft(note * np.hanning(len(note))))
        fundamental = round(261.63 * 4)
        assert spectrum[fundamental - 12 : fundamental + 13].max() > 0.02 * spectrum.max(), instrument.name


def test_level_tells_nothing_about_the_family() -> None:
    generator = torch.Generator().manual_seed(2)
    peaks = {
        name: [
            20 * np.log10(np.abs(synthesize(instrument, 60, 75, generator=generator)).max())
            for instrument in instruments(8)
            if instrument.family == name
        ]
        for name in ("bass", "flute", "mallet", "vocal")
    }
    means = [float(np.mean(levels)) for levels in peaks.values()]
    # A uniform draw over 19 dB has a standard deviation of 5.5 dB, its mean over 8 one of 1.9 dB.
    assert max(means) - min(means) < 4 * 1.9
    assert all(min(levels) > -20.01 and max(levels) < -0.99 for levels in peaks.values())
