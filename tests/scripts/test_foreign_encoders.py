"""Encoders of other people through the commands, as typed: the examples of the pages."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
import torch

from randquant.audio.encoders.weights import named_encoder
from randquant.audio.evaluation.task_features import Normalisation, encoder_function
from randquant.cli.command import run
from randquant.files.atomic import read_json
from randquant.scripts import prepare
from randquant.scripts.embed import embed
from randquant.scripts.evaluate_modelnet import evaluate
from randquant.scripts.probe_audio import probe as probe_audio
from randquant.scripts.probe_images import probe as probe_images
from randquant.scripts.probe_table import probe_table
from tests.images.stores import task as write_pictures
from tests.scripts.test_evaluate_modelnet import write as write_shapes
from tests.scripts.test_probe_audio import write_task

EXAMPLES = "python:randquant.scripts.examples.foreign_encoders"
HEAR = "python:randquant.audio.harness.hear_module:scene"


def loudness(waveforms: torch.Tensor) -> torch.Tensor:
    parts = waveforms.unfold(1, 400, 400).abs().mean(-1)
    return torch.stack([waveforms.abs().mean(1), waveforms.diff(dim=1).abs().mean(1), parts.amax(1)], 1)


@pytest.fixture
def hear_module(monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of HEAR at 8 kHz, as one that is installed."""
    module = ModuleType("a_hear_module")
    model = SimpleNamespace(sample_rate=8_000, scene_embedding_size=3)
    module.load_model = lambda path="": model  # type: ignore[attr-defined]
    module.get_scene_embeddings = lambda audio, model: loudness(audio)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "a_hear_module", module)
    return f"{HEAR}:a_hear_module"


def test_a_hear_module_is_probed_and_embeds(
    hear_module: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task, out = write_task(tmp_path / "task"), tmp_path / "probe.json"
    asked = ["--checkpoint", hear_module, "--task", str(task), "--cache", str(tmp_path), "--device", "cpu"]
    assert run(probe_audio, [*asked, "--out", str(out), "--probes", "knn"]) == 0
    result = read_json(out)
    assert result["accuracy"] > 0.8
    assert result["checkpoint"]["metadata"]["foreign"]["function"] == "scene"
    assert result["checkpoint"]["metadata"]["foreign"]["argument"] == "a_hear_module"
    assert result["front_end"] == {"waveform": 8_000}
    assert result["statistics"] == {"source": "none: the encoder takes waveforms", "mean": 0.0, "std": 1.0}
    assert "your own code" in capsys.readouterr().out
    assert run(probe_audio, [*asked, "--out", str(out), "--layer", "conv"]) == 2
    raw, table = tmp_path / "task" / "raw", tmp_path / "x.parquet"
    assert run(embed, ["--checkpoint", hear_module, "--input", str(raw), "--out", str(table)]) == 0
    found = pq.read_table(table)
    samples = torch.from_numpy(soundfile.read(raw / found["path"][0].as_py(), dtype="int16")[0])[None]
    encode = encoder_function(named_encoder(hear_module, seed=42), Normalisation(0, 1, ""), "output", "cpu")
    assert np.allclose(found["embedding"][0].as_py(), encode(samples)[0], atol=1e-6)
    assert run(probe_images, ["--checkpoint", hear_module, "--task", str(task), "--out", str(out)]) == 1


def test_a_model_of_torchaudio(monkeypatch: pytest.MonkeyPatch) -> None:
    torchaudio = pytest.importorskip("torchaudio", exc_type=ImportError)
    small = {
        "extractor_mode": "group_norm",
        "extractor_conv_layer_config": [(16, 10, 80)],
        "extractor_conv_bias": False,
        "encoder_embed_dim": 16,
        "encoder_projection_dropout": 0.1,
        "encoder_pos_conv_kernel": 8,
        "encoder_pos_conv_groups": 2,
        "encoder_num_layers": 1,
        "encoder_num_heads": 2,
        "encoder_attention_dropout": 0.1,
        "encoder_ff_interm_features": 16,
        "encoder_ff_interm_dropout": 0.1,
        "encoder_dropout": 0.1,
        "encoder_layer_norm_first": False,
        "encoder_layer_drop": 0.1,
        "aux_num_out": None,
    }
    monkeypatch.setattr(torchaudio.models, "wav2vec2_base", lambda: torchaudio.models.wav2vec2_model(**small))
    loaded = named_encoder(f"{EXAMPLES}:torchaudio_model:wav2vec2_base", seed=0)
    assert loaded.encoder.embedding_size() == 16
    assert loaded.metadata["foreign"]["weights_sha256"] is not None
    assert encoder_function(loaded, Normalisation(0, 1, ""), "output", "cpu")(torch.randn(2, 4_000)).shape == (2, 16)


def test_a_model_of_timm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A stand-in: to import timm takes longer than the test.
    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten())
    network.num_features = 12  # type: ignore[assignment]
    config = {"input_size": (3, 16, 16), "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
    timm = SimpleNamespace(
        create_model=lambda name, pretrained, num_classes: network,
        data=SimpleNamespace(resolve_model_data_config=lambda model: config),
    )
    monkeypatch.setitem(sys.modules, "timm", timm)
    store, out = write_pictures(tmp_path / "colours", 24), tmp_path / "probe.json"
    name = f"{EXAMPLES}:timm_model:resnet18"
    asked = ["--checkpoint", name, "--task", str(store.path), "--cache", str(tmp_path), "--device", "cpu"]
    assert run(probe_images, [*asked, "--out", str(out), "--probes", "knn"]) == 0
    result = read_json(out)
    assert (result["mean"], result["std"], result["statistics"]) == ([0.0] * 3, [1.0] * 3, "the checkpoint")
    assert run(probe_images, [*asked, "--out", str(out), "--statistics", "task"]) == 2


def test_shapes_and_what_cannot_be_trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store, out = write_shapes(tmp_path / "shapes", splits="tttvvee", points=16), tmp_path / "probe.json"
    asked = ["--checkpoint", f"{EXAMPLES}:mean_and_spread", "--store", str(store), "--out", str(out)]
    asked += ["--cache", str(tmp_path), "--device", "cpu", "--probes", "knn"]
    assert run(evaluate, asked) == 0
    assert read_json(out)["dimension"] == 6
    assert run(evaluate, [*asked, "--finetune"]) == 2
    assert "nothing to train" in capsys.readouterr().err


def test_rows_of_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    code = "class make:\n    modality, dimension = 'tables', 3\n    def __call__(self, x):\n        return x[:, :3]\n"
    Path("users_rows.py").write_text(code)
    assert run(prepare.COMMANDS, ["synthetic-table", "--out", "raw", "--rows", "200"]) == 0
    assert run(prepare.COMMANDS, ["table", "--csv", "raw/customers.csv", "--label", "plan", "--out", "store"]) == 0
    name = "--checkpoint python:users_rows:make"
    asked = f"{name} --task store --probes ridge --cache . --device cpu --out probe.json"
    assert run(probe_table, asked.split()) == 0
    assert run(embed, f"{name} --input store --out rows.parquet".split()) == 0
    assert pq.read_schema("rows.parquet").field("embedding").type.list_size == 3
    assert read_json(Path("probe.json"))["checkpoint"]["metadata"]["foreign"]["module"] == "users_rows"
