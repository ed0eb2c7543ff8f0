"""BYOL on sounds: a whole step, from stored samples to the changed weights, against its encoder and a plain program."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from randquant.audio.encoders.audio_ntt import AudioNTT2020
from randquant.audio.settings import AudioPretraining
from randquant.audio.spectrogram.logmel import LogMel
from randquant.audio.spectrogram.normalize import LogMelViews, PreNorm
from randquant.audio.stored_crops import WaveformCrops
from randquant.scripts.benchmarks.plain_byol import PlainBYOL
from randquant.scripts.benchmarks.stored_crops import noise_source
from randquant.scripts.measuring.pair import Call, Pair
from randquant.ssl.byol import BYOL
from randquant.training.batches import Batches
from randquant.training.optimization.optimizer import make_optimizer
from randquant.views import Views, ViewSet

CLIPS, BANDS, FRAMES = 256, 64, 96
MEAN, STD = -8.0, 4.0  # of log-mels
_STEPS = 2**20  # more than are run


def sound_pretraining(device: str) -> Iterator[Pair]:
    """Of 512 and 2,048 numbers a vector, on a GPU in bfloat16 too; the ratio is the encoder's share of the step."""
    with tempfile.TemporaryDirectory() as folder:
        source = noise_source(Path(folder, "store"), 10.0)
        for width in (512, 2048):
            for dtype in (torch.bfloat16, torch.float32) if device == "cuda" else (torch.float32,):
                step = _step(_settings(folder, width), source, torch.device(device), dtype)
                name = f"BYOL step of {CLIPS}, AudioNTT2020-{width}, {str(dtype).removeprefix('torch.')}"
                for teacher, twin in (
                    (False, "encoder alone, both views"),
                    (True, "encoder and teacher alone, both views"),
                ):
                    yield Pair(name, step, _encoder(width, dtype, torch.device(device), teacher), twin, CLIPS)


def published_pretraining(device: str) -> Iterator[Pair]:
    """The same step, with BYOL-A's augmentations, against a program that is made as the published one."""
    with tempfile.TemporaryDirectory() as folder:
        source = noise_source(Path(folder, "store"), 10.0)
        for width in (512, 2048):
            step = _step(_settings(folder, width, "mixup+rrc"), source, torch.device(device), torch.float32)
            plain = PlainBYOL(source, width, CLIPS, MEAN, STD, torch.device(device))
            yield Pair(f"BYOL step of {CLIPS}, AudioNTT2020-{width}, float32", step, plain.step, "plain program", CLIPS)


def _settings(folder: str, width: int, augment: str = "mixup+rq+rrc") -> AudioPretraining:
    return AudioPretraining(out=Path(folder), data=[Path(folder)], d=width, augment=augment, batch_size=CLIPS)


def _step(settings: AudioPretraining, source: WaveformCrops, device: torch.device, dtype: torch.dtype) -> Call:
    """As `randquant.training.loop` takes it, reading ahead."""
    encoder = AudioNTT2020(d=settings.d)
    method = BYOL(encoder, encoder.embedding_size()).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    make_views = LogMelViews(LogMel(settings.front_end), PreNorm(MEAN, STD), Views(settings.view_policies()[0]))
    make_views.to(device)
    optimizer, generator = make_optimizer(settings, method), torch.Generator(device).manual_seed(0)
    ahead = Batches(source, CLIPS, seed=0, rank=0, world=1, workers=0, pin=device.type == "cuda").between(0, _STEPS)

    def step() -> None:
        crops, _ = next(ahead)
        with torch.no_grad():
            views = ViewSet.of(make_views(crops.to(device, non_blocking=True), generator=generator)).views  # type: ignore[union-attr]
        with torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
            loss, _ = method(views)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        method.after_step(0.99)

    return step


def _encoder(width: int, dtype: torch.dtype, device: torch.device, teacher: bool) -> Call:
    """Forward and backward for both views, and forward once more without gradient for the teacher."""
    encoder = AudioNTT2020(d=width).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.randn(2 * CLIPS, 1, BANDS, FRAMES, device=device)
    return partial(_passes, encoder, x.contiguous(memory_format=torch.channels_last), dtype, teacher)


def _passes(encoder: nn.Module, x: Tensor, dtype: torch.dtype, teacher: bool) -> None:
    with torch.autocast(x.device.type, dtype=dtype, enabled=dtype != torch.float32):
        loss = encoder(x).square().mean()
        if teacher:
            with torch.no_grad():
                encoder(x)
    loss.backward()
