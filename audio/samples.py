"""Read a recording as int16 samples at 16 kHz of one channel, with its levels.

Stores and tables of embeddings read through these functions alone, so both see the same samples to the bit.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from randquant.audio.crops import SAMPLE_RATE, Samples
from randquant.audio.decode import (
    RESAMPLER,
    Mix,
    Waveform,
    mean_of_channels,
    read_audio,
    resampled_pieces,
)
from randquant.audio.formats.engine import open_recording
from randquant.audio.formats.recording import Block, Recording
from randquant.audio.levels import Levels
from randquant.errors import DataError, UsageError

Channel = Literal["mean", "left", "right", "loudest"]

_FULL_SCALE = np.float32(32_768)
_PICKS: dict[str, int | None] = {"mean": None, "left": 0, "right": 1}
_MOST_GAIN = 1e30  # float32 ends at 3e38


@dataclass(frozen=True)
class Intake:
    """Settings of reading a recording.

    Attributes:
        channel: "mean" of all, "left", "right" (the first and second; a recording of one channel has only that), or
            "loudest", the channel with the most energy over the whole recording.
        peak_normalise: scale each recording so that its largest sample is full scale; silence stays as it is.
        array_rate: samples a second of .npy files, which do not say; 16,000 where None.
    """

    channel: Channel = "mean"
    peak_normalise: bool = False
    array_rate: int | None = None

    def settings(self) -> dict[str, Any]:
        """JSON values, for plans, stores and provenance; defaults that came later are left out."""
        settings: dict[str, Any] = {"sample_rate": SAMPLE_RATE, "resampler": RESAMPLER, "channels": self.channel}
        if self.peak_normalise:
            settings["peak_normalise"] = True
        if self.array_rate is not None:
            settings["array_rate"] = self.array_rate
        return settings


PLAIN = Intake()


def trained_intake(metadata: Mapping[str, Any], array_rate: int | None = None) -> Intake | None:
    """How the recordings were read that an encoder was trained on; None where its metadata do not say."""
    known = {name: metadata[name] for name in ("channel", "peak_normalise") if name in metadata}
    return Intake(**known, array_rate=array_rate) if known else None


def common_intake(infos: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What several stores' descriptions agree on that is not the default, as keywords of `Intake`."""
    found = {(info.get("channels", PLAIN.channel), bool(info.get("peak_normalise"))) for info in infos}
    if len(found) != 1:
        return {}
    channel, peak_normalise = found.pop()
    chosen = {"channel": channel, "peak_normalise": peak_normalise}
    return {name: value for name, value in chosen.items() if value != getattr(PLAIN, name)}


def check_array_rate(rate: int) -> None:
    """Refuse an implausible sample rate.

    Raises:
        UsageError: it lies outside 100 to 1,000,000 Hz.
    """
    if not 100 <= rate <= 1_000_000:
        raise UsageError(f"--sample_rate {rate} should lie between 100 and 1,000,000 Hz.")


def count_arrays(paths: Iterable[str]) -> int:
    """The number of NumPy files among them."""
    return sum(path.lower().endswith(".npy") for path in paths)


def assumed_rate(arrays: int) -> str:
    """The sample rate assumed for `arrays` NumPy files, in words."""
    return f"{arrays:,} NumPy files were taken at {SAMPLE_RATE:,} Hz, as they do not say; --sample_rate says another"


def stream_samples(path: str | Path, intake: Intake = PLAIN) -> tuple[int, Levels, Iterator[Samples]]:
    """Read a recording in bounded memory; the loudest channel and the peak take one more pass each.

    Returns:
        its own sample rate in Hz, its levels, which are whole once the pieces are read, and (T,) pieces.

    Raises:
        DataError: as `randquant.audio.decode.read_audio`; raised here or from the iteration.
    """
    levels, (pick, gain) = Levels(), _found(path, intake)
    recording = open_recording(path, array_rate=intake.array_rate or SAMPLE_RATE)
    header = recording.header
    if gain == 1.0 and (header.rate, header.channels) == (SAMPLE_RATE, 1) and (blocks := recording.integers()):
        return header.rate, levels, _as_they_are(recording, blocks, levels)
    pieces = resampled_pieces(recording, SAMPLE_RATE, _mixer(pick, levels))
    return header.rate, levels, (_stored(piece, gain, levels) for piece in pieces)


def read_samples(
    path: str | Path, intake: Intake = PLAIN, *, start_seconds: float = 0.0, seconds: float | None = None
) -> tuple[Samples, Levels]:
    """Read a recording, or the part of it that `randquant.audio.decode.read_audio` reads, with the levels of that part.

    The loudest channel and the peak are those of the whole recording, so a part equals that part of the whole.

    Raises:
        DataError: as `randquant.audio.decode.read_audio`.
    """
    levels, (pick, gain) = Levels(), _found(path, intake)
    mix, array_rate = _mixer(pick, levels), intake.array_rate or SAMPLE_RATE
    waveform = read_audio(path, start_seconds=start_seconds, seconds=seconds, mix=mix, array_rate=array_rate)
    return _stored(waveform, gain, levels), levels


def samples_of(opened: Callable[[], Recording], intake: Intake = PLAIN) -> tuple[Samples, Levels]:
    """What `read_samples` gives for a recording that lies in memory.

    Args:
        opened: gives the recording, each time from its start.
        intake: how it becomes samples.

    Raises:
        DataError: as `randquant.audio.decode.read_audio`.
    """
    levels, (pick, gain) = Levels(), _pick_and_gain(opened, intake)
    pieces = resampled_pieces(opened(), SAMPLE_RATE, _mixer(pick, levels))
    return np.concatenate([_stored(piece, gain, levels) for piece in pieces]), levels


def _as_they_are(recording: Recording, blocks: Iterator[Samples], levels: Levels) -> Iterator[Samples]:
    """The samples of a recording of one channel at 16 kHz in 16 bits, which is what all others become."""
    with recording:
        for block in blocks:
            levels.integers(block)
            yield block[:, 0]


def _stored(waveform: Waveform, gain: float, levels: Levels) -> Samples:
    """Full scale 1.0 becomes 32,768: rounded to nearest, values beyond the range of int16 clipped."""
    with np.errstate(over="ignore"):  # what overflows is clipped, and counted
        scaled = waveform * np.float32(gain * _FULL_SCALE)
    rounded = np.rint(scaled)
    stored = np.clip(rounded, -32768, 32767, out=rounded).astype(np.int16)
    levels.samples(waveform, scaled, stored)
    return stored


def _mixer(pick: int | None, levels: Levels) -> Mix:
    """Mix blocks to one channel: channel `pick`, or the mean if None."""

    def mix(block: Block, recording: Recording) -> Waveform:
        levels.further_tracks = recording.header.tracks - 1
        if pick is not None:
            channel = min(pick, block.shape[1] - 1)
            block = block[:, channel : channel + 1]
        mono = mean_of_channels(block, recording)
        levels.mix(block, mono)
        return mono

    return mix


def _found(path: str | Path, intake: Intake) -> tuple[int | None, float]:
    """The channel to take, None for the mean, and the gain."""
    if intake.channel != "loudest" and not intake.peak_normalise:
        return _PICKS[intake.channel], 1.0
    try:
        state = Path(path).stat()
    except (OSError, ValueError):
        return None, 1.0  # reading it tells what is wrong
    return _looked_through(Path(path), intake, state.st_size, state.st_mtime_ns)


@lru_cache(64)  # windows of one long recording ask again and again
def _looked_through(path: Path, intake: Intake, size: int, changed: int) -> tuple[int | None, float]:
    return _pick_and_gain(partial(open_recording, path, array_rate=intake.array_rate or SAMPLE_RATE), intake)


def _pick_and_gain(opened: Callable[[], Recording], intake: Intake) -> tuple[int | None, float]:
    """The channel to take and the gain, by passes over the whole recording."""
    pick = _loudest(opened()) if intake.channel == "loudest" else _PICKS[intake.channel]
    if not intake.peak_normalise:
        return pick, 1.0
    recording = opened()
    pieces = resampled_pieces(recording, SAMPLE_RATE, _mixer(pick, Levels()))
    peak = max((float(np.abs(piece).max()) for piece in pieces if len(piece)), default=0.0)
    if peak == 0:
        return pick, 1.0
    gain = 32_767 / 32_768 / peak
    if gain > _MOST_GAIN:
        raise DataError(
            f"{recording.path} has no sample beyond {peak:.1e} of full scale, too little to scale up; leave it out."
        )
    return pick, gain


def _loudest(opened: Recording) -> int:
    """The channel with the most energy; the first of several."""
    with opened as recording:
        energy = np.zeros(recording.header.channels)
        for block in recording.blocks():
            energy += np.einsum("tc,tc->c", block, block, dtype=np.float64)
    return int(np.argmax(np.nan_to_num(energy, nan=-1.0)))
