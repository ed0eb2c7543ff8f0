"""How a recording becomes rows of a store: decoded, mixed to mono, resampled to 16 kHz, rounded to int16."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from audio.crops import SAMPLE_RATE
from audio.decode import RESAMPLER, stream_audio, to_int16
from data_prep.preparation import Reader


def read_recording(path: Path) -> tuple[dict[str, Any], Iterable[NDArray]]:
    """A recording's own sample rate as the column `source_rate`, and its samples in blocks of int16.

    Raises:
        DataError: as `audio.decode.read_audio`.
    """
    rate, pieces = stream_audio(path)
    return {"source_rate": rate}, (to_int16(piece) for piece in pieces)


RECORDINGS = Reader("audio", read_recording, {"sample_rate": SAMPLE_RATE, "resampler": RESAMPLER, "channels": "mean"})
