"""Two processes over gloo train as one does on the joint batch: losses step by step, and the encoder at the end."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from randquant.ssl.method import Method
from randquant.ssl.registry import make_method
from randquant.ssl.split_norm import split_batch_norms
from randquant.training import run as training_run
from tests.randquant.training.processes import joint_batch
from tests.randquant.training.test_loop import Rows, weights

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[4]


def losses(run: Path) -> list[float]:
    with open(run / "log.csv", encoding="utf-8", newline="") as file:
        return [float(row["value"]) for row in csv.DictReader(file) if row["name"] == "loss"]


def require_same(one: Path, two: Path, method: str, head: str) -> None:
    """Train by two processes, and compare with the run of one."""
    words = [sys.executable, "-m", joint_batch.__name__, str(two), "2", method, head]
    result = subprocess.run(
        words, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "2 x cpu" in result.stderr
    curve = losses(one)
    assert len(curve) == joint_batch.STEPS
    np.testing.assert_allclose(losses(two), curve, rtol=1e-4)
    first, second = (weights(run / "encoder.safetensors") for run in (one, two))
    for name, weight in first.items():
        torch.testing.assert_close(second[name], weight, rtol=1e-3, atol=1e-5)


def test_every_negative_of_the_joint_batch_counts(tmp_path: Path) -> None:
    joint_batch.train(tmp_path / "one", 1, "infonce", "mocov2")
    require_same(tmp_path / "one", tmp_path / "two", "infonce", "mocov2")


def test_batch_norm_sees_the_items_of_each_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_halves(*arguments: object) -> Method:
        method = make_method(*arguments)  # type: ignore[arg-type]
        split_batch_norms(method, 2)
        return method

    def in_turn(self: Rows, generator: np.random.Generator) -> np.ndarray:
        """The halves of each batch of eight in turn, since every second item is normalised together."""
        return generator.permutation(len(self)).reshape(-1, 2, 4).transpose(0, 2, 1).ravel()

    with monkeypatch.context() as patch:
        patch.setattr(training_run, "make_method", in_halves)
        patch.setattr(Rows, "order", in_turn)
        joint_batch.train(tmp_path / "one", 1, "byol", "byol")
    require_same(tmp_path / "one", tmp_path / "two", "byol", "byol")
