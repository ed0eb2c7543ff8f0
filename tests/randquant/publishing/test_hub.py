"""An encoder goes to the Hub and comes back the same; nothing else of a repository is read."""

import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

import randquant
from randquant.audio.encoders.audio_ntt import AudioNTT2020
from randquant.audio.encoders.weights import named_encoder, save_encoder
from randquant.audio.ready_encoder import AudioReadyEncoder
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.cli.command import run
from randquant.data_prep.tables.column import Arrangement, Column
from randquant.errors import DataError, UsageError
from randquant.files.atomic import write_json
from randquant.images.encoders.small_cnn import SmallCNN
from randquant.images.encoders.weights import save_encoder as save_pictures
from randquant.images.normalise import ColourStatistics
from randquant.pointcloud.encoders.pointnet_lite import PointNetLite
from randquant.pointcloud.encoders.weights import save_encoder as save_shapes
from randquant.pointcloud.ready_encoder import PointReadyEncoder
from randquant.scripts.publish import flagged, publish
from randquant.tables.encoders.weights import save_encoder as save_rows
from randquant.tables.encoders.weights import untrained_encoder as untrained_rows
from randquant.weights.hub_download import hub_address
from tests.randquant.publishing.hub_server import HubServer, hub

huggingface_hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed (the extra hub)")
constants = importlib.import_module("huggingface_hub.constants")

NAME = "somebody/tones"
RESULT = Path(__file__).parents[2] / "earlier" / "results" / "one.json"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("runs") / "tones"
    training = {"method": "byol", "step": 3}
    encoder = AudioNTT2020(d=64).eval()
    save_encoder(folder / "encoder.safetensors", encoder, front_end=FrontEnd(), mean=-6.0, std=4.0, metadata=training)
    settings = {"data": ["/home/somebody/stores/notes"], "out": "/home/somebody/run", "steps": 3, "workers": 2}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    return folder


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """The Hub, with an empty cache of its own."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
    with hub(NAME) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


def vector(name: str | Path) -> torch.Tensor:
    """Of a fixed sound."""
    sound = torch.sin(torch.arange(16_000) / 20)
    return randquant.load(name)(sound * 0.5, sample_rate=16_000)


def results_of(run_folder: Path, file: Path) -> Path:
    """Results of a probe, as if of this run."""
    facts = json.loads(RESULT.read_text())
    facts["checkpoint"]["sha256"] = randquant.load(run_folder).sha256
    write_json(file, facts)
    return file


def test_there_and_back(trained: Path, server: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = results_of(trained, tmp_path / "probe.json")
    words = [str(trained), "--to", f"hf://{NAME}", "--out", str(tmp_path / "folder"), "--licence", "cc-by-4.0"]
    assert run(publish, flagged([*words, "--results", str(results)])) == 0
    assert "uploaded: http" in capsys.readouterr().out
    (files,) = server.commits.values()
    assert set(files) == {"README.md", "config.json", "model.safetensors"}
    assert files == {each.name: each.read_bytes() for each in (tmp_path / "folder").iterdir()}
    assert files["model.safetensors"] == (trained / "encoder.safetensors").read_bytes()
    expected = vector(trained)
    for name in (f"hf://{NAME}", f"hf://{NAME}@main", f"hf://{NAME}@{server.branches['main']}", tmp_path / "folder"):
        assert torch.equal(vector(name), expected)
    assert named_encoder(f"hf://{NAME}", seed=0).sha256 == randquant.load(trained).sha256  # as --checkpoint opens it
    assert not [each for each in server.requests if "README" in each]  # of a repository two files are read


def test_the_card_says_what_is_known(trained: Path, tmp_path: Path) -> None:
    results = results_of(trained, tmp_path / "probe.json")
    words = ["--out", str(tmp_path / "folder"), "--licence", "mit", "--results", str(results)]
    assert run(publish, flagged([str(trained), *words])) == 0
    text = (tmp_path / "folder" / "README.md").read_text()
    card = huggingface_hub.ModelCard(text)  # parses the YAML as the Hub does
    assert card.data.license == "mit"
    assert card.data.library_name == "randquant"
    assert {(each.dataset_name, each.metric_value) for each in card.data.eval_results} == {
        ("tones", 0.3),
        ("tones", 0.25),
    }
    for said in ("0.3000", "0.1455", "byola-v1", "1 repeats instead of 10", "notes", "steps: 3", "@inproceedings"):
        assert said in text
    assert "/home/somebody" not in text  # nothing of this machine


def test_without_results_nothing_is_claimed(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(publish, flagged([str(trained), "--out", str(tmp_path / "folder")])) == 0
    assert "no --results" in capsys.readouterr().out
    text = (tmp_path / "folder" / "README.md").read_text()
    assert "without results of a probe, so nothing is claimed" in text
    assert "No licence of the weights is stated" in text
    assert huggingface_hub.ModelCard(text).data.eval_results is None


def test_the_methods_of_the_hub(trained: Path, server: HubServer, tmp_path: Path) -> None:
    encoder = AudioReadyEncoder.from_pretrained(trained)
    with torch.no_grad():
        next(encoder.parameters()).mul_(1.5)  # fine-tuned
    encoder.save_pretrained(tmp_path / "tuned")
    sound = torch.sin(torch.arange(16_000) / 20) * 0.5
    expected = encoder(sound, sample_rate=16_000)
    assert torch.equal(vector(tmp_path / "tuned"), expected)
    assert not torch.equal(expected, vector(trained))
    encoder.push_to_hub(NAME, commit_message="tuned")
    assert torch.equal(AudioReadyEncoder.from_pretrained(NAME)(sound, sample_rate=16_000), expected)
    assert "tried" not in server.branches
    encoder.push_to_hub(f"{NAME}@tried")
    assert "tried" in server.branches
    again = AudioReadyEncoder.from_pretrained(NAME, revision=server.branches["main"])
    assert torch.equal(again(sound, sample_rate=16_000), expected)
    with pytest.raises(UsageError, match="is an encoder of audio, not a PointReadyEncoder"):
        PointReadyEncoder.from_pretrained(trained)
    with pytest.raises(UsageError, match="came from elsewhere or is untrained"):
        randquant.load("untrained:PointNetLite:16").save_pretrained(tmp_path / "none")


def of_shapes(file: Path) -> Any:
    save_shapes(file, PointNetLite(d=32).eval(), points=64, metadata={"method": "moco"})
    return np.random.default_rng(0).normal(size=(99, 3))


def of_pictures(file: Path) -> Any:
    colours = ColourStatistics((0.4, 0.5, 0.6), (0.2, 0.3, 0.2))
    save_pictures(file, SmallCNN(0.25, 24).eval(), statistics=colours, metadata={"method": "byol"})
    return np.random.default_rng(0).integers(0, 256, (30, 40, 3)).astype(np.uint8)


def of_rows(file: Path) -> Any:
    columns = (Column("age", "number", mean=40.0, deviation=9.0), Column("colour", "category", ("blue", "red")))
    arranged = Arrangement(columns)
    encoder = untrained_rows("MLP", 1, seed=0, blocks=arranged.sizes).encoder
    kept = [column.record() for column in columns]
    save_rows(file, encoder, columns=arranged.names, described=kept, metadata={"method": "simclr"})
    return {"age": 41, "colour": "red"}


@pytest.mark.parametrize("save", [of_shapes, of_pictures, of_rows])
def test_every_modality_goes_there_and_back(save: Callable[[Path], Any], server: HubServer, tmp_path: Path) -> None:
    torch.manual_seed(0)
    given = save(tmp_path / "run" / "encoder.safetensors")
    encoder = randquant.load(tmp_path / "run")
    expected = encoder(given)
    assert run(publish, flagged([str(tmp_path / "run"), "--to", f"hf://{NAME}", "--out", str(tmp_path / "out")])) == 0
    for name in (f"hf://{NAME}", tmp_path / "out"):
        assert torch.equal(randquant.load(name)(given), expected)
    assert "encoder(" in server.commits[server.branches["main"]]["README.md"].decode()
    with torch.no_grad():
        next(encoder.encoder.parameters()).mul_(1.5)  # fine-tuned
    tuned = encoder(given)
    assert not torch.equal(tuned, expected)
    encoder.save_pretrained(tmp_path / "tuned")
    encoder.push_to_hub(NAME)
    for again in (tmp_path / "tuned", NAME):
        assert torch.equal(type(encoder).from_pretrained(again)(given), tuned)
    with pytest.raises(UsageError, match=f"is an encoder of {encoder.modality}, not a AudioReadyEncoder"):
        AudioReadyEncoder.from_pretrained(tmp_path / "tuned")


def test_what_was_downloaded_opens_offline(
    trained: Path, server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    randquant.load(trained).push_to_hub(NAME)
    expected = vector(f"hf://{NAME}")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # where nobody listens
    assert torch.equal(vector(f"hf://{NAME}"), expected)
    with pytest.raises(DataError, match="hf://somebody/other is not in the cache and the Hub cannot be reached"):
        randquant.load("hf://somebody/other")


def test_what_cannot_be_opened_is_a_sentence(trained: Path, server: HubServer) -> None:
    randquant.load(trained).push_to_hub(NAME)
    whole = server.commits[server.branches["main"]]
    weights, config = whole["model.safetensors"], json.loads(whole["config.json"])
    server.commit({"pytorch_model.bin": b"\x80\x02."}, "pickled")
    server.commit({**whole, "model.safetensors": weights[:-100]}, "short")
    server.commit({**whole, "model.safetensors": weights[:-1] + bytes([weights[-1] ^ 1])}, "flipped")
    server.commit({**whole, "config.json": json.dumps({**config, "sha256": "0" * 64}).encode()}, "other")
    server.commit({**whole, "config.json": b"{"}, "torn")
    for name, says in {
        f"hf://{NAME}@pickled": "has no model.safetensors; only safetensors are read",
        f"hf://{NAME}@short": "may be truncated",
        f"hf://{NAME}@flipped": "is damaged",
        f"hf://{NAME}@other": "of other weights than model.safetensors",
        f"hf://{NAME}@torn": "it is no JSON",
        f"hf://{NAME}@absent": "has no revision absent",
        "hf://somebody/other": "there is no such repository, or it is private",
    }.items():
        with pytest.raises(DataError, match=says):
            randquant.load(name)


def test_only_addresses_are_addresses() -> None:
    assert hub_address("hf://a/b.c@refs/pr/1") == ("a/b.c", "refs/pr/1")
    for wrong in (
        "hf://",
        "hf://a",
        "hf://a/b/c",
        "hf://a/../b",
        "hf://a/b@",
        "hf://a/b@../x",
        "hf:///a/b",
        "hf://a/b c",
    ):
        with pytest.raises(UsageError, match="is no address of the Hub"):
            hub_address(wrong)


def test_what_is_refused(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, code, says in (
        ([str(trained)], 2, "give where to publish"),
        ([str(trained), "--to", "somewhere"], 2, "is no address of the Hub"),
        ([str(trained), "--out", str(trained)], 2, "is the folder of the run"),
        ([str(trained), "--out", str(tmp_path / "a"), "--results", str(RESULT)], 1, "not of"),
        ([str(tmp_path / "none"), "--out", str(tmp_path / "a")], 1, "does not exist"),
    ):
        assert run(publish, flagged(words)) == code
        assert says in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_the_files_of_others_stay(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    encoder = randquant.load(trained)
    for name, content in (
        ("README.md", "# Mine"),
        ("config.json", '{"model_type": "bert"}'),
        ("model.safetensors", "x"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(content)
        assert run(publish, flagged([str(trained), "--out", str(tmp_path / name)])) == 1
        assert f"holds {name} that randquant has not published" in capsys.readouterr().err
        with pytest.raises(DataError, match="has not published"):
            encoder.save_pretrained(tmp_path / name)
        assert [(each.name, each.read_text()) for each in (tmp_path / name).iterdir()] == [(name, content)]
    for _ in range(2):  # its own may be written again, also what a killed process has left
        encoder.save_pretrained(tmp_path / "own")
        (tmp_path / "own" / "config.json").unlink()
    assert run(publish, flagged([str(trained), "--out", str(tmp_path / "own")])) == 0


def test_torch_hub_opens_it(trained: Path) -> None:
    clone = str(Path(__file__).parents[3])
    opened = torch.hub.load(clone, "encoder", str(trained), source="local")
    assert opened.sha256 == randquant.load(trained).sha256
