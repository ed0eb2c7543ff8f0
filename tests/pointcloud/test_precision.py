"""Every encoder of clouds with every method in both precisions, through the real loop: coordinates stay float32."""

import itertools
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from randquant.pointcloud.encoders.dgcnn import DGCNN
from randquant.pointcloud.encoders.registry import ENCODERS
from randquant.pointcloud.points.geometry import unit_sphere
from randquant.pointcloud.pretraining import build_task
from randquant.pointcloud.settings import PointPretraining
from randquant.ssl.registry import MethodName
from randquant.training.setup import pretrain
from randquant.training.task import Task
from tests.pointcloud.test_pretraining import write_store

METHODS: tuple[MethodName, ...] = ("byol", "mocov3", "moco", "simclr", "infonce")


def settings(tmp_path: Path, **changes: Any) -> PointPretraining:
    data = tmp_path / "store"
    if not data.exists():
        write_store(data)
    fixed: dict[str, Any] = {"d": 16, "points": 40, "batch_size": 4, "steps": 1, "accelerator": "cpu", "log_every": 1}
    small = {"hidden_size": 16, "projection_size": 8, "queue_size": 8, "monitor": data, "monitor_every": 1}
    return PointPretraining(tmp_path / "run", data=[data], **{**fixed, **small, **changes})


@pytest.mark.parametrize(("encoder", "method"), list(itertools.product(sorted(ENCODERS), METHODS)))
@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_every_encoder_method_and_precision(tmp_path: Path, encoder: str, method: str, precision: str) -> None:
    run = settings(tmp_path, encoder=encoder, method=method, precision=precision, normals=method == "moco")
    weights = load_file(pretrain(run, partial(build_task, run)))
    assert all(bool(tensor.isfinite().all()) for tensor in weights.values())
    assert {tensor.dtype for tensor in weights.values()} <= {torch.float32, torch.int64}


@pytest.mark.parametrize("encoder", sorted(ENCODERS))
def test_the_encoder_is_given_the_views_as_they_are(tmp_path: Path, encoder: str) -> None:
    run = settings(tmp_path, encoder=encoder, precision="bf16", method="simclr", steps=1, monitor=None)
    made: list[Tensor] = []
    given: list[Tensor] = []

    def build(device: torch.device) -> Task:
        task = build_task(run, device)
        forward = task.make_views.forward  # type: ignore[attr-defined]

        def views(*arguments: Any, **names: Any) -> Any:
            clouds = forward(*arguments, **names)
            made.append(torch.cat([cloud.points for cloud in clouds]))
            return clouds

        task.make_views.forward = views  # type: ignore[attr-defined]
        task.encoder.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0].clone()))
        return task

    pretrain(run, build)
    assert given[0].dtype == torch.float32
    assert torch.equal(given[0], made[0])


@pytest.mark.parametrize("encoder", sorted(ENCODERS))
def test_bfloat16_loses_a_few_parts_in_a_thousand(encoder: str) -> None:
    torch.manual_seed(0)
    network = ENCODERS[encoder](d=32).eval()  # type: ignore[call-arg]
    clouds = unit_sphere(torch.randn(4, 128, 3))
    with torch.no_grad():
        exact = network(clouds)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rounded = network(clouds).float()
    assert float((exact - rounded).norm() / exact.norm()) < 0.02


def test_neighbours_are_searched_among_exact_features(monkeypatch: pytest.MonkeyPatch) -> None:
    from randquant.pointcloud.encoders import dgcnn

    searched: list[Tensor] = []
    search = dgcnn.nearest_features

    def spied(x: Tensor, k: int, kept: Tensor | None = None) -> Tensor:
        searched.append(x)
        return search(x, k, kept)

    monkeypatch.setattr(dgcnn, "nearest_features", spied)
    clouds = unit_sphere(torch.randn(2, 64, 3))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = DGCNN(d=16)(clouds)
    assert torch.equal(searched[0], clouds)
    assert searched[1].dtype == torch.float32
    assert bool(found.isfinite().all())
