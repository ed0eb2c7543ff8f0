"""Every audio encoder with every method in both precisions, through the real loop: log-mels stay float32."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from randquant.audio.encoders.registry import ENCODERS
from randquant.audio.pretraining import build_task
from randquant.audio.settings import AudioPretraining
from randquant.data.store import Store
from randquant.ssl.registry import MethodName
from randquant.training.setup import pretrain
from randquant.training.task import Task

METHODS: tuple[MethodName, ...] = ("byol", "mocov3", "moco", "simclr", "infonce")


@pytest.fixture
def noises(write_store: Callable[..., Store]) -> Store:
    return write_store("noises", lengths=(4_000,) * 8, splits=("train", "train", "train", "valid") * 2)


def settings(store: Store, **changes: Any) -> AudioPretraining:
    fixed: dict[str, Any] = {"d": 16, "batch_size": 4, "steps": 1, "accelerator": "cpu", "log_every": 1}
    small = {"hidden_size": 16, "projection_size": 8, "queue_size": 8, "monitor": store.path, "monitor_every": 1}
    out = store.path.parent / "run"
    return AudioPretraining(out, data=[store.path], unit_seconds=0.25, **{**fixed, **small, **changes})


@pytest.mark.parametrize(("encoder", "method"), list(itertools.product(sorted(ENCODERS), METHODS)))
@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_every_encoder_method_and_precision(noises: Store, encoder: str, method: str, precision: str) -> None:
    run = settings(noises, encoder=encoder, method=method, precision=precision)
    weights = load_file(pretrain(run, partial(build_task, run)))
    assert all(bool(tensor.isfinite().all()) for tensor in weights.values())
    assert {tensor.dtype for tensor in weights.values()} <= {torch.float32, torch.int64}


@pytest.mark.parametrize("augment", ["rrc+rq", "filter+mixup+fader"])
def test_the_encoder_is_given_the_views_as_they_are(noises: Store, augment: str) -> None:
    run = settings(noises, precision="bf16", method="simclr", monitor=None, augment=augment)
    made: list[Tensor] = []
    given: list[Tensor] = []

    def build(device: torch.device) -> Task:
        task = build_task(run, device)
        forward = task.make_views.forward  # type: ignore[attr-defined]

        def views(*arguments: Any, **names: Any) -> Any:
            clips = forward(*arguments, **names)
            made.append(torch.cat(clips))
            return clips

        task.make_views.forward = views  # type: ignore[attr-defined]
        task.encoder.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0].clone()))
        return task

    pretrain(run, build)
    assert given[0].dtype == torch.float32
    assert torch.equal(given[0], made[0])
