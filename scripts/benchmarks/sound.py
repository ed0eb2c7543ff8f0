"""Sound: log-mels, crops, a training step."""

import sys
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from randquant.audio.augment.resize_crop import RandomResizeCrop
from randquant.audio.encoders.audio_ntt import AudioNTT2020
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.audio.spectrogram.logmel import LogMel
from randquant.errors import UsageError
from randquant.scripts.measuring.pair import Pair


def log_mel(device: str) -> Iterator[Pair]:
    """The native log-mel against three libraries."""
    waveform = torch.randn(256, 15_200, device=device) * 0.1
    native = LogMel().to(device)
    for backend in ("torchaudio", "nnaudio", "librosa"):
        try:
            other = LogMel(FrontEnd(backend=backend)).to(device)
            other(waveform[:1])
        except UsageError as error:
            print(error, file=sys.stderr)
            continue
        yield Pair("log-mel of 256 x 0.95 s", lambda: native(waveform), lambda other=other: other(waveform), backend)  # type: ignore[misc]


def resize_crop(device: str) -> Iterator[Pair]:
    """All crops of a batch at once against one by one."""
    x = torch.randn(256, 1, 64, 96, device=device)
    crop = RandomResizeCrop()

    def loop() -> Tensor:
        canvas = F.pad(x, (24, 24))
        resized = []
        for sample, top, height, left, width in zip(canvas, *(p.tolist() for p in crop.make_params(x)), strict=True):
            cut = sample[None, :, top : top + height, left : left + width]
            resized.append(F.interpolate(cut, (64, 96), mode="bicubic", align_corners=True))
        return torch.cat(resized)

    yield Pair("random resize crop of 256", lambda: crop(x), loop, "F.interpolate one by one")


def audio_encoder(device: str) -> Iterator[Pair]:
    """A training step in bfloat16 against float32."""
    x = torch.randn(64, 1, 64, 96, device=device)
    encoder = AudioNTT2020(d=512).to(device)

    def step(model: nn.Module, dtype: torch.dtype) -> None:
        with torch.autocast(device, dtype=dtype, enabled=dtype != torch.float32):
            model(x.contiguous(memory_format=torch.channels_last)).square().mean().backward()

    fast = AudioNTT2020(d=512).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    yield Pair(
        "AudioNTT2020-512 step of 64, bf16 channels-last",
        lambda: step(fast, torch.bfloat16),
        lambda: step(encoder, torch.float32),
        "float32",
    )
