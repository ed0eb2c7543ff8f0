"""The command as typed: kill -9 and go on, every method and encoder, bad input in one sentence."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from randquant.cli.command import run
from randquant.data.store import StoreWriter
from randquant.pointcloud.cloud_views import PackedViews
from randquant.pointcloud.encoders.weights import load_encoder
from randquant.scripts.pretrain_pointcloud import pretrain_pointcloud

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 clouds of 96 points with normals, as a store."""
    path = tmp_path_factory.mktemp("clouds") / "store"
    generator = np.random.default_rng(0)
    writer = StoreWriter(path, kind="points", plan="test")
    with writer.begin(), writer.shard(0) as shard:
        for item in range(24):
            rows = generator.normal(size=(96, 6)).astype("<f4")
            rows[:, 3:] /= np.linalg.norm(rows[:, 3:], axis=1, keepdims=True)
            split = "valid" if item % 4 == 3 else "train"
            shard.append([rows], {"path": f"{item}.off", "label": "ab"[item % 2], "split": split})
    writer.finish(1, {"channels": ["x", "y", "z", "nx", "ny", "nz"], "points": 96, "up": "z", "source": {}})
    return path


@pytest.fixture(scope="module")
def ragged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 clouds of 1 to 96 points, as a store."""
    path = tmp_path_factory.mktemp("clouds") / "ragged"
    generator = np.random.default_rng(0)
    writer = StoreWriter(path, kind="points", plan="test")
    with writer.begin(), writer.shard(0) as shard:
        for item in range(24):
            rows = generator.normal(size=(1 + 31 * item % 96, 6)).astype("<f4")
            split = "valid" if item % 4 == 3 else "train"
            shard.append([rows], {"path": f"{item}.off", "label": "ab"[item % 2], "split": split})
    writer.finish(1, {"channels": ["x", "y", "z", "nx", "ny", "nz"], "points": None, "up": "z", "source": {}})
    return path


def arguments(store: Path, out: Path, *more: object) -> list[str]:
    fixed = "--d 16 --points 48 --steps 9 --batch_size 8 --checkpoint_every 2 --log_every 2 --accelerator cpu"
    return [str(word) for word in ["--data", store, "--out", out, *fixed.split(), "--hidden_size", 32, *more]]


def here(*words: object) -> int:
    """The command in this process: starting another one costs seconds."""
    return run(pretrain_pointcloud, [str(word) for word in words])


def start(*words: object) -> subprocess.Popen:
    command = [sys.executable, "-m", "scripts.pretrain_pointcloud", *map(str, words)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def same(first: Path, second: Path) -> bool:
    one, two = load_file(first / "encoder.safetensors"), load_file(second / "encoder.safetensors")
    return one.keys() == two.keys() and all(bool((one[name] == two[name]).all()) for name in one)


def wait_for_step(log: Path, step: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if log.exists() and any(line.startswith(f"{step},") for line in log.read_text().splitlines()):
            return
        time.sleep(0.02)


def test_kill_nine_at_any_moment_and_run_again(tmp_path: Path, store: Path) -> None:
    flags = ["--method", "moco", "--queue_size", 20, "--subsets", 2, "--augment", "geo+rq"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert here(*arguments(store, whole, *flags)) == 0
    process = start(*arguments(store, killed, *flags))
    wait_for_step(killed / "log.csv", 4, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert here(*arguments(store, killed, *flags)) == 0
    assert same(whole, killed)


@pytest.mark.parametrize(
    "flags",
    [
        "--method byol --encoder DGCNN --augment geo+rq",
        "--method moco --queue_size 20 --encoder PointNet --subsets 2 --augment cutout+rotate+scale+translate",
        "--method mocov3 --augment rq --rq_first --rq_jitter 0.01 --rq_renormalise --rq_shared",
        "--method simclr --normals --rq_normals_bins 4 --augment perturb+rq --workers 1",
        "--method infonce",
    ],
)
def test_clouds_of_any_size_with_every_method(tmp_path: Path, ragged: Path, flags: str) -> None:
    words = ["--points", "any", "--steps", 2, "--monitor", ragged, "--monitor_every", 1, *flags.split()]
    assert here(*arguments(ragged, tmp_path / "run", *words)) == 0
    assert load_encoder(tmp_path / "run").points == "any"


def test_a_training_on_clouds_of_any_size_goes_on_to_the_same_bits(
    tmp_path: Path, ragged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert here(*arguments(ragged, whole, "--points", "any")) == 0
    steps, plain = iter(range(5)), PackedViews.forward

    def some(self: PackedViews, *batch: Any, **named: Any) -> Any:
        if next(steps, None) is None:
            raise KeyboardInterrupt
        return plain(self, *batch, **named)

    with monkeypatch.context() as patched:
        patched.setattr(PackedViews, "forward", some)
        assert here(*arguments(ragged, stopped, "--points", "any")) != 0
    assert here(*arguments(ragged, stopped, "--points", "any")) == 0
    assert same(whole, stopped)


@pytest.mark.parametrize(
    "flags",
    [
        "--method byol --augment geo",
        "--method mocov3 --augment rq --rq_first --rq_jitter 0.01 --rq_renormalise --rq_shared",
        "--method simclr --normals --rq_normals_bins 4 --augment rotate+rq --rotate_axis so3 --workers 1",
        "--method infonce --augment resample+crop+cutout+perturb+scale+translate --neighbours view",
        "--method simclr --encoder PointNet --augment geo+rq --gradient_clip 1",
        "--method byol --augment geo --parts 4 --jitter 0 0.06",
    ],
)
def test_methods_augmentations_and_encoders(tmp_path: Path, store: Path, flags: str) -> None:
    words = arguments(store, tmp_path / "run", "--steps", 2, "--monitor", store, "--monitor_every", 1, *flags.split())
    assert here(*words) == 0
    loaded = load_encoder(tmp_path / "run")
    assert loaded.points == 48
    assert "knn_valid" in (tmp_path / "run" / "log.csv").read_text()


def test_a_folder_of_something_else_is_left_alone(
    tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in store.iterdir())
    assert here(*arguments(store, store)) == 2
    assert "holds no run" in capsys.readouterr().err
    assert sorted(path.name for path in store.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--augment", "geo+magic"], 2, "geo+magic"),
        (["--augment", "geo+jitter"], 2, "each once"),
        (["--batchsize", "8"], 2, "did you mean --batch_size"),
        (["--method", "simsiam"], 2, "simclr"),
        (["--data", "nowhere"], 1, "nowhere"),
        (["--batch_size", "1"], 2, "--batch_size"),
        (["--rq_bins", "64", "16"], 2, "--rq_bins"),
        (["--jitter", "0.1", "0.01"], 2, "--jitter"),
        (["--jitter", "0", "0.1", "0.2"], 2, "--jitter"),
        (["--parts", "5"], 2, "should divide --points"),
        (["--points", "97"], 1, "shapes of 96"),
        (["--d", "20"], 2, "multiple of 16"),
        (["--crop_kept", "0.9", "0.1"], 2, "--crop_kept"),
        (["--d", "100000000"], 2, "--d should be from 8"),
        (["--points", "-1"], 2, "--points should be from 2"),
        (["--subsets", "1000000000000"], 2, "--subsets"),
        (["--neighbours", "clean", "--encoder", "PointNeXt"], 2, "--neighbours"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, store: Path, words: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here(*arguments(store, tmp_path / "run", *words)) == code
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert says in last
