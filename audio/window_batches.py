"""Embed windows of any length in batches of equal numbers of frames, each at exactly its own length."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.audio.crops import SAMPLE_RATE
from randquant.audio.encoders.audio_encoder import Layer
from randquant.audio.encoders.weights import LoadedEncoder
from randquant.audio.evaluation.task_features import Normalisation, batch_seconds
from randquant.audio.front_end import FrontEnd
from randquant.audio.logmel import LogMel
from randquant.audio.normalize import PreNorm
from randquant.audio.samples import Samples
from randquant.audio.windows import Windows
from randquant.embedding.spool import Spool

_WAITING_BATCHES = 8  # batches' worth of windows that may wait for others of as many frames

Encode = Callable[[Sequence[Samples]], Tensor]


@dataclass(frozen=True)
class Row:
    """One row of the table: where it comes from, in seconds."""

    recording: int
    start: float
    end: float
    seconds: float


@dataclass
class _Mean:
    """The mean of a row's windows, weighted by their length, while some are still to come."""

    row: Row
    missing: int
    total: NDArray[np.float64] | float = 0.0
    weight: float = 0.0


def exact_encoder(
    loaded: LoadedEncoder, normalisation: Normalisation, layer: Layer, device: str | torch.device
) -> Encode:
    """The map from waveforms of as many frames to embeddings (B, D); each as if it were embedded alone.

    A waveform is reflected at its own ends, wherever within a hop they lie, so its spectrogram is that of its exact
    length, as in the code published with BYOL-A; only then are spectrograms of as many frames stacked.
    """
    log_mel = LogMel(loaded.front_end).to(device)
    normalise = PreNorm(normalisation.mean, normalisation.std).to(device)
    encoder = loaded.encoder.to(device).float().eval()

    def encode(waveforms: Sequence[Samples]) -> Tensor:
        return encoder(normalise(_log_mels(log_mel, waveforms, device)), layer=layer)

    return encode


def _log_mels(log_mel: LogMel, waveforms: Sequence[Samples], device: str | torch.device) -> Tensor:
    """(B, 1, F, T) spectrograms of waveforms of any lengths that give T frames."""
    places: dict[int, list[int]] = {}
    for place, waveform in enumerate(waveforms):
        places.setdefault(len(waveform), []).append(place)
    parts = [
        log_mel(torch.from_numpy(np.stack([waveforms[place] for place in same])).to(device)) for same in places.values()
    ]
    order = torch.tensor([place for same in places.values() for place in same], device=device)
    return torch.cat(parts)[torch.argsort(order)]


class WindowBatches:
    """Collects windows of equal numbers of frames into batches, embeds them and writes completed rows to the spool.

    Args:
        encode: as `exact_encoder` gives it.
        front_end: decides how many frames a window has.
        waiting: takes the vectors, in the order of `rows`.
        device: decides the size of a batch.

    Attributes:
        rows: those whose vectors are spooled.
    """

    def __init__(self, encode: Encode, front_end: FrontEnd, waiting: Spool, device: str | torch.device) -> None:
        self.encode, self.front_end, self.spool = encode, front_end, waiting
        self.batch_samples = batch_seconds(device) * SAMPLE_RATE
        self.rows: list[Row] = []
        self._waiting: dict[int, list[tuple[Samples, _Mean]]] = {}
        self._waiting_samples = 0

    def add(self, recording: int, samples: Samples, cut: Windows, *, average: bool) -> None:
        """Queue the windows of a recording; with `average` they share one row."""
        seconds = len(samples) / SAMPLE_RATE
        bounds = cut.bounds()
        whole = _Mean(Row(recording, 0.0, seconds, seconds), len(bounds))
        for start, stop in bounds:
            row = Row(recording, start / SAMPLE_RATE, stop / SAMPLE_RATE, seconds)
            # A copy, so that one waiting window does not hold its whole recording in memory.
            self._queue(samples[start:stop].copy(), whole if average else _Mean(row, 1))

    def flush(self) -> None:
        """Embed all that is queued."""
        for frames in list(self._waiting):
            self._run(frames)

    def _queue(self, window: Samples, mean: _Mean) -> None:
        frames = self.front_end.frames(len(window))
        queued = self._waiting.setdefault(frames, [])
        queued.append((window, mean))
        self._waiting_samples += len(window)
        if (len(queued) + 1) * frames * self.front_end.hop > self.batch_samples:
            self._run(frames)
        elif self._waiting_samples > _WAITING_BATCHES * self.batch_samples:
            self._run(max(self._waiting, key=lambda key: key * len(self._waiting[key])))

    def _run(self, frames: int) -> None:
        queued = self._waiting.pop(frames)
        self._waiting_samples -= sum(len(window) for window, _ in queued)
        vectors = self.encode([window for window, _ in queued]).double().cpu()
        for vector, (window, mean) in zip(vectors.numpy(), queued, strict=True):
            weight = len(window) / SAMPLE_RATE
            mean.total = mean.total + vector * weight
            mean.weight += weight
            mean.missing -= 1
            if mean.missing == 0:
                self.spool.append(np.asarray(mean.total / mean.weight, dtype=np.float32))
                self.rows.append(mean.row)
