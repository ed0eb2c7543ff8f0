"""Embed windows of any length in batches of equal numbers of frames, each at exactly its own length."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.audio.crops import SAMPLE_RATE, Samples
from randquant.audio.embedding.windows import Windows
from randquant.audio.encoders.layer import Layer
from randquant.audio.encoders.weights import LoadedEncoder
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.audio.spectrogram.normalised_log_mel import NormalisedLogMel
from randquant.audio.spectrogram.normalize import Normalisation
from randquant.inference import in_precision
from randquant.kept_memory import keeps_freed_memory

_WAITING_BATCHES = 8  # batches' worth of windows that may wait for others of as many frames

Encode = Callable[[Sequence[Samples]], Tensor]


class Vectors(Protocol):
    """Takes vectors (D,) one after the other, as a spool does."""

    def append(self, vectors: NDArray[np.float32], /) -> None:
        """Take a vector."""


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

    See `NormalisedLogMel.of_lengths`.
    """
    prepare = NormalisedLogMel(loaded.front_end, normalisation.mean, normalisation.std).to(device)
    network = in_precision(loaded.encoder.to(device).float().eval(), loaded.precision, device)
    return lambda waveforms: network(prepare.of_lengths(waveforms), layer=layer)


def batch_seconds(device: str | torch.device) -> float:
    """Seconds of audio per batch: enough to use the device fully within its memory.

    On a CPU that gives freed memory back, activations of more than 32 MB, those of 20 s, take up to twice as long.
    """
    if torch.device(device).type != "cpu":
        return 1024.0
    return 64.0 if keeps_freed_memory() else 16.0


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

    def __init__(self, encode: Encode, front_end: FrontEnd, waiting: Vectors, device: str | torch.device) -> None:
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
