"""A folder of pictures to a table: formats and sizes of all kinds, a classifier, bad files, one sentence for errors."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from randquant.cli.command import run
from randquant.images.encoders.registry import ENCODERS
from randquant.images.encoders.weights import save_encoder
from randquant.images.normalise import IMAGENET
from randquant.scripts.embed import embed
from randquant.scripts.probe_images import probe
from tests.images.stores import coloured, task


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Nine pictures of classes of colours, of several formats and sizes, and one that is broken."""
    pictures, labels = coloured(9, 20, seed=3)
    root = tmp_path / "pictures"
    (root / "deep").mkdir(parents=True)
    for number, (pixels, label) in enumerate(zip(pictures, labels, strict=True)):
        suffix = ("png", "jpg", "bmp")[number % 3]
        Image.fromarray(pixels[: 12 + number]).save(
            root / ("deep" if number < 3 else "") / f"{number}-{label}.{suffix}"
        )
    (root / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (root / "notes.txt").write_text("no picture")
    return root


def embedded(checkpoint: object, folder: Path, out: Path, *more: object) -> int:
    words = ["--checkpoint", checkpoint, "--input", folder, "--out", out, "--device", "cpu", *more]
    return run(embed, [str(word) for word in words])


def test_a_folder_and_its_classes(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    encoder = ENCODERS["small_cnn"](width=0.5, size=12)
    save_encoder(tmp_path / "encoder.safetensors", encoder, statistics=IMAGENET, metadata={})
    words = ["--checkpoint", tmp_path / "encoder.safetensors", "--task", task(tmp_path / "store").path, "--probes"]
    words += ["ridge", "--out", tmp_path / "r.json", "--cache", tmp_path / "cache"]
    words += ["--save_classifier", tmp_path / "colours.safetensors"]
    assert run(probe, [str(word) for word in words]) == 0
    out, classify = tmp_path / "x.parquet", ("--classify", tmp_path / "colours.safetensors")
    assert embedded(tmp_path / "encoder.safetensors", folder, out, *classify) == 0
    table = pq.read_table(out)
    assert table.column_names == ["path", "height", "width", "label", "score", "embedding"]
    paths = table["path"].to_pylist()
    assert paths == sorted(paths)
    assert len(paths) == 9
    assert [path.split("-")[1].split(".")[0] for path in paths] == table["label"].to_pylist()
    assert table["height"].to_pylist() == [12 + int(Path(path).name.split("-")[0]) for path in paths]
    printed = capsys.readouterr().out
    assert "9 rows of 128 numbers from 9 pictures seen at 12 x 12, 1 skipped" in printed
    assert "skipped broken.jpg" in printed
    vectors = np.array(table["embedding"].to_pylist())
    (one,) = (path for path in paths if path.startswith("4-"))
    assert embedded(tmp_path / "encoder.safetensors", folder / one, tmp_path / "one.parquet", *classify) == 0
    alone = np.array(pq.read_table(tmp_path / "one.parquet")["embedding"].to_pylist()[0])
    assert np.allclose(alone, vectors[paths.index(one)], atol=1e-5)


def test_an_untrained_encoder_takes_the_colours_of_the_input(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert embedded("untrained:small_cnn:0.5", folder, tmp_path / "x.parquet") == 0
    assert "used those of the input, from 9 pictures" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        (["--window", "1"], 2, "--window"),
        (["--clouds"], 2, "encoder of pictures"),
        (["--strict"], 1, "broken.jpg"),
        (["--input", "nowhere"], 1, "does not exist"),
        (["--checkpoint", "untrained:resnet:1"], 2, "does not name an untrained encoder"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, folder: Path, more: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert embedded("untrained:small_cnn:0.5", folder, tmp_path / "x.parquet", *more) == code
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert says in last
