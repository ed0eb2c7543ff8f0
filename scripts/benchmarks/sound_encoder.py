"""AudioNTT2020 alone, forward and backward: compiled blocks against modules and against matrix products."""

import copy
from collections.abc import Iterator

import torch
from torch import nn

from randquant.audio.encoders.audio_ntt import AudioNTT2020
from randquant.scripts.measuring.pair import Call, Pair, in_plain_form

CLIPS, BANDS, FRAMES = 256, 64, 96
_SIDE = 1024  # of matrices that are multiplied


def sound_encoder(device: str) -> Iterator[Pair]:
    """Of 512 and 2,048 numbers a vector, in float32; maps are channels last in training alone, as in the commands."""
    x = torch.randn(CLIPS, 1, BANDS, FRAMES, device=device)
    for width in (512, 2048):
        encoder = AudioNTT2020(d=width).to(device)
        trained = copy.deepcopy(encoder).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        forward, first = _multiplications(encoder), BANDS * FRAMES * next(encoder.features.parameters()).numel()
        for fast, name, count in (
            (_step(trained, x), "forward and backward", 3 * forward - first),  # the clips need no gradient
            (_embed(encoder, x), "inference", forward),
        ):
            title = f"AudioNTT2020-{width}, {CLIPS} clips, {name}"
            yield Pair(title, fast, in_plain_form(fast), "modules", CLIPS)
            yield Pair(title, fast, _products(count * CLIPS, device), "its multiplications in matrix products", CLIPS)


def _step(encoder: nn.Module, x: torch.Tensor) -> Call:
    def step() -> None:
        encoder.train().zero_grad()
        encoder(x).square().mean().backward()

    return step


def _embed(encoder: nn.Module, x: torch.Tensor) -> Call:
    @torch.no_grad()
    def embed() -> None:
        encoder.eval()(x)

    return embed


def _multiplications(encoder: AudioNTT2020) -> int:
    """Of the forward direction of one clip, by the definitions of convolution and linear layer."""
    found, places = 0, BANDS * FRAMES
    for module in encoder.features:
        if isinstance(module, nn.Conv2d):
            found += places * module.weight.numel()
            places //= 4
    frames = FRAMES // encoder.frame_step
    return found + frames * sum(module.weight.numel() for module in encoder.fc if isinstance(module, nn.Linear))


def _products(multiplications: int, device: str) -> Call:
    left, right = torch.randn(2, _SIDE, _SIDE, device=device)
    target, times = torch.empty_like(left), max(1, round(multiplications / _SIDE**3))

    def multiply() -> None:
        for _ in range(times):
            torch.mm(left, right, out=target)

    return multiply
