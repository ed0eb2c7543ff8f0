"""Eval mode is that of every thread that computes with a network; its precision rounds products alone."""

import pytest
import torch
from torch import nn

from randquant.inference import bf16_is_fast, evaluating, in_force, in_precision


def test_the_mode_comes_back_after_the_last_who_evaluates() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Dropout()).train()
    network[0].eval()
    first, second = evaluating(network), evaluating(network)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not any(part.training for part in network.modules())
    second.__exit__(None, None, None)
    assert [part.training for part in network.modules()] == [True, False, True]


def test_bf16_rounds_products_and_gives_float32() -> None:
    network, x = nn.Linear(8, 4), torch.randn(3, 8)
    assert in_precision(network, "32", "cpu") is network
    found, exact = in_precision(network, "bf16", "cpu")(x), network(x)
    assert found.dtype == torch.float32
    assert torch.equal(found, found.bfloat16().float())
    torch.testing.assert_close(found, exact, rtol=0.02, atol=0.02)
    assert network(x).dtype == torch.float32  # afterwards as before


def test_auto_is_bf16_where_the_hardware_is_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    for fast, precision in ((True, "bf16"), (False, "32")):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda fast=fast: fast)
        assert bf16_is_fast("cpu") is fast
        assert in_force("auto", "cpu") == precision
        assert (in_force("32", "cpu"), in_force("bf16", "cpu")) == ("32", "bf16")
