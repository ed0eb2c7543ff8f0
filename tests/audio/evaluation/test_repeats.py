"""Planted copies across the split are found, and what is only alike is not."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from randquant.audio.evaluation.repeats import descriptor, nearest_in_train
from randquant.cli.command import run
from randquant.data.store import Store
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.own_files.labelled import plan_labelled
from randquant.scripts.doctor import COMMANDS

RATE = 16_000
SHARED = Path(__file__).parents[3].parent / "shared" / "data"


def word(seed: int, take: int = 0, seconds: float = 0.8) -> np.ndarray:
    """A voice: a gliding pitch through two formants; another take has other pitch, timing, jitter and breath."""
    kind, own = np.random.default_rng(seed), np.random.default_rng([seed, take])
    time = np.arange(round(seconds * RATE * own.uniform(0.95, 1.05))) / RATE
    pitch = kind.uniform(90, 220) * own.uniform(0.97, 1.03) * (1 + 0.2 * np.sin(2 * np.pi * time * kind.uniform(1, 3)))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE + np.cumsum(own.normal(0, 0.02, len(time)))
    formants = kind.uniform([300, 900], [800, 2500])
    voice = sum(
        np.exp(-(((order * pitch[:, None] - formants) / 200) ** 2)).sum(axis=1) * np.sin(order * phase)
        for order in range(1, 16)
    )
    sound = voice * np.hanning(len(time)) + 0.05 * own.normal(size=len(time))
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def mp3(sound: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    soundfile.write(file, sound, RATE, format="MP3", compression_level=0.9)
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]


COPIES = {
    "exact": lambda sound: sound,
    "padded": lambda sound: np.pad(sound, (500, 900)),
    "gain": lambda sound: 0.3 * sound,
    "inverted": lambda sound: -sound,
    "shifted": lambda sound: np.pad(sound, (107, 0))[: len(sound)],
    "resampled": lambda sound: soxr.resample(soxr.resample(sound, RATE, 11_025), 11_025, RATE),
    "mp3": mp3,
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("repeats")
    lines = ["path,label,split"]
    for seed in range(10):
        for take in range(3):
            soundfile.write(root / f"{seed}-{take}.wav", word(seed, take), RATE)
            lines.append(f"{seed}-{take}.wav,{seed},{'test' if take == 2 else 'train'}")
    for seed, (name, change) in enumerate(COPIES.items()):
        soundfile.write(root / f"{name}.wav", change(word(seed)), RATE)
        lines.append(f"{name}.wav,{seed},test")
    for name, split in (("silent", "train"), ("silent too", "test")):
        soundfile.write(root / f"{name}.wav", np.zeros(RATE), RATE)
        lines.append(f"{name}.wav,0,{split}")
    (root / "task.csv").write_text("\n".join(lines))
    return prepare(plan_labelled(root / "task.csv", root), root / "store", workers=1)


def test_copies_are_found_and_nothing_else(store: Store) -> None:
    paths = store.column("path")
    found = {paths[pair.test]: pair for pair in nearest_in_train(store)}
    assert len(found) == 10 + len(COPIES) + 1
    repeated = {name: paths[pair.train] for name, pair in found.items() if pair.repeats}
    assert repeated == {f"{name}.wav": f"{seed}-0.wav" for seed, name in enumerate(COPIES)}
    assert {name for name, pair in found.items() if pair.exact} == {"exact.wav", "padded.wav"}


def test_the_doctor_says_which(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "repeats.csv"
    assert run(COMMANDS, ["repeats", "--store", str(store.path), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "exact.wav repeats 0-0.wav\n" in printed
    assert "mp3.wav repeats 6-0.wav (similarity" in printed
    assert "7 of 18 recordings of test repeat one of train, 2 of them sample by sample" in printed
    assert len(out.read_text().splitlines()) == 19


def test_a_store_without_test_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(tmp_path / "a.wav", word(0), RATE)
    (tmp_path / "task.csv").write_text("path,label,split\na.wav,x,train\n")
    prepare(plan_labelled(tmp_path / "task.csv", tmp_path), tmp_path / "store", workers=1)
    assert run(COMMANDS, ["repeats", "--store", str(tmp_path / "store")]) == 1
    assert "no recordings of test" in capsys.readouterr().err


def test_across_folds_a_copy_in_the_same_fold_does_not_count(tmp_path: Path) -> None:
    rows = {
        "a": ("fold1", 0),
        "same fold": ("fold1", 0),
        "b": ("fold2", 1),
        "copy of b": ("fold3", 1),
        "c": ("fold3", 2),
    }
    for name, (_, seed) in rows.items():
        soundfile.write(tmp_path / f"{name}.wav", word(seed), RATE)
    lines = [f"{name}.wav,x,{fold}" for name, (fold, _) in rows.items()]
    (tmp_path / "task.csv").write_text("\n".join(["path,label,split", *lines]))
    store = prepare(plan_labelled(tmp_path / "task.csv", tmp_path), tmp_path / "store", workers=1)
    paths = store.column("path")
    found = nearest_in_train(store)
    assert len(found) == len(rows)
    assert {(paths[pair.test], paths[pair.train]) for pair in found if pair.repeats} == {
        ("b.wav", "copy of b.wav"),
        ("copy of b.wav", "b.wav"),
    }


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(100), np.ones(1), np.full(5_000, 32_767)])
def test_a_descriptor_of_anything_is_finite(samples: np.ndarray) -> None:
    assert np.isfinite(descriptor(samples.astype(np.int16))).all()
