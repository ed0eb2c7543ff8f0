"""The reader of recordings: decode, mix to one channel, resample to 16 kHz, round to int16."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from randquant.audio.crops import SAMPLE_RATE
from randquant.audio.formats.engine import header_of
from randquant.audio.samples import PLAIN, Intake, read_samples, stream_samples
from randquant.data_prep.engine.plan import Reader
from randquant.errors import DataError

_SOUND = """
    wav wave bwf rf64 w64 flac aif aiff aifc au snd caf sph nist voc iff 8svx mp3 mp2 mp1 mpa mpga ogg oga ogx opus spx
    aac adts m4a m4b m4r 3gp 3ga amr awb wma ac3 eac3 dts ape wv tta tak mpc shn dsf dss ds2 qcp oma ra rm mka webm
"""
_FILM = "mp4 m4v mov mkv avi flv wmv asf mpg mpeg mts m2ts ogv"  # their sound is read; one without is reported
DECODED = tuple(f".{suffix}" for suffix in (*_SOUND.split(), *_FILM.split()))
# Sound, or what is taken for it, that nothing here decodes: planned all the same, to be reported with its reason.
FOREIGN = (".raw", ".pcm", ".mid", ".midi", ".dff", ".ofr", ".la")


def read_recording(path: Path, intake: Intake = PLAIN) -> tuple[dict[str, Any], Iterable[NDArray]]:
    """A recording's own sample rate and its levels as columns, and its samples in blocks of int16.

    The columns of the levels (`randquant.audio.levels`) come into the mapping when the blocks are read to their end.

    Raises:
        DataError: as `randquant.audio.decode.read_audio`.
    """
    rate, levels, pieces = stream_samples(path, intake)
    columns: dict[str, Any] = {"source_rate": rate}

    def blocks() -> Iterator[NDArray]:
        yield from pieces
        columns.update(levels.columns())

    return columns, blocks()


def read_window(path: Path, start: int, stop: int, intake: Intake = PLAIN) -> tuple[dict[str, Any], Iterable[NDArray]]:
    """Samples [start, stop) at 16 kHz of a recording, equal to that part of the whole.

    Raises:
        DataError: as `randquant.audio.decode.read_audio`, or the recording ends before `stop`.
    """
    seconds = (stop - start) / SAMPLE_RATE
    waveform, levels = read_samples(path, intake, start_seconds=start / SAMPLE_RATE, seconds=seconds)
    if len(waveform) < stop - start:
        raise DataError(f"{path} ends before sample {stop} at {SAMPLE_RATE} Hz; restore it or leave it out.")
    return {"source_rate": header_of(path).rate, **levels.columns()}, [waveform]


def samples(path: Path) -> int | None:
    """Length at 16 kHz by the header alone; None if it is unreadable or not stated."""
    try:
        header = header_of(path)
    except DataError:
        return None
    return None if header.frames is None else header.frames * SAMPLE_RATE // header.rate


def recordings_reader(intake: Intake) -> Reader:
    """A reader of recordings with the settings `intake`."""
    read, window = partial(read_recording, intake=intake), partial(read_window, intake=intake)
    return Reader("audio", read, intake.settings(), window)


RECORDINGS = recordings_reader(PLAIN)
