"""Recordings of test that repeat a recording of train: the very same samples, or a copy that was encoded, resampled,
scaled or shifted since. In a store of folds, where each is the test once, recordings that repeat one of another fold.

Candidates are those with the most similar energy over eight parts of their time and sixteen bands; whether one is a
copy is decided by the correlation of the waveforms at the best shift. Two recordings of one thing, such as two takes of
a word by one speaker, have similar spectra, but waveforms that hardly correlate.

The similarity of a copy's waveform was measured on ESC-10 and the Free Spoken Digit Dataset: of 50 recordings, each
as MP3, Vorbis and Opus at low rates, at 8 kHz, at a third of its level, with its sign inverted, shifted, and with noise
30 dB below it, .85 at least for copies (.47 for one word that had lost its onset); .63 at most for recordings that are
no copies, between words of .3 s. One pair of ESC-10 has .97: `2-28314-A` and `2-30322-A`, one fire under two names.
"""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from audio.crops import SAMPLE_RATE
from randquant.cli.progress import progress
from randquant.data.store import Store, is_fold

SIMILAR = 0.75  # correlation from which waveforms count as one
_CANDIDATES = 4  # recordings of train that are compared with each of test
_SECONDS = 60.0  # of each recording, from where its sound begins; copies agree there too
_N_FFT, _HOP = 1024, 256  # samples
_BANDS, _LOW, _HIGH = 16, 150.0, 3_500.0  # Hz; telephone speech has no more
_PARTS = 8  # of a recording's time
_DEPTH = 60.0  # dB below its loudest band that a recording's bands count
_QUIET = 40.0  # dB below its loudest frame that frames at both ends are cut off
_RATE = 4_000  # Hz at which waveforms are compared
_BLOCK = 1 << 24  # distances held at once
_FINER = 4  # shifts to a sample at that rate
_KEPT = 512  # waveforms of train, for the next comparison

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Nearest:
    """A test recording and the most similar training recording.

    Attributes:
        test, train: items of the store; in one of folds, two items of different folds.
        similarity: the largest correlation of their whitened waveforms at any shift and of either sign, in [0, 1].
        exact: their samples are the same, except for zeros at both ends.
    """

    test: int
    train: int
    similarity: float
    exact: bool

    @property
    def repeats(self) -> bool:
        """Whether one is a copy of the other, by their waveforms."""
        return self.exact or self.similarity >= SIMILAR


def nearest_in_train(store: Store) -> list[Nearest]:
    """For each test recording the most similar one of train or valid; with folds, of the other folds.

    Takes about 5 ms a recording and 10 ms a recording of test, on each core.

    Returns:
        one for each item of test, or of any fold; empty where the store has none, or none to learn from.

    Raises:
        ValueError: the store holds no recordings.
    """
    if store.kind != "audio":
        raise ValueError(f"the store should hold audio, got {store.kind}")
    tested, learnt, sides = _sides(store)
    if not len(tested) or not len(learnt):
        return []
    items = np.union1d(tested, learnt)
    prints = _prints(store, items)
    place_of = {int(item): place for place, item in enumerate(items)}
    same_digest = _by_digest(learnt, prints, place_of)
    test_places, train_places = np.searchsorted(items, tested), np.searchsorted(items, learnt)
    likely = _candidates(prints.vectors[test_places], prints.vectors[train_places], sides[tested], sides[learnt])
    waveform = lru_cache(_KEPT)(lambda item: _waveform(store, item))

    def nearest(place: int) -> Nearest:
        item = int(tested[place])
        equal = same_digest.get(prints.digests[place_of[item]], [])
        same = next((other for other in equal if sides[other] != sides[item]), None)
        if same is not None:
            return Nearest(item, same, 1.0, True)
        return _nearest(item, learnt[likely[place]].tolist(), waveform)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(nearest, range(len(tested)))
        return list(progress(found, label="comparing", unit="recordings", total=len(tested)))


def _sides(store: Store) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Items to examine, items to compare them with, and the side of the split of every item."""
    splits = store.column("split")
    numbers = {split: number for number, split in enumerate(sorted(filter(is_fold, set(splits))))}
    if len(numbers) > 1:
        sides = np.array([numbers.get(split, -1) for split in splits], dtype=np.int64)
        folded = np.flatnonzero(sides >= 0).astype(np.int64)
        return folded, folded, sides
    tested = store.select("test")
    sides = np.zeros(len(store), dtype=np.int64)
    sides[tested] = 1
    return tested, np.concatenate([store.select("train"), store.select("valid")]), sides


def _by_digest(learnt: NDArray[np.int64], prints: "_Prints", place_of: dict[int, int]) -> dict[bytes, list[int]]:
    """The items of `learnt` by a hash of their samples; silence is left out."""
    items: dict[bytes, list[int]] = {}
    for item in learnt.tolist():
        digest = prints.digests[place_of[item]]
        if digest:
            items.setdefault(digest, []).append(item)
    return items


@dataclass(frozen=True)
class _Prints:
    digests: list[bytes]
    vectors: Vector


def _prints(store: Store, items: NDArray[np.int64]) -> _Prints:
    def of(item: int) -> tuple[bytes, Vector]:
        samples = _sounding(store.rows(item))
        # Silence repeats nothing.
        return hashlib.sha256(samples.tobytes()).digest() if len(samples) else b"", descriptor(samples)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        shown = progress(pool.map(of, items.tolist()), label="listening", unit="recordings", total=len(items))
        digests, vectors = zip(*shown, strict=True)
    return _Prints(list(digests), np.stack(vectors))


def _sounding(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Strip zeros at both ends."""
    (places,) = np.nonzero(samples)
    return samples[places[0] : places[-1] + 1] if len(places) else samples[:0]


def descriptor(samples: NDArray[np.int16]) -> Vector:
    """Gain-invariant distribution of a recording's energy over time and bands: (parts * bands + bands + 1,)."""
    level = _levels(samples[: round(_SECONDS * SAMPLE_RATE)])
    total = level.max(axis=1)
    (loud,) = np.nonzero(total >= total.max() - _QUIET)
    level = level[loud[0] : loud[-1] + 1]
    edges = np.linspace(0, len(level), _PARTS + 1)
    places = np.clip(edges[:-1].astype(int), 0, len(level) - 1)
    counts = np.maximum(np.diff(np.append(places, len(level))), 1)
    parts = np.add.reduceat(level, places, axis=0) / counts[:, None]
    parts -= parts.mean()
    length = 20.0 * np.log10(len(level))
    return np.concatenate([parts.ravel(), level.std(axis=0), [length]]).astype(np.float32)


def _levels(samples: NDArray[np.int16]) -> Vector:
    """(frames, bands) in dB, none more than `_DEPTH` below the largest."""
    from scipy import fft

    padded = np.pad(samples.astype(np.float32), (0, max(0, _N_FFT - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT)[::_HOP] * _window()
    power = np.square(np.abs(fft.rfft(frames, axis=1)))
    level = 10 * np.log10(power @ _bank() + np.float32(1e-3))
    return np.maximum(level, level.max() - _DEPTH)


@lru_cache(1)
def _window() -> Vector:
    return np.hanning(_N_FFT).astype(np.float32)


@lru_cache(1)
def _bank() -> Vector:
    """(bins, bands), each bin in one band."""
    frequencies = np.fft.rfftfreq(_N_FFT, 1 / SAMPLE_RATE)
    edges = np.geomspace(_LOW, _HIGH, _BANDS + 1)
    inside = (frequencies[:, None] >= edges[:-1]) & (frequencies[:, None] < edges[1:])
    return inside.astype(np.float32)


def _candidates(
    tested: Vector, learnt: Vector, tested_side: NDArray[np.int64], learnt_side: NDArray[np.int64]
) -> list[NDArray[np.int64]]:
    """For each row of `tested` the indices of the nearest rows of `learnt` on another side, nearest first."""
    spread = np.maximum(learnt.std(axis=0), 1e-3)
    rows, rows_side = torch.from_numpy(learnt / spread), torch.from_numpy(learnt_side)
    size = max(1, _BLOCK // len(learnt))
    count = min(_CANDIDATES, len(learnt))
    found: list[NDArray[np.int64]] = []
    for part, side in zip(
        torch.from_numpy(tested / spread).split(size), torch.from_numpy(tested_side).split(size), strict=True
    ):
        distances = torch.cdist(part, rows).masked_fill_(side[:, None] == rows_side, torch.inf)
        nearest = distances.topk(count, largest=False)
        usable = nearest.values.isfinite()
        found += [places[kept].numpy() for places, kept in zip(nearest.indices, usable, strict=True)]
    return found


def _nearest(item: int, candidates: list[int], waveform: Callable[[int], Vector]) -> Nearest:
    one = waveform(item)
    similarity, train = max((similarity_of(one, waveform(other)), -other) for other in candidates)
    return Nearest(item, -train, similarity, False)


def _waveform(store: Store, item: int) -> Vector:
    """A recording's sound at 4 kHz, whitened, of norm 1."""
    return whitened(_sounding(store.rows(item)))


def whitened(samples: NDArray[np.int16]) -> Vector:
    """The waveform at 4 kHz whitened by its long-term spectrum, of norm 1, so that hum and tones count little."""
    from scipy import fft, ndimage

    samples = samples[: round(_SECONDS * SAMPLE_RATE)].astype(np.float32)
    size = fft.next_fast_len(max(len(samples), _N_FFT), real=True)
    size += -size % (SAMPLE_RATE // _RATE * 2)
    spectrum = fft.rfft(samples, size)
    kept = size * _RATE // SAMPLE_RATE
    spectrum = spectrum[: kept // 2 + 1]
    power = np.square(np.abs(spectrum))
    smooth = ndimage.uniform_filter1d(power, max(3, len(spectrum) // 64))
    spectrum = spectrum / np.sqrt(smooth + 1e-3 * smooth.mean() + 1e-12)
    spectrum[: int(len(spectrum) * 100 / (_RATE / 2))] = 0  # below 100 Hz there is hum
    wave = fft.irfft(spectrum, kept).astype(np.float32)
    return wave / max(float(np.linalg.norm(wave)), 1e-12)


def similarity_of(one: Vector, other: Vector) -> float:
    """The largest correlation at any shift, of either sign."""
    from scipy import fft

    size = fft.next_fast_len(len(one) + len(other), real=True)
    product = fft.rfft(one, size) * np.conj(fft.rfft(other, size))
    # Shifts between samples too: half a sample from the best shift, flat spectra correlate by no more than 2 / pi.
    return float(np.abs(fft.irfft(product, _FINER * size)).max()) * _FINER
