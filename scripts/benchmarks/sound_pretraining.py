"""BYOL on sounds: a whole step, from samples to the changed weights, against its encoder alone."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from randquant.audio.encoders.audio_ntt import AudioNTT2020
from randquant.audio.settings import AudioPretraining
from randquant.audio.spectrogram.logmel import LogMel
from randquant.audio.spectrogram.normalize import LogMelViews, PreNorm
from randquant.scripts.measuring.pair import Call, Pair
from randquant.ssl.byol import BYOL
from randquant.views import Views, ViewSet

CLIPS, CPU_CLIPS, SAMPLES = 256, 32, 15_200
SETTINGS = AudioPretraining(out=Path(), data=[Path()], augment="mixup+rq+rrc")


def sound_pretraining(device: str) -> Iterator[Pair]:
    """Of 512 and 2,048 numbers a vector, on a GPU in bfloat16 too; the ratio is the encoder's share of the step."""
    clips = CLIPS if device == "cuda" else CPU_CLIPS
    crops = torch.randint(-3000, 3000, (1, clips, SAMPLES), dtype=torch.int16, device=device)
    for width in (512, 2048):
        for dtype in (torch.bfloat16, torch.float32) if device == "cuda" else (torch.float32,):
            name = f"BYOL step of {clips}, AudioNTT2020-{width}, {str(dtype).removeprefix('torch.')}"
            yield Pair(
                name, _step(width, dtype, crops), _encoder(width, dtype, crops), "encoder alone, both views", clips
            )


def _step(width: int, dtype: torch.dtype, crops: Tensor) -> Call:
    device = crops.device.type
    encoder = AudioNTT2020(d=width)
    method = BYOL(encoder, encoder.embedding_size()).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    make_views = LogMelViews(LogMel(SETTINGS.front_end), PreNorm(-8.0, 4.0), Views(SETTINGS.view_policies()[0]))
    make_views.to(device)
    adam = torch.optim.Adam(method.parameters(), 3e-4)
    generator = torch.Generator(device).manual_seed(0)

    def step() -> None:
        with torch.no_grad():
            views = ViewSet.of(make_views(crops, generator=generator)).views
        with torch.autocast(device, dtype=dtype, enabled=dtype != torch.float32):
            loss, _ = method(views)
        loss.backward()
        adam.step()
        adam.zero_grad()
        method.after_step(0.99)

    return step


def _encoder(width: int, dtype: torch.dtype, crops: Tensor) -> Call:
    device, clips = crops.device.type, crops.shape[1]
    encoder = AudioNTT2020(d=width).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.randn(2 * clips, 1, 64, 96, device=device).contiguous(memory_format=torch.channels_last)
    return partial(_forward_and_backward, encoder, x, dtype)


def _forward_and_backward(encoder: nn.Module, x: Tensor, dtype: torch.dtype) -> None:
    with torch.autocast(x.device.type, dtype=dtype, enabled=dtype != torch.float32):
        encoder(x).square().mean().backward()
