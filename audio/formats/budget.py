"""Limits on one file, so that a header of a few bytes cannot fill memory or disk."""

from pathlib import Path

from audio.formats.recording import Header
from randquant.errors import DataError

RATES = (1_000, 1_000_000)  # Hz; below is no sound that an encoder at 16 kHz could use, above no recording
MOST_CHANNELS = 128
MOST_HOURS = 48.0


def check_header(path: Path, header: Header) -> None:
    """Refuse an implausible header before anything is decoded.

    Raises:
        DataError: its rate, its channels or its length is beyond the budget, or it is empty.
    """
    if not RATES[0] <= header.rate <= RATES[1]:
        raise DataError(
            f"{path} states {header.rate:,} Hz, where {RATES[0]:,} to {RATES[1]:,} Hz are taken; restore its header or "
            "leave it out."
        )
    if not 1 <= header.channels <= MOST_CHANNELS:
        raise DataError(f"{path} states {header.channels:,} channels; at most {MOST_CHANNELS} are taken.")
    if header.frames is not None and header.frames <= 0:
        raise DataError(f"{path} holds no samples; leave it out or restore it.")
    check_length(path, header.frames or 0, header.rate)


def check_length(path: Path, frames: int, rate: int) -> None:
    """Refuse a recording that exceeds the limit, by its header or by the number of frames decoded so far.

    Raises:
        DataError: it is.
    """
    if frames > MOST_HOURS * 3600 * rate:
        raise DataError(f"{path} is longer than {MOST_HOURS:g} hours ({frames:,} samples at {rate:,} Hz); split it.")
