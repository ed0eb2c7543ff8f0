"""The command that probes encoders of pictures: protocols, statistics, sizes, one sentence for what cannot be."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from randquant.cli.command import run
from randquant.data.store import Store
from randquant.images.encoders.registry import ENCODERS
from randquant.images.encoders.weights import load_encoder, save_encoder
from randquant.images.normalise import IMAGENET, Normalise
from randquant.scripts.probe_images import probe
from tests.images.stores import task


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return task(tmp_path_factory.mktemp("pictures") / "colours", 64)


def probed(tmp_path: Path, store: Store, *more: object, checkpoint: object = "untrained:small_cnn:0.5") -> Any:
    """The JSON of a command."""
    words = ["--checkpoint", checkpoint, "--task", store.path, "--out", tmp_path / "probe.json"]
    assert run(probe, [str(word) for word in [*words, "--cache", tmp_path / "cache", *more]]) == 0
    return json.loads((tmp_path / "probe.json").read_text())


def test_every_probe_solves_a_task_of_colours(tmp_path: Path, store: Store) -> None:
    result = probed(tmp_path, store, "--probes", "linear", "knn", "ridge", "fewshot", "--seeds", 1)
    assert result["accuracy"] > 0.8
    assert result["ridge"]["accuracy"] > 0.8
    assert result["protocol"]["name"] == "moco-v3"
    assert any("instead of random crops" in words for words in result["protocol"]["departures"])
    assert "repeats 1" in result["protocol"]["departures"]
    assert result["settings"]["optimizer"] == "sgd"
    assert (result["image_size"], result["share"]) == (32, 0.875)
    assert result["statistics"] == "32 random training pictures"


def test_changed_pictures_are_asked_about(tmp_path: Path, store: Store) -> None:
    result = probed(tmp_path, store, "--probes", "ridge", "--robustness")
    scores = {f"{each['kind']} {each['severity']:g}": each for each in result["robustness"]}
    assert {"jpeg 10", "posterised 2", "contrast 0.25"} <= scores.keys()
    assert scores["jpeg 50"]["lost"] == pytest.approx(result["accuracy"] - scores["jpeg 50"]["accuracy"])
    assert {each["test"] for each in scores.values()} == {result["counts"]["test"]}


def test_modified_moco_asks_200_neighbours_alone(tmp_path: Path, store: Store) -> None:
    result = probed(tmp_path, store, "--protocol", "modified-moco", "--image_size", 12)
    assert (result["probe"], result["neighbours"], result["temperature"]) == ("knn", 200, 0.1)
    assert (result["image_size"], result["share"]) == (12, 1.0)


def test_a_checkpoint_brings_its_size_and_colours(tmp_path: Path, store: Store) -> None:
    encoder = ENCODERS["small_cnn"](width=0.5, size=12)
    save_encoder(tmp_path / "encoder.safetensors", encoder, statistics=IMAGENET, metadata={})
    result = probed(tmp_path, store, "--probes", "ridge", checkpoint=tmp_path / "encoder.safetensors")
    assert result["image_size"] == 12
    assert result["mean"] == list(IMAGENET.mean)
    loaded = load_encoder(tmp_path / "encoder.safetensors")
    pixels = torch.from_numpy(store.rows(3).reshape(12, 12, 3).copy())
    with torch.no_grad():
        expected = loaded.encoder(Normalise(IMAGENET)(pixels.permute(2, 0, 1)[None] / 255))
    (vectors,) = (tmp_path / "cache").glob("*/vectors.npy")
    assert torch.allclose(torch.from_numpy(np.load(vectors)[3]), expected[0], atol=1e-5)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--protocol", "moco-v9"], 2, "moco-v3"),
        (["--checkpoint", "untrained:small_cnn:0"], 2, "above 0"),
        (["--checkpoint", "untrained:resnet:1"], 2, "untrained:ENCODER:WIDTH"),
        (["--statistics", "checkpoint"], 1, "no statistics of colours"),
        (["--image_size", "4"], 2, "--image_size"),
        (["--checkpoint", "untrained:vit_small_patch16_224:0.25", "--image_size", "12"], 2, "multiple of 16"),
        (["--checkpoint", "untrained:AudioNTT2020:512"], 2, "small_cnn"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, store: Store, words: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [
        "--checkpoint",
        "untrained:small_cnn:0.5",
        "--task",
        str(store.path),
        "--out",
        str(tmp_path / "probe.json"),
    ]
    assert run(probe, [*given, *words]) == code
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert says in last
