"""Views of sounds to see and hear, as typed."""

import csv
import wave
from pathlib import Path

import numpy as np
import pytest

from randquant.cli.command import run
from randquant.data.store import StoreWriter
from randquant.scripts.preview_audio import preview

pytest.importorskip("matplotlib")
LENGTH = 4800


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Six noises as long as a crop, of two labels of which one is markup."""
    generator = np.random.default_rng(0)
    writer = StoreWriter(tmp_path / "store", kind="audio", plan="")
    with writer.begin(), writer.shard(0) as shard:
        for item in range(6):
            samples = generator.integers(-9000, 9000, LENGTH).astype(np.int16)
            label = ("<b>loud</b>", "rain")[item % 2]
            shard.append([samples], {"path": f"{item}.wav", "label": label, "split": "train"})
    writer.finish(1, {"sample_rate": 16_000, "source": {}})
    return tmp_path / "store"


def command(store: Path, out: Path, *more: str) -> int:
    words = ["--data", str(store), "--out", str(out), "--unit_seconds", "0.3", "--recordings", "2"]
    return run(preview, [*words, *more])


def samples(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")


def test_a_page_a_picture_and_sounds_are_written(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "preview"
    assert command(store, out, "--augment", "mixup+rq+rrc") == 0
    assert capsys.readouterr().out == f"{out}/index.html: 2 recordings in 2 views, 8 sounds\n"
    assert (out / "views.png").read_bytes().startswith(b"\x89PNG")
    kinds = ("crop", "crop-guessed", "view-1-guessed", "view-2-guessed")
    assert {path.name for path in (out / "wav").iterdir()} == {f"0{row}-{kind}.wav" for row in (1, 2) for kind in kinds}
    crop, view = (samples(out / "wav" / f"01-{kind}.wav") for kind in ("crop", "view-1-guessed"))
    stored = np.random.default_rng(0).integers(-9000, 9000, LENGTH)
    assert np.abs(crop - stored).max() <= 1
    assert len(view) == LENGTH
    page = (out / "index.html").read_text()
    assert "&lt;b&gt;loud" in page
    assert "<b>loud" not in page
    assert all(f'src="wav/0{row}-{kind}.wav"' in page for row in (1, 2) for kind in kinds)


def test_two_crops_and_recipes_are_shown(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("augment: rrc\ncrops: 2\nmethod: infonce\n")
    assert command(store, tmp_path / "preview", "--config", str(recipe), "--match", "rain") == 0
    assert "2 recordings in 2 views, 12 sounds" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ("--match nothing", "no path or label in"),
        ("--recordings 0", "--recordings"),
        ("--augment loud", "--augment should be none or a choice of"),
    ],
)
def test_bad_flags_end_in_one_sentence(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: str, sentence: str
) -> None:
    assert command(store, tmp_path / "preview", *flags.split()) in (1, 2)
    errors = capsys.readouterr().err
    assert sentence in errors
    assert len(errors.strip().splitlines()) == 1


def test_what_views_keep_is_measured(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "kept"
    more = ["--d", "64", "--measure", "rrc", "{augment: rq, rq_bins: [2]}", "mixup+rq"]
    assert command(store, out, *more, "--crops_measured", "10") == 0
    printed = capsys.readouterr().out
    assert f"table: {out}/kept.csv, picture: {out}/kept.png\n" in printed
    assert (out / "kept.png").read_bytes().startswith(b"\x89PNG")
    assert not (out / "views.png").exists()
    rows = {line.split()[0]: line.split() for line in printed.splitlines() if line.count(".") >= 8}
    assert rows["none"][1:8] == rows["rrc"][1:8] == ["1.00"] * 7  # what moves is left out of the detail
    assert float(rows["rq"][8]) < 1.0
    table = list(csv.DictReader((out / "kept.csv").open()))
    assert {each["view"] for each in table} == {"none", "rrc", "rq rq_bins=2", "mixup+rq"}
    assert next(each["value"] for each in table if each["measure"] == "found") == "1.0"


def test_what_cannot_be_measured_is_said(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for flags, sentence in (
        ("short", "not local"),
        ("loud", "is no policy"),
        ("rq --crops_measured 2", "crops_measured"),
    ):
        assert command(store, tmp_path / "kept", "--d", "64", "--measure", *flags.split()) in (1, 2)
        errors = capsys.readouterr().err
        assert sentence in errors
        assert len(errors.strip().splitlines()) == 1


def test_an_untrained_encoder_is_of_the_front_end(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    front = "--n_mels 32 --n_fft 2048 --hop 512 --d 64"
    assert command(store, tmp_path / "kept", *front.split(), "--measure", "rq", "--crops_measured", "10") == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("none"))
    assert row.split()[7] == "-"  # 31 frames a second have no modulation above 20 Hz
