"""How loud a recording is, which shows how it was read: silent, clipped, channels that cancel.

The counts are of what a store holds; each points to a mistake that goes unnoticed otherwise: 16-bit values in a file of
32 bits become silence, values of another scale in a float file become a square wave, and the mean of two channels of
opposite sign is nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

SILENT = 3  # steps of int16, -81 dB of full scale: dither and rounding stay below
CLIPPED = np.float32(32_768.5)  # steps of int16: full scale 1.0 itself is cut by one step, which is rounding
CANCELLING = 0.1  # of the energy that the mean of unrelated channels has: -10 dB; of two channels, correlation < -0.9

COUNTED = ("silent", "clipped", "cancelling")
TRACKS = "further_tracks"  # a column where a recording has some


class Levels:
    """Accumulates the levels of one recording while it is read.

    Attributes:
        peak: the largest sample of the waveform at 16 kHz, before any gain; full scale is 1.0.
        clipped: samples beyond full scale by more than rounding, which int16 cuts off.
        stored: the largest sample as stored, in steps of int16.
        further_tracks: of sound in the same file, which are not read.
    """

    def __init__(self) -> None:
        self.peak, self.clipped, self.stored, self.further_tracks = 0.0, 0, 0, 0
        self._mixed = self._channels = 0.0
        self._count = 1
        self._frames = 0

    def mix(self, block: NDArray[np.float32], mono: NDArray[np.float32]) -> None:
        """Add a block (frames, channels) and the mean of its channels, both as decoded."""
        self._count = block.shape[1]
        if self._count == 1:
            return  # nothing can cancel
        self._frames += len(block)
        self._mixed += _energy(mono)
        self._channels += sum(_energy(block[:, channel]) for channel in range(self._count))

    def samples(self, waveform: NDArray[np.float32], scaled: NDArray[np.float32], stored: NDArray[np.int16]) -> None:
        """Add a part of the waveform at 16 kHz: as read, after the gain in int16 steps, and as stored."""
        if len(waveform):
            self.peak = max(self.peak, float(waveform.max()), -float(waveform.min()))
            loudest = max(int(stored.max()), -int(stored.min()))
            self.stored = max(self.stored, loudest)
            if loudest >= 32_767:  # nothing else was cut
                self.clipped += int(np.count_nonzero(np.abs(scaled) > CLIPPED))

    def integers(self, stored: NDArray[np.int16]) -> None:
        """Add a part that is stored as it was read, of one channel."""
        loudest = max(int(stored.max()), -int(stored.min()))
        self.stored = max(self.stored, loudest)
        self.peak = max(self.peak, loudest / 32_768)

    @property
    def silent(self) -> bool:
        """Whether the stored samples are silence: none above three int16 steps."""
        return self.stored <= SILENT

    @property
    def cancelling(self) -> bool:
        """Whether channels cancel: their mean lies 10 dB or more below that of unrelated channels as loud as these."""
        audible = self._channels > self._frames * (SILENT / 32_768) ** 2
        return self._count > 1 and audible and self._mixed < CANCELLING * self._channels / self._count**2

    def columns(self) -> dict[str, Any]:
        """As columns of a manifest."""
        return {
            "peak": self.peak,
            "silent": int(self.silent),
            "clipped": self.clipped,
            "cancelling": int(self.cancelling),
            **({TRACKS: self.further_tracks} if self.further_tracks else {}),
        }


def count_levels(recordings: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """How many recordings are silent, clipped, cancelling or one track of several, by those columns that they have."""
    counts: Counter[str] = Counter()
    for row in recordings:
        counts.update(name for name in (*COUNTED, TRACKS) if row.get(name))
    return counts


def levels_line(counts: Mapping[str, int]) -> str:
    """The counts of `count_levels` in one line, with what to do about them.

    >>> levels_line({"silent": 1, "clipped": 2})
    'levels: 1 silent, 2 clipped (beyond full scale; --peak_normalise keeps that), 0 with a channel cancelling'
    """
    silent, clipped, cancelling = (counts.get(name, 0) for name in COUNTED)
    kept = "; --peak_normalise keeps that" if clipped else ""
    taken = " (--channel loudest takes one instead of the mean)" if cancelling else ""
    tracks = counts.get(TRACKS, 0)
    further = f"; {tracks:,} with several tracks of sound, of which the default one is read" if tracks else ""
    return (
        f"levels: {silent:,} silent, {clipped:,} clipped (beyond full scale{kept}), "
        f"{cancelling:,} with a channel cancelling{taken}{further}"
    )


def _energy(values: NDArray[np.float32]) -> float:
    with np.errstate(over="ignore"):
        energy = float(np.dot(values, values))
    return energy if np.isfinite(energy) else float(np.square(values, dtype=np.float64).sum())
