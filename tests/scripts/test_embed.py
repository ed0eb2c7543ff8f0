"""From a folder of recordings to a table, as typed."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from randquant.command import run
from scripts.embed import embed


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    (folder / "deep").mkdir(parents=True)
    generator = np.random.default_rng(0)
    soundfile.write(folder / "deep" / "b.flac", generator.uniform(-0.5, 0.5, (30_000, 2)), 44_100)
    soundfile.write(folder / "a.wav", generator.uniform(-0.5, 0.5, 4_000), 8_000)
    (folder / "broken.wav").write_bytes(b"RIFF")
    (folder / "notes.txt").write_text("not a recording")
    return folder


def command(source: Path, out: Path, *more: str) -> int:
    flags = ["--checkpoint", "untrained:AudioNTT2020:16", "--input", str(source), "--out", str(out)]
    return run(embed, [*flags, "--device", "cpu", *more])


def test_a_folder(recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.parquet"
    assert command(recordings, out) == 0
    table = pq.read_table(out)
    assert table["path"].to_pylist() == ["a.wav", "deep/b.flac"]
    assert table.column_names == ["path", "start", "end", "seconds", "embedding"]
    printed = capsys.readouterr().out
    assert "2 rows of 16 numbers from 2 recordings, 1 skipped" in printed
    assert "skipped broken.wav" in printed
    assert "no log-mel statistics" in printed


def test_windows_and_a_single_file(recordings: Path, tmp_path: Path) -> None:
    assert command(recordings / "a.wav", tmp_path / "x.parquet", "--window", "0.2") == 0
    table = pq.read_table(tmp_path / "x.parquet")
    assert table["path"].to_pylist() == ["a.wav"] * 3
    assert table["end"].to_pylist() == pytest.approx([0.2, 0.4, 0.5])


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        (["--out", "x.npy"], 2, "should end in .parquet"),
        (["--out", "x.csv"], 2, "should end in .parquet"),
        (["--window", "0"], 2, "--window"),
        (["--workers", "0"], 2, "--workers"),
        (["--input", "nowhere"], 1, "check --input"),
        (["--strict"], 1, "broken.wav"),
        (["--checkpoint", "nowhere"], 1, "nowhere"),
    ],
)
def test_mistakes_are_one_sentence(
    recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], code: int, says: str
) -> None:
    assert command(recordings, tmp_path / "x.parquet", *flags) == code
    said = capsys.readouterr().err.strip()
    assert says in said
    assert "\n" not in said
    assert not list(tmp_path.glob("*.parquet"))


def test_a_folder_without_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert command(tmp_path / "empty", tmp_path / "x.parquet") == 1
    assert "no recordings" in capsys.readouterr().err
