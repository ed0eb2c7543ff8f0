"""Methods on a GPU: a step's loss and gradients are those of a CPU."""

import pytest
import torch
from torch import Tensor, nn

from randquant.ssl.registry import METHODS
from tests.gpu.beside_cpu import DEVICE, on

pytestmark = pytest.mark.gpu
MORE = {"moco": {"queue_size": 32}}


def _step(method: nn.Module, views: list[Tensor], groups: Tensor) -> tuple[Tensor, Tensor]:
    loss, _ = method(views, groups)
    loss.backward()
    method.after_step(0.9)  # type: ignore[operator]
    return loss.detach().cpu(), torch.cat([p.grad.flatten().cpu() for p in method.parameters() if p.grad is not None])


@pytest.mark.parametrize("name", METHODS)
def test_a_step(name: str) -> None:
    encoder = nn.Sequential(nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 32))
    method = METHODS[name](encoder, 32, hidden_size=64, projection_size=16, **MORE.get(name, {}))  # type: ignore[call-arg]
    views, groups = [torch.randn(16, 20) for _ in range(2)], torch.arange(16) // 4
    (loss, slopes), (same, its) = (_step(*on(device, (method, views, groups))) for device in ("cpu", DEVICE))
    torch.testing.assert_close(same, loss, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(its, slopes, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", METHODS)
def test_a_step_waits_for_nothing(name: str) -> None:
    encoder = nn.Linear(20, 32)
    method = METHODS[name](encoder, 32, hidden_size=64, projection_size=16, **MORE.get(name, {})).to(DEVICE)  # type: ignore[call-arg]
    views, groups = [torch.randn(16, 20, device=DEVICE) for _ in range(2)], torch.arange(16, device=DEVICE)
    _step(method, views, groups)
    torch.cuda.set_sync_debug_mode("error")
    try:
        loss, _ = method(views, groups)
        loss.backward()
        method.after_step(0.9)
    finally:
        torch.cuda.set_sync_debug_mode("default")
