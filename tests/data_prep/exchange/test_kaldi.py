"""Kaldi data folders: files, archives and segments to the bits of the recordings; commands are never run."""

from pathlib import Path

import numpy as np
import pytest

from randquant.audio.samples import read_samples
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.exchange.kaldi import plan_kaldi
from randquant.data_prep.synthetic.exchange import WORDS, write_kaldi
from randquant.data_prep.synthetic.sounds.noise import noise_file
from randquant.errors import DataError, UsageError


def test_archives_and_segments(tmp_path: Path) -> None:
    root = write_kaldi(tmp_path / "data")
    store = prepare(plan_kaldi(root, label="text"), tmp_path / "store")
    assert set(store.column("label")) == set(WORDS)
    assert len(store) == 48
    files, paths = store.column("file"), store.column("path")
    held = next(row for row, path in enumerate(paths) if path.startswith("train/"))
    assert files[held] == (root / "train" / "wav.scp").read_text().split()[0]
    row = next(row for row, path in enumerate(paths) if path.startswith("test/"))
    whole = read_samples(root / paths[row].partition("#")[0])[0]
    start, stop = map(int, paths[row].partition("#")[2].split("-"))
    assert np.array_equal(store.rows(row).reshape(-1), whole[start:stop])
    content = (root / "train" / "wav.ark").read_bytes()
    first = content.index(b"RIFF")
    (tmp_path / "a.wav").write_bytes(content[first : content.index(b"s0-down-1 ")])
    assert np.array_equal(store.rows(held).reshape(-1), read_samples(tmp_path / "a.wav")[0])


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("touch ran && cat a.wav |", "commands are never run"),
        ("| tee x", "commands are never run"),
        ("-", "standard input"),
        ("a.ark:12[0:9]", "takes a range"),
    ],
)
def test_what_is_no_file_is_refused(entry: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "wav.scp").write_text(f"u1 {entry}\n")
    with pytest.raises(DataError, match=told):
        plan_kaldi(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["wav.scp"]


def test_other_entries_of_archives_are_told(tmp_path: Path) -> None:
    sound = noise_file(seed=0, name="a")
    sized = b"AUDIO" + bytes([2]) + len(sound).to_bytes(2, "little") + sound
    entries = {"a": sound, "b": sized, "c": b"PKLcos\nsystem", "d": b"\0BFM ", "e": b"fLaC e2 fLaC"}
    content, lines = b"", []
    for key, value in entries.items():
        content += f"{key} ".encode()
        lines.append(f"{key} x.ark:{len(content)}\n")
        content += value
    (tmp_path / "x.ark").write_bytes(content)
    (tmp_path / "wav.scp").write_text("".join(lines))
    store = prepare(plan_kaldi(tmp_path), tmp_path / "store")
    assert store.column("file") == ["a", "b"]
    reasons = " ".join(entry["reason"] for entry in store.info["skipped"])
    assert all(part in reasons for part in ("a pickle, which is never loaded,", "a matrix", "name them all"))


def test_paths_start_above_and_missing_files_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "all"
    folder.mkdir(parents=True)
    (tmp_path / "a.wav").write_bytes(noise_file(seed=0, name="a"))
    (folder / "wav.scp").write_text("u1 a.wav\nu2 b.wav\n")
    (folder / "spk2gender").write_text("s f\n")
    (folder / "utt2spk").write_text("u1 s\nu2 s\n")
    plan = plan_kaldi(folder, label="spk2gender", validation=0, test=0)
    assert [(item.path, item.label, item.group) for item in plan.items] == [("a.wav", "f", "s"), ("b.wav", "f", "s")]
    assert plan.missing == ["b.wav"]
    with pytest.raises(UsageError, match=r"is no file of .*did you mean utt2spk"):
        plan_kaldi(folder, label="utt2spek")
    (folder / "segments").write_text("u1 u1 0.2 0.1\n")
    with pytest.raises(DataError, match=r"last from 0.2 s to 0.1 s"):
        plan_kaldi(folder)


def test_archives_of_the_real_package(tmp_path: Path) -> None:
    kaldiio = pytest.importorskip("kaldiio")
    sounds = {f"u{n}": (16_000, np.arange(4_000, dtype=np.int16)) for n in range(3)}
    for name, options in (("wav", {}), ("flac", {"write_function": "soundfile", "write_kwargs": {"format": "flac"}})):
        (tmp_path / name).mkdir()
        kaldiio.save_ark(str(tmp_path / name / "a.ark"), sounds, scp=str(tmp_path / name / "wav.scp"), **options)
        store = prepare(plan_kaldi(tmp_path / name), tmp_path / f"{name}-store")
        assert store.column("file") == list(sounds)
        assert np.array_equal(store.rows(2).reshape(-1), sounds["u2"][1])
