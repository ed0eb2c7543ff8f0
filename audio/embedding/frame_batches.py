"""Embed recordings frame by frame, in batches of those of as many frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from randquant.audio.crops import SAMPLE_RATE, Samples
from randquant.audio.embedding.steps import step_vectors
from randquant.audio.embedding.window_batches import Vectors, batch_seconds
from randquant.audio.encoders.layer import Layer
from randquant.audio.encoders.weights import LoadedEncoder
from randquant.audio.spectrogram.normalised_log_mel import NormalisedLogMel
from randquant.audio.spectrogram.normalize import Normalisation


@dataclass(frozen=True)
class FrameRows:
    """The rows of a recording, in the order of time."""

    recording: int
    count: int


class FrameBatches:
    """Embeds the frames of recordings, those in a row that have as many at once, and writes them to the spool.

    Args:
        loaded: encoder and front end.
        normalisation: of log-mels.
        layer: features to use.
        waiting: takes the vectors, in the order of `rows`.
        device: where to compute; decides the size of a batch.

    Attributes:
        rows: those whose vectors are spooled.
    """

    def __init__(
        self,
        loaded: LoadedEncoder,
        normalisation: Normalisation,
        layer: Layer,
        waiting: Vectors,
        device: str | torch.device,
    ) -> None:
        self.encoder, self.front_end, self.layer = loaded.encoder.to(device).float().eval(), loaded.front_end, layer
        self.prepare = NormalisedLogMel(loaded.front_end, normalisation.mean, normalisation.std).to(device)
        self.precision = loaded.precision
        self.spool, self.batch_samples = waiting, batch_seconds(device) * SAMPLE_RATE
        self.rows: list[FrameRows] = []
        self._waiting: list[tuple[int, Samples]] = []

    def add(self, recording: int, samples: Samples) -> None:
        """Queue a recording."""
        if self._waiting:
            frames = self.front_end.frames(len(self._waiting[0][1]))
            full = (len(self._waiting) + 1) * frames * self.front_end.hop > self.batch_samples
            if full or self.front_end.frames(len(samples)) != frames:
                self.flush()
        self._waiting.append((recording, samples))

    def flush(self) -> None:
        """Embed all that is queued."""
        if not self._waiting:
            return
        waveforms = [samples for _, samples in self._waiting]
        found = step_vectors(
            self.encoder, self.layer, self.prepare.of_lengths, waveforms, self.front_end, self.precision
        )
        for (recording, _), vectors in zip(self._waiting, found.float().cpu().numpy(), strict=True):
            self.spool.append(vectors)
            self.rows.append(FrameRows(recording, len(vectors)))
        self._waiting = []


def frame_table(
    rows: Sequence[FrameRows], names: Sequence[str], loaded: LoadedEncoder
) -> tuple[dict[str, pa.Array], list[int], dict[str, Any]]:
    """Columns path, frame and time (the frame's middle, in seconds), which vector belongs to each row, and provenance.

    Args:
        rows: in the order of the vectors.
        names: of the recordings, in the order of the table.
        loaded: encoder and front end.
    """
    starts = np.cumsum([0, *(row.count for row in rows)])
    places = sorted(range(len(rows)), key=lambda place: rows[place].recording)
    counts = [rows[place].count for place in places]
    frame = np.concatenate([np.arange(count) for count in counts])
    order = np.concatenate([np.arange(starts[place], starts[place + 1]) for place in places])
    step = loaded.front_end.hop / loaded.front_end.sample_rate
    times = loaded.encoder.frame_times(max(counts), step).numpy()
    path = np.repeat([rows[place].recording for place in places], counts)
    columns = {
        "path": pa.array(names, pa.string()).take(pa.array(path, pa.int64())),
        "frame": pa.array(frame, pa.int64()),
        "time": pa.array(times[frame], pa.float64()),
    }
    return columns, order.tolist(), {"frame_seconds": loaded.encoder.frame_step * step}
