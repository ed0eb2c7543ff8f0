"""The command from end to end: a store and a summary, or one sentence and an exit code."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from randquant.command import run
from randquant.store import ShardWriter, Store
from scripts.prepare import COMMANDS

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data"


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    root = tmp_path / "recordings"
    for index, (suffix, rate, channels) in enumerate([("wav", 8000, 1), ("flac", 44100, 2), ("ogg", 22050, 1)]):
        (root / f"{index}").mkdir(parents=True)
        samples = 0.1 * np.random.default_rng(index).standard_normal((rate, channels))
        soundfile.write(root / f"{index}" / f"x.{suffix}", samples, rate)
    return root


def prepare(*arguments: object) -> int:
    return run(COMMANDS, [str(argument) for argument in arguments])


def test_folder(recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (recordings / "broken.wav").write_text("no sound")
    (recordings / "notes.txt").write_text("text")
    out = tmp_path / "store"
    assert prepare("folder", "--root", recordings, "--out", out, "--workers", 1) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{out}: 3 recordings, 0.00 hours, 1 skipped"
    assert lines[1] == "passed over 1 files without a suffix of a recording"
    assert lines[2].startswith(f"skipped broken.wav: {recordings / 'broken.wav'} is not audio")
    store = Store.open(out, kind="audio")
    assert store.column("path") == ["0/x.wav", "1/x.flac", "2/x.ogg"]
    assert store.column("source_rate") == [8000, 44100, 22050]
    assert store.lengths.tolist() == [16000] * 3
    assert store.rows(0).dtype == np.int16
    assert prepare("folder", "--root", recordings, "--out", out) == 0
    assert "complete already; nothing was done" in capsys.readouterr().out


def test_labelled(recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "task.csv"
    table.write_text("path,label,split\n2/x.ogg,cat,train\n0/x.wav,dog,train\n1/x.flac,cat,test\n")
    assert prepare("labelled", "--csv", table, "--root", recordings, "--out", tmp_path / "store") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "label train valid test cat 1 0 1 dog 1 0 0 all 2 0 1" in printed
    store = Store.open(tmp_path / "store")
    assert store.column("label") == ["cat", "dog", "cat"]
    assert store.select("train").tolist() == [0, 1]


def test_synthetic_nsynth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare("synthetic-nsynth", "--out", tmp_path / "in", "--instruments", 1, "--notes_per_instrument", 1) == 0
    assert prepare("nsynth", "--root", tmp_path / "in", "--out", tmp_path / "store") == 0
    assert "31 recordings, 0.03 hours, 0 skipped" in capsys.readouterr().out
    store = Store.open(tmp_path / "store")
    assert [len(store.select(split)) for split in ("train", "valid", "test")] == [11, 10, 10]
    assert prepare("synthetic-nsynth", "--out", tmp_path / "other", "--instruments", 0) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["folder", "--root", "absent", "--out", "store"], 1, "absent does not exist"),
        (["folder", "--root", "recordings", "--out", "task.csv"], 1, "task.csv is a file"),
        (["folder", "--root", "recordings", "--out", "recordings"], 1, "not empty"),
        (["folder", "--root", "recordings", "--out", "store", "--workers", "0"], 2, "--workers"),
        (["folder", "--root", "recordings", "--out", "store", "--wrokers", "2"], 2, "--workers"),
        (["folder", "--root", "recordings"], 2, "out"),
        (["labelled", "--csv", "task.csv", "--root", "recordings", "--out", "store"], 1, "lacks the column"),
        (["nsynth", "--root", "recordings", "--out", "store"], 1, "nsynth-train"),
        (["folders", "--root", "recordings", "--out", "store"], 2, "folder"),
    ],
)
def test_refusals(
    recordings: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    monkeypatch.chdir(recordings.parent)
    Path("task.csv").write_text("file,class\n")
    assert prepare(*arguments) == code
    sentence = capsys.readouterr().err.strip()
    assert words in sentence
    assert "\n" not in sentence


def test_strict(recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (recordings / "broken.wav").write_text("no sound")
    assert prepare("folder", "--root", recordings, "--out", tmp_path / "store", "--strict") == 1
    assert "broken.wav is not audio" in capsys.readouterr().err
    assert not Store.exists(tmp_path / "store")


def test_disk_full(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(ShardWriter, "_write", full)
        assert prepare("folder", "--root", recordings, "--out", tmp_path / "store") == 1
    assert "no space left" in capsys.readouterr().err.lower()
    assert prepare("folder", "--root", recordings, "--out", tmp_path / "store") == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission(recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    assert prepare("folder", "--root", recordings, "--out", tmp_path / "locked" / "store") == 1
    assert "permission" in capsys.readouterr().err.lower()


def test_as_typed(recordings: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "scripts.prepare", "folder", "--root"]
    command += [str(recordings), "--out", str(tmp_path / "store")]
    environment = {**os.environ, "PYTHONPATH": "common"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "3 recordings" in done.stdout


@pytest.mark.skipif(not REAL.is_dir(), reason="real recordings are not beside this repository")
def test_real_task(tmp_path: Path) -> None:
    table = tmp_path / "task.csv"
    lines = (REAL / "tasks" / "esc10.csv").read_text().splitlines()
    table.write_text("\n".join([lines[0], *lines[1::40]]) + "\n")
    assert prepare("labelled", "--csv", table, "--root", REAL, "--out", tmp_path / "store") == 0
    store = Store.open(tmp_path / "store", kind="audio")
    assert len(store) == 10
    assert all(60_000 < length < 100_000 for length in store.lengths)
