"""Encoders whose blocks are compiled code against the same encoders by their modules."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from randquant.audio.encoders.audio_ntt import AudioNTT, AudioNTT2020, AudioNTT2022
from randquant.audio.encoders.conv_blocks import through
from randquant.kernels.chosen import plain_form
from randquant.kernels.conv_blocks.conv_block import ConvBlock, takes

pytest.importorskip("numba")
ENCODERS = [lambda: AudioNTT2020(n_mels=16, d=32), lambda: AudioNTT2022(n_mels=16, d=272, hidden=32)]


def trained(encoder: AudioNTT, x: Tensor) -> dict[str, Tensor]:
    """What two steps of descent make of a copy of the encoder."""
    encoder = copy.deepcopy(encoder)
    descent = torch.optim.SGD(encoder.parameters(), 0.1)
    for seed in range(2):
        torch.manual_seed(seed)  # of dropout
        descent.zero_grad()
        encoder(x).square().mean().backward()
        descent.step()
    return encoder.state_dict()


@pytest.mark.parametrize("make", ENCODERS)
def test_training_is_that_of_the_modules(make: Any) -> None:
    encoder, x = make(), torch.randn(4, 1, 16, 37)
    compiled = trained(encoder, x)
    with plain_form():
        modules = trained(encoder, x)
    assert compiled.keys() == modules.keys()
    for name, value in modules.items():
        torch.testing.assert_close(compiled[name], value, rtol=1e-4, atol=1e-5, msg=name)
    again = trained(encoder, x)
    assert all(torch.equal(again[name], value) for name, value in compiled.items())


@pytest.mark.parametrize("make", ENCODERS)
@pytest.mark.parametrize("lengths", [None, [61, 3, 16, 40]])
def test_vectors_are_those_of_the_modules(make: Any, lengths: list[int] | None) -> None:
    encoder, x = make().eval(), torch.randn(4, 1, 16, 61)
    valid = None if lengths is None else torch.tensor(lengths)
    with torch.inference_mode():
        vectors, frames = encoder(x, lengths=valid), encoder.frames(x, lengths=valid)
        with plain_form():
            torch.testing.assert_close(vectors, encoder(x, lengths=valid), rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(frames, encoder.frames(x, lengths=valid), rtol=1e-5, atol=1e-5)


def test_every_block_is_compiled_and_a_part_of_one_is_not() -> None:
    encoder = AudioNTT2020(n_mels=16, d=32).eval()
    x = clips = torch.randn(2, 1, 16, 16)
    with torch.no_grad():
        for block in encoder.features.blocks():
            assert takes(x, ConvBlock(*block))  # type: ignore[arg-type]
            x = through(block, x)
        assert torch.equal(encoder.features[8:](encoder.features[:8](clips)), x)
        assert encoder.features[:1](x[:, :1]).shape == (2, 64, 2, 2)


def test_a_stage_that_is_listened_to_is_its_module() -> None:
    encoder, heard = AudioNTT2020(n_mels=16, d=32).eval(), []
    encoder.stages["block2"].register_forward_hook(lambda *found: heard.append(found[2].shape))
    encoder(torch.randn(2, 1, 16, 16))
    assert heard == [(2, 64, 4, 4)]


def test_what_is_exported_are_the_modules() -> None:
    encoder = AudioNTT2020(n_mels=16, d=32).eval()
    graph = torch.export.export(encoder, (torch.randn(2, 1, 16, 16),)).graph
    assert sum("conv2d" in str(node.target) for node in graph.nodes) == 3
