"""Batches of random crops out of the page cache, by one process, against crops one by one and a bare copy."""

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.audio.crops import SAMPLE_RATE, fit_length
from randquant.audio.settings import AudioPretraining
from randquant.audio.stored_crops import LogMelCrops, WaveformCrops
from randquant.data.store import StoreWriter
from randquant.scripts.measuring.pair import Pair

CROPS, BATCHES = 256, 20  # of a batch; of a run, each from other places
_RECORDINGS, _SHARDS = 400, 4

Fetch = Callable[[NDArray[np.int64], int], Tensor]


def stored_crops(_device: str) -> Iterator[Pair]:
    """Of recordings of ten seconds and of half a second, as samples; and of ten seconds, as log-mels in memory."""
    with tempfile.TemporaryDirectory() as folder:
        short, long = (noise_source(Path(folder, f"{seconds:g}"), seconds) for seconds in (0.5, 10.0))
        yield from _pairs(f"{CROPS} crops of recordings of 10 s", long, _one_by_one(long))
        yield from _pairs(f"{CROPS} crops of recordings of .5 s", short, _one_by_one(short))
        log_mels = LogMelCrops(long.stores, _settings(folder), torch.device("cpu"))
        yield from _pairs(f"{CROPS} crops of log-mels of 10 s", log_mels, _bands_one_by_one(log_mels))


def _pairs(name: str, source: WaveformCrops, plain: Fetch) -> Iterator[Pair]:
    positions = [np.random.default_rng(batch).permutation(len(source))[:CROPS] for batch in range(BATCHES)]
    ready, epochs = [source.fetch(each, 0) for each in positions], itertools.count()

    def through(fetch: Fetch) -> None:
        epoch = next(epochs)
        for each in positions:
            fetch(each, epoch)

    def copies() -> None:
        for batch in ready:
            batch.clone()

    count = CROPS * BATCHES
    yield Pair(name, lambda: through(source.fetch), lambda: through(plain), "one by one", count)
    yield Pair(name, lambda: through(source.fetch), copies, "memory copy", count)


def _one_by_one(source: WaveformCrops) -> Fetch:
    def fetch(positions: NDArray[np.int64], epoch: int) -> Tensor:
        clips, unit = source.groups(positions), source.unit
        (starts,) = source.starts(positions, source.lengths[clips], unit, epoch)
        crops = zip(clips.tolist(), starts.tolist(), strict=True)
        return torch.from_numpy(
            np.stack([fit_length(source.waveform(clip, at, at + unit), unit) for clip, at in crops])
        )

    return fetch


def _bands_one_by_one(source: LogMelCrops) -> Fetch:
    """Out of (F, frames) each, so that a crop lies in F pieces."""
    log_mels = [torch.from_numpy(each.T).contiguous() for each in source.log_mels]

    def fetch(positions: NDArray[np.int64], epoch: int) -> Tensor:
        clips, frames = source.groups(positions), source.frames
        (starts,) = source.starts(positions, source.frame_counts[clips], frames, epoch)
        crops = zip(clips.tolist(), starts.tolist(), strict=True)
        return torch.stack([log_mels[clip][:, at : at + frames] for clip, at in crops])[:, None]

    return fetch


def _settings(folder: str | Path) -> AudioPretraining:
    return AudioPretraining(out=Path(folder), data=[Path(folder)])


def noise_source(path: Path, seconds: float) -> WaveformCrops:
    """Of a new store of noise at `path`, of so many seconds a recording."""
    writer, generator = StoreWriter(path, kind="audio", plan="noise"), np.random.default_rng(0)
    with writer.begin():
        for number in range(_SHARDS):
            with writer.shard(number) as shard:
                for place in range(_RECORDINGS // _SHARDS):
                    noise = generator.integers(-3000, 3000, round(seconds * SAMPLE_RATE), np.int16)
                    shard.append(
                        [noise], {"path": f"{number}/{place}.wav", "label": None, "group": None, "split": None}
                    )
        store = writer.finish(_SHARDS, {"sample_rate": SAMPLE_RATE, "source": {}})
    return WaveformCrops([store], _settings(path))
