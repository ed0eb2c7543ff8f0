"""BYOL-A as programs of research are written: what the whole step is compared with.

One recording after the other is read, becomes a log-mel and is augmented twice; the views pass the networks one after
the other, in the order of the modules; the teacher follows parameter by parameter. The sizes, rates and augmentations
are those of Niizumi et al., IJCNN 2021.
"""

import copy
import random
from collections import deque
from itertools import count

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from randquant.audio.crops import fit_length
from randquant.audio.spectrogram.logmel import LogMel
from randquant.audio.stored_crops import WaveformCrops

_BANK, _MIX, _DECAY, _RATE = 2048, 0.4, 0.99, 3e-4


class _Encoder(nn.Module):
    def __init__(self, d: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        for channels in (1, 64, 64):
            blocks += [nn.Conv2d(channels, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2, stride=2)]
        self.features = nn.Sequential(*blocks)
        self.fc = nn.Sequential(nn.Linear(512, d), nn.ReLU(), nn.Dropout(0.3), nn.Linear(d, d), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        frames = self.fc(self.features(x).permute(0, 3, 2, 1).flatten(2))
        return frames.amax(dim=1) + frames.mean(dim=1)


def _head(size: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(size, 4096), nn.BatchNorm1d(4096), nn.ReLU(), nn.Linear(4096, 256))


class PlainBYOL:
    """One step after the other, of batches of stored recordings.

    Args:
        source: of the recordings.
        d: of the encoder.
        clips: of a batch.
        mean, std: of log-mels.
        device: of the networks.
    """

    def __init__(
        self, source: WaveformCrops, d: int, clips: int, mean: float, std: float, device: torch.device
    ) -> None:
        self.source, self.clips, self.mean, self.std, self.device = source, clips, mean, std, device
        self.log_mel, self.bank, self.epochs = LogMel(), deque[Tensor](maxlen=_BANK), count()
        self.online = nn.Sequential(_Encoder(d), _head(d)).to(device)
        self.predictor, self.teacher = _head(256).to(device), copy.deepcopy(self.online)
        self.adam = torch.optim.Adam([*self.online.parameters(), *self.predictor.parameters()], lr=_RATE)

    def step(self) -> None:
        """From samples to changed weights."""
        pairs = [self._views(clip) for clip in random.sample(range(len(self.source)), self.clips)]
        views = torch.stack([view for pair in zip(*pairs, strict=True) for view in pair]).to(self.device)
        first, second = ((views - views.mean()) / views.std()).chunk(2)
        predicted = [self.predictor(self.online(view)) for view in (first, second)]
        with torch.no_grad():
            targets = [self.teacher(view) for view in (second, first)]
        loss = sum(2 - 2 * F.cosine_similarity(p, t).mean() for p, t in zip(predicted, targets, strict=True))
        self.adam.zero_grad()
        loss.backward()  # type: ignore[union-attr]
        self.adam.step()
        for old, new in zip(self.teacher.parameters(), self.online.parameters(), strict=True):
            old.data = old.data * _DECAY + (1 - _DECAY) * new.data

    def _views(self, clip: int) -> tuple[Tensor, Tensor]:
        """(1, F, T) each, of one recording."""
        unit, length = self.source.unit, int(self.source.lengths[clip])
        start = random.randint(0, max(length - unit, 0))
        samples = fit_length(self.source.waveform(clip, start, start + unit), unit)
        log_mel = (self.log_mel(torch.from_numpy(samples)[None])[0] - self.mean) / self.std
        return _cropped(self._mixed(log_mel)), _cropped(self._mixed(log_mel))

    def _mixed(self, x: Tensor) -> Tensor:
        weight = _MIX * random.random()
        partner = random.choice(self.bank) if self.bank else None
        self.bank.append(x)
        return x if partner is None else torch.log((1 - weight) * x.exp() + weight * partner.exp() + 1e-9)


def _cropped(x: Tensor) -> Tensor:
    """A random part of a canvas of 1.5 times the frames, resized to the size of x."""
    bands, frames = x.shape[-2:]
    canvas = F.pad(x, (frames // 4, frames // 4))
    height = min(bands, int(bands * random.uniform(0.6, 1.5)))
    width = min(canvas.shape[-1], int(frames * random.uniform(0.6, 1.5)))
    top, left = random.randint(0, bands - height), random.randint(0, canvas.shape[-1] - width)
    part = canvas[None, :, top : top + height, left : left + width]
    return F.interpolate(part, (bands, frames), mode="bicubic", align_corners=True)[0]
