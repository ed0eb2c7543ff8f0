"""A list of runs: what differs, how far they are, and the numbers of their encoders."""

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

from randquant.audio.encoders.weights import load_encoder as load_sound
from randquant.audio.encoders.weights import save_encoder as save_sound
from randquant.audio.encoders.weights import untrained_encoder
from randquant.cli.command import run
from randquant.files.atomic import write_json
from randquant.files.lock import locked
from randquant.images.encoders.registry import ENCODERS
from randquant.images.encoders.weights import load_encoder as load_picture
from randquant.images.encoders.weights import save_encoder as save_picture
from randquant.images.normalise import IMAGENET
from randquant.scripts.runs import arguments, runs

Said = pytest.CaptureFixture[str]
LOG = "step,name,value,seconds\n10,loss,1.5,30.0\n20,loss,1.25,3725.0\n20,lo"


def write_run(folder: Path, log: str = LOG, **settings: Any) -> Path:
    folder.mkdir(parents=True)
    known = {"method": "byol", "seed": 42, "augment": "rrc", "steps": 100, "milestones": [0.6, 0.8], "workers": 0}
    (folder / "config.yaml").write_text(yaml.safe_dump({"out": str(folder), **known, **settings}, sort_keys=False))
    (folder / "log.csv").write_text(log)
    return folder


def result(loaded: Any, probe: str, accuracy: float, task: str = "tones", **more: Any) -> dict[str, Any]:
    about = {"sha256": loaded.sha256, "encoder": type(loaded.encoder).__name__}
    return {"task": task, "probe": probe, "accuracy": accuracy, "checkpoint": about, **more}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two finished runs with results, one that was interrupted, one that has not logged yet."""
    sound, made = (
        write_run(tmp_path / "a" / "sound", augment="rrc+rq", workers=4),
        untrained_encoder("AudioNTT2020", 8, 0),
    )
    weights = sound / "encoder.safetensors"
    save_sound(weights, made.encoder, front_end=made.front_end, mean=0.0, std=1.0, metadata={})
    nested = {"accuracy": 0.875, "checkpoint": 3}
    first = result(
        load_sound(sound), "linear", 0.5, probes=["linear", "knn", "svm"], knn={"accuracy": 0.75}, svm=nested
    )
    write_json(tmp_path / "one.json", first)
    pictures = write_run(tmp_path / "b", seed=7, views=[{"augment": "rq", "local": True}])
    encoder = ENCODERS["small_cnn"](width=0.5, size=12)
    save_picture(pictures / "encoder.safetensors", encoder, statistics=IMAGENET, metadata={})
    loaded = load_picture(pictures)
    entries = [result(loaded, "ridge", 0.25, "colours"), result(loaded, "raw-ridge", 0.9, "colours")]
    write_json(tmp_path / "results" / "results.json", {"results": entries})
    write_run(tmp_path / "c", steps=200)
    write_run(tmp_path / "d", log="", steps=200)
    return tmp_path


def listed(capsys: Said, *words: object, code: int = 0) -> list[str]:
    capsys.readouterr()
    assert run(runs, arguments([str(word) for word in words])) == code
    out, err = capsys.readouterr()
    return (err if code else out).splitlines()


def test_the_table(folder: Path, capsys: Said) -> None:
    with locked(folder / "d"):
        lines = [line.split() for line in listed(capsys, folder)]
    assert lines[0] == ["run", "state", "time", "seed", "augment", "steps", "colours", "tones"]
    assert lines[1] == ["a/sound", "finished", "1:02:05", "42", "rrc+rq", "100", "-", "0.75", "knn"]
    assert lines[2] == ["b", "finished", "1:02:05", "7", "rrc", "100", "0.25", "ridge", "-"]
    assert lines[3] == ["c", "interrupted", "at", "step", "20", "1:02:05", "42", "rrc", "200", "-", "-"]
    assert lines[4] == ["d", "running", "at", "step", "0", "-", "42", "rrc", "200", "-", "-"]
    assert " ".join(lines[5]) == "4 runs: 2 finished, 1 interrupted, 1 running"
    assert len(lines) == 6


def test_sorted_and_written(folder: Path, capsys: Said) -> None:
    first = [line.split()[0] for line in listed(capsys, folder, "--sort", "seed", "--csv", folder / "runs.csv")]
    assert first[1:5] == ["b", "a/sound", "c", "d"]
    rows = list(csv.DictReader((folder / "runs.csv").open()))
    assert [row["run"] for row in rows] == ["b", "a/sound", "c", "d"]
    assert (rows[1]["seconds"], rows[1]["tones"], rows[1]["tones probe"]) == ("3725.0", "0.75", "knn")
    assert listed(capsys, folder, "--sort", "tones")[1].startswith("a/sound")
    assert "it has run, state, time, seed, augment" in listed(capsys, folder, "--sort", "mood", code=2)[0]
    assert "should end in .csv" in listed(capsys, folder, "--csv", folder / "runs.txt", code=2)[0]
    assert "is not a folder" in listed(capsys, folder / "none", code=1)[0]
    (folder / "empty").mkdir()
    assert listed(capsys, folder / "empty") == [f"0 runs below {folder / 'empty'}"]
    assert listed(capsys, folder / "c")[1].split()[0] == "c"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("config.yaml", b"a: [1", "it is no YAML"),
        ("config.yaml", b"- 1\n- 2\n", "no settings of a training of ours"),
        ("config.yaml", b"model: x\ndata: y\n", "no settings of a training of ours"),
        ("config.yaml", b"\xff\xfe", "can't decode"),
        ("config.yaml", None, "it has no config.yaml"),
        ("encoder.safetensors", b"\x90\0\0\0\0\0\0\0{", "encoder.safetensors is damaged"),
        ("encoder.safetensors", b"\xff" * 8 + b"{", "its header is too long"),
        ("encoder.safetensors", b"PK\x03\x04 and so on", "none of ours"),
        ("results.json", b"{", "results.json"),
    ],
)
def test_damage_is_named(name: str, content: bytes | None, says: str, folder: Path, capsys: Said) -> None:
    file = folder / "results" / name if name == "results.json" else folder / "a" / "sound" / name
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    lines = listed(capsys, folder)
    assert lines[-1].startswith(f"left out: {file.parent}")
    assert says in lines[-1]
