"""How a recording becomes rows of a store: decoded, mixed to mono, resampled to 16 kHz, rounded to int16."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from audio.crops import SAMPLE_RATE
from audio.decode import RESAMPLER, read_audio, stream_audio, to_int16
from audio.formats.engine import header_of
from data_prep.preparation import Reader
from randquant.errors import DataError


def read_recording(path: Path) -> tuple[dict[str, Any], Iterable[NDArray]]:
    """A recording's own sample rate as the column `source_rate`, and its samples in blocks of int16.

    Raises:
        DataError: as `audio.decode.read_audio`.
    """
    rate, pieces = stream_audio(path)
    return {"source_rate": rate}, (to_int16(piece) for piece in pieces)


def read_window(path: Path, start: int, stop: int) -> tuple[dict[str, Any], Iterable[NDArray]]:
    """Samples [start, stop) at 16 kHz of a recording, equal to that part of the whole.

    Raises:
        DataError: as `audio.decode.read_audio`, or the recording ends before `stop`.
    """
    seconds = (stop - start) / SAMPLE_RATE
    waveform = read_audio(path, start_seconds=start / SAMPLE_RATE, seconds=seconds)
    if len(waveform) < stop - start:
        raise DataError(f"{path} ends before sample {stop} at {SAMPLE_RATE} Hz; restore it or leave it out.")
    return {"source_rate": header_of(path).rate}, [to_int16(waveform)]


def samples(path: Path) -> int | None:
    """Length at 16 kHz by the header alone; None where it cannot be read or does not say."""
    try:
        header = header_of(path)
    except DataError:
        return None
    return None if header.frames is None else header.frames * SAMPLE_RATE // header.rate


RECORDINGS = Reader(
    "audio",
    read_recording,
    {"sample_rate": SAMPLE_RATE, "resampler": RESAMPLER, "channels": "mean"},
    read_window,
)
