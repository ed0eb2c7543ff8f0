"""The commands as typed with a GPU: trainings of every modality, resumed, probed, embedded, exported and loaded."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import randquant
from randquant.cli.command import run
from randquant.data_prep.datasets.tables.covtype import plan_covtype
from randquant.data_prep.synthetic.tables import small_covtype
from randquant.data_prep.tables.prepare import prepare_table
from randquant.scripts.embed import embed
from randquant.scripts.evaluate_modelnet import evaluate
from randquant.scripts.export import arguments as export_arguments
from randquant.scripts.export import export
from randquant.scripts.pretrain_audio import pretrain_audio
from randquant.scripts.pretrain_images import pretrain_images
from randquant.scripts.pretrain_pointcloud import pretrain_pointcloud
from randquant.scripts.pretrain_table import pretrain_table
from randquant.scripts.probe_audio import probe
from randquant.training.run import Run
from tests.gpu.beside_cpu import DEVICE
from tests.images.stores import task as write_pictures
from tests.pointcloud.test_pretraining import write_store
from tests.scripts.test_probe_audio import write_task

pytestmark = pytest.mark.gpu
SMALL = [
    *("--steps", 6, "--batch_size", 8, "--checkpoint_every", 3, "--log_every", 2),
    *("--hidden_size", 32, "--projection_size", 16),
]


def typed(command: Callable[..., object], *words: object) -> int:
    return run(command, [str(word) for word in words])


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_task(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("clouds") / "store", items=32, points=96).path


@pytest.fixture(scope="module")
def ragged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("clouds") / "ragged", items=32, points=96, ragged=True).path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, sounds: Path) -> Path:
    out = tmp_path_factory.mktemp("trained") / "run"
    flags = ["--d", 64, "--augment", "mixup+rq+rrc", "--accelerator", DEVICE]
    assert typed(pretrain_audio, "--data", sounds, "--out", out, *SMALL, *flags) == 0
    return out


@pytest.mark.parametrize("method", ["byol", "moco", "mocov3", "simclr", "infonce"])
def test_sound_by_every_method(tmp_path: Path, sounds: Path, method: str) -> None:
    flags = ["--d", 64, "--method", method, "--augment", "mixup+rq+rrc", "--accelerator", DEVICE, "--accumulate", 2]
    more = ["--queue_size", 32] if method == "moco" else ["--mix", "mixup"]
    assert typed(pretrain_audio, "--data", sounds, "--out", tmp_path / "run", *SMALL, *flags, *more) == 0


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_a_stopped_training_goes_on_as_if_it_had_not_been(tmp_path: Path, sounds: Path, precision: str) -> None:
    flags = ["--d", 64, "--augment", "mixup+rq+rrc", "--accelerator", DEVICE, "--precision", precision]
    flags += ["--cache", "log_mel", "--monitor", sounds, "--monitor_every", 3]
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert typed(pretrain_audio, "--data", sounds, "--out", whole, *SMALL, *flags) == 0
    save = Run.save

    def save_and_stop(self: Run, step: int) -> None:
        save(self, step)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "save", save_and_stop)
        assert typed(pretrain_audio, "--data", sounds, "--out", stopped, *SMALL, *flags) == 130
    assert typed(pretrain_audio, "--data", sounds, "--out", stopped, *SMALL, *flags) == 0
    one, two = load_file(whole / "encoder.safetensors"), load_file(stopped / "encoder.safetensors")
    differing = [name for name in one if not torch.equal(one[name], two[name])]
    assert not differing


@pytest.mark.parametrize("encoder", ["PointNetLite", "PointNet", "DGCNN", "PointNeXt"])
def test_clouds(tmp_path: Path, clouds: Path, encoder: str) -> None:
    flags = ["--encoder", encoder, "--d", 64, "--points", 64, "--augment", "geo+rotate+rq", "--accelerator", DEVICE]
    assert typed(pretrain_pointcloud, "--data", clouds, "--out", tmp_path / "run", *SMALL, *flags) == 0


def test_clouds_of_any_size(tmp_path: Path, ragged: Path) -> None:
    flags = ["--d", 64, "--points", "any", "--augment", "dropout+rotate+rq", "--accelerator", DEVICE]
    assert typed(pretrain_pointcloud, "--data", ragged, "--out", tmp_path / "run", *SMALL, *flags) == 0


def test_pictures(tmp_path: Path) -> None:
    store = write_pictures(tmp_path / "store").path
    flags = ["--image_size", 12, "--augment", "rrc+flip+colour+rq", "--accelerator", DEVICE]
    assert typed(pretrain_images, "--data", store, "--out", tmp_path / "run", *SMALL, *flags) == 0


def test_tables(tmp_path: Path) -> None:
    prepare_table(plan_covtype(small_covtype(tmp_path / "raw", rows=400)), tmp_path / "store")
    flags = ["--width", 1, "--accelerator", DEVICE]
    assert typed(pretrain_table, "--data", tmp_path / "store", "--out", tmp_path / "run", *SMALL, *flags) == 0


def test_a_trained_encoder_is_probed_embedded_and_exported(tmp_path: Path, sounds: Path, trained: Path) -> None:
    flags = ["--checkpoint", trained, "--device", DEVICE]
    probed = ["--task", sounds, "--out", tmp_path / "probed.json", "--cache", tmp_path / "cache"]
    assert typed(probe, *flags, *probed) == 0
    assert typed(embed, *flags, "--input", sounds.parent / "raw", "--out", tmp_path / "vectors.parquet") == 0
    written = ["--out", str(tmp_path / "a.pt2"), "--format", "torch_export"]
    assert run(export, export_arguments([str(trained), *written])) == 0


def test_shapes_are_evaluated(tmp_path: Path, clouds: Path) -> None:
    flags = ["--checkpoint", "untrained:PointNetLite:16", "--points", 64, "--device", DEVICE]
    assert typed(evaluate, "--store", clouds, "--out", tmp_path / "found.json", *flags) == 0


def test_loaded_onto_the_gpu(trained: Path) -> None:
    clip = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    found, own = (randquant.load(trained, device=device)(clip, sample_rate=16_000) for device in (DEVICE, "cpu"))
    assert str(torch.as_tensor(found).device).startswith(("cuda", "cpu"))
    torch.testing.assert_close(torch.as_tensor(found).cpu(), torch.as_tensor(own), rtol=1e-2, atol=1e-2)
