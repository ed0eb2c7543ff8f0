"""Random crops of stored recordings: what a training step reads is a function of seed, epoch and position."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.audio.crops import CropPositions, fit_length, random_starts
from randquant.audio.settings import AudioPretraining
from randquant.audio.spectrogram.logmel import LogMel
from randquant.cli.progress import progress
from randquant.data.store import Store
from randquant.errors import DataError


class WaveformCrops:
    """Random unit-length crops of recordings, as bytes: (crops, B, unit) int16."""

    def __init__(self, stores: Sequence[Store], settings: AudioPretraining) -> None:
        self.stores, self.unit, self.seed, self.crops = stores, settings.unit, settings.seed, settings.crops
        self.lengths = np.concatenate([store.lengths for store in stores])
        self._first = np.cumsum([0, *(len(store) for store in stores)])  # recording of each store
        if not len(self.lengths):
            raise DataError(f"{', '.join(str(store.path) for store in stores)} hold no recordings; prepare others.")
        often = (
            np.maximum(self.lengths // self.unit, 1) if settings.sampling == "duration" else np.ones_like(self.lengths)
        )
        self._positions = CropPositions(often, settings.together)

    def __len__(self) -> int:
        return len(self._positions)

    def order(self, generator: np.random.Generator) -> NDArray[np.integer]:
        """A permutation of the positions that keeps what enters a batch together."""
        return self._positions.order(generator)

    def groups(self, positions: NDArray[np.integer]) -> NDArray[np.int64]:
        """The recording of each position."""
        return self._positions.clips(positions)

    def fetch(self, positions: NDArray[np.int64], epoch: int) -> Tensor:
        """Crops for these positions of the epoch."""
        clips, unit = self.groups(positions), self.unit
        batch = np.empty((self.crops * len(positions), unit), dtype=np.int16)
        starts = np.concatenate(self.starts(positions, self.lengths[clips], unit, epoch))
        clips = np.tile(clips, self.crops)
        counts = np.minimum(self.lengths[clips], unit)
        batch[counts < unit] = 0  # shorter recordings stand in the middle of zeros, as by `fit_length`
        places = np.arange(len(batch)) * unit + (unit - counts) // 2
        owners = np.searchsorted(self._first, clips, side="right") - 1
        for number in np.unique(owners):
            its = owners == number
            items = clips[its] - self._first[number]
            self.stores[number].gather(batch.reshape(-1), places[its], items, starts[its], counts[its])
        return torch.from_numpy(batch).view(self.crops, len(positions), unit)

    def waveform(self, clip: int, start: int = 0, stop: int | None = None) -> NDArray[np.int16]:
        """Samples of a recording, (T,) int16."""
        owner = int(np.searchsorted(self._first, clip, side="right")) - 1
        return self.stores[owner].rows(clip - int(self._first[owner]), start, stop)

    def starts(
        self, positions: NDArray[np.int64], lengths: NDArray[np.int64], unit: int, epoch: int
    ) -> list[NDArray[np.int64]]:
        """Starts for each crop, within the position's part of its recording.

        Crop number and epoch make one counter, so that no two draws are the same.
        """
        free = np.maximum(lengths - unit, 0) + 1
        found = self._positions.find(positions)
        first, last = (free * (found.part + k) // found.parts for k in (0, 1))
        return [
            first
            + random_starts(positions, last - first + unit - 1, unit, seed=self.seed, epoch=epoch * self.crops + crop)
            for crop in range(self.crops)
        ]


class LogMelCrops(WaveformCrops):
    """Random crops of log-mels computed once for whole recordings and kept in memory: (crops, B, 1, F, frames) float32.

    Unlike those of a waveform crop, its first and last frames see the sound around the crop instead of a reflection.
    """

    def __init__(self, stores: Sequence[Store], settings: AudioPretraining, device: torch.device) -> None:
        super().__init__(stores, settings)
        front = LogMel(settings.front_end).to(device)
        self.frames = settings.front_end.frames(self.unit)
        self.log_mels = [
            self._whole(front, clip, device)
            for clip in progress(range(len(self.lengths)), label="log-mels", unit="recordings", total=len(self.lengths))
        ]
        self.frame_counts = np.array([len(log_mel) for log_mel in self.log_mels], dtype=np.int64)

    def fetch(self, positions: NDArray[np.int64], epoch: int) -> Tensor:
        """Crops for these positions of the epoch."""
        clips, frames = self.groups(positions), self.frames
        views = self.starts(positions, self.frame_counts[clips], frames, epoch)
        batch = np.empty((self.crops, len(positions), 1, self.log_mels[0].shape[1], frames), dtype=np.float32)
        for view, starts in zip(batch, views, strict=True):
            for crop, clip, start in zip(view[:, 0], clips.tolist(), starts.tolist(), strict=True):
                crop[:] = self.log_mels[clip][start : start + frames].T
        return torch.from_numpy(batch)

    @torch.no_grad()
    def _whole(self, front: LogMel, clip: int, device: torch.device) -> NDArray[np.float32]:
        """(frames, F), so that a crop is one piece of memory instead of F."""
        samples = self.waveform(clip)
        if len(samples) < self.unit:
            samples = fit_length(samples, self.unit)
        return front(torch.from_numpy(np.array(samples))[None].to(device))[0, 0].T.contiguous().cpu().numpy()
