"""What a user has of sound -> what a store would hold of it: one channel of int16 at 16 kHz."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from randquant.audio.crops import Samples
from randquant.audio.formats.array import ArrayRecording
from randquant.audio.formats.recording import RATES, Recording
from randquant.audio.levels import Levels
from randquant.audio.samples import Channel, Intake, read_samples, samples_of
from randquant.errors import DataError, UsageError
from randquant.loading.ready_encoder import as_array, whole

Axes = Literal["BT", "CT", "TC", "BCT", "BTC"]
_FULL_SCALES = {"int8": 2**7, "uint8": 2**7, "int16": 2**15, "int32": 2**31}
_FLOATS = ("float16", "float32", "float64")
_MOST = 64.0  # of full scale: beyond it floats are integers in another dress


@dataclass(frozen=True)
class Sound:
    """A waveform in memory.

    Attributes:
        name: for messages, such as "waveform 2 of the input".
        frames: (T, C), of any dtype that `read` takes.
        rate: samples a second.
    """

    name: str
    frames: NDArray[Any]
    rate: int

    def read(self, intake: Intake) -> tuple[Samples, Levels]:
        """Mixed, resampled and stored as int16, all as a recording in a file is, with its levels.

        int16, int32, int8 and unsigned 8-bit samples are taken at the full scale of their type, floating-point ones
        at 1.0; samples beyond full scale are cut off, as in a store, and counted.

        Raises:
            DataError: it is empty, of another type, of numbers far beyond full scale, or holds NaN or infinity.
        """
        kind = self.frames.dtype.name
        if kind not in _FULL_SCALES and kind not in _FLOATS:
            raise DataError(
                f"{self.name} holds {kind}, which has no full scale that recordings use; make it int16 or int32, or "
                "float with full scale 1.0."
            )
        if self.frames.size == 0:
            raise DataError(f"{self.name} holds no samples; leave it out.")
        if kind in _FLOATS and float(np.nanmax(np.abs(self.frames[np.isfinite(self.frames)]), initial=0.0)) > _MOST:
            raise DataError(
                f"{self.name} holds {kind} numbers far beyond 1.0, which is full scale; divide by that of the integers "
                "they come from, 32,768 for 16 bits."
            )
        if kind == "int32" and 0 < max(int(self.frames.max()), -int(self.frames.min())) < 2**15:
            warnings.warn(
                f"{self.name} holds int32 that int16 could hold, which is silence at the full scale of 32 bits; make "
                "it int16 where it was recorded with 16.",
                stacklevel=7,
            )
        return samples_of(partial(_opened, self), intake)


def _opened(sound: Sound) -> Recording:
    kind = sound.frames.dtype.name
    numbers: Callable[[NDArray[Any]], NDArray[Any]] = _signed if kind == "uint8" else np.asarray
    recording = ArrayRecording(Path(sound.name), sound.frames, sound.rate, 1 / _FULL_SCALES.get(kind, 1), numbers)
    recording.header.check(recording.path)
    return recording


def _signed(block: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Samples of 8 bits around 0, as in WAV files of 8 bits they are around 128."""
    return block.astype(np.int16) - 128


def read_inputs(
    x: Any,
    sample_rate: int | Sequence[int] | None,
    axes: Axes | None,
    *,
    channel: Channel = "mean",
    peak_normalise: bool = False,
) -> tuple[list[tuple[Samples, Levels]], bool]:
    """Read a path, a tensor, an array, or a list of these.

    Args:
        x: as in a call of `randquant.audio.ready_encoder.AudioReadyEncoder`.
        sample_rate: of waveforms and .npy files, for all or one of each.
        axes: the order of axes of an array of more than one; in a list they are those of each element.
        channel, peak_normalise: as in `Intake`.

    Returns:
        Samples and levels of each waveform, and whether it is one alone.

    Raises:
        DataError: a waveform or a file cannot be taken.
        UsageError: no sample rate, axes that are missing or do not fit, or something else altogether.
    """
    listed = isinstance(x, list | tuple)
    named = [(f"input {place}", each) for place, each in enumerate(x)] if listed else [("the waveform", x)]
    parts = [part for name, each in named for part in _parts(name, each, axes)]
    single = not listed and (isinstance(x, str | Path) or axes is None or "B" not in axes)
    read = []
    for (name, part), rate in zip(parts, _rates(sample_rate, len(parts)), strict=True):
        intake = Intake(channel, peak_normalise, rate)
        if isinstance(part, Path):
            if rate is None and part.suffix.lower() == ".npy":
                raise UsageError(f"{part} does not say its sample rate; give sample_rate= in Hz.")
            read.append(read_samples(part, intake))
        elif rate is None:
            raise UsageError(f"{name} does not say its sample rate; give sample_rate= in Hz.")
        else:
            read.append(Sound(name, part, rate).read(intake))
    return read, single


def _parts(name: str, x: Any, axes: Axes | None) -> list[tuple[str, Path | NDArray[Any]]]:
    """A path, or the waveforms (T, C) in an array."""
    if isinstance(x, str | Path):
        return [(name, Path(x))]
    array = as_array(name, x)
    if array.ndim == 1 and axes in (None, "BT", "CT", "TC"):
        return [(name, array[:, None])]
    if array.ndim == 0:
        raise UsageError(f"{name} is a single number; give the samples of a waveform.")
    if axes is None:
        raise UsageError(
            f'{name} has the shape {tuple(array.shape)}, which can be read in more than one way; say axes="BT" for a '
            'batch of one channel each, "CT" or "TC" for one recording of several channels, "BCT" or "BTC" for a batch '
            "of those."
        )
    if axes not in get_args(Axes) or array.ndim != len(axes):
        raise UsageError(f"{name} has the shape {tuple(array.shape)}, to which axes={axes!r} does not belong.")
    if "B" not in axes:
        return [(name, array if axes == "TC" else array.T)]
    whole = array[:, None] if axes == "BT" else array
    return [(f"{name}, row {row},", each if axes == "BTC" else each.T) for row, each in enumerate(whole)]


def _rates(sample_rate: int | Sequence[int] | None, count: int) -> list[int | None]:
    if isinstance(sample_rate, np.ndarray | torch.Tensor):
        sample_rate = sample_rate.tolist()
    listed = [*sample_rate] if isinstance(sample_rate, list | tuple) else [sample_rate] * count
    if len(listed) != count:
        raise UsageError(f"sample_rate= has {len(listed)} rates for {count} inputs; give one for all or one of each.")
    rates = [None if rate is None else whole("sample_rate", rate) for rate in listed]
    strange = next((rate for rate in rates if rate is not None and not RATES[0] <= rate <= RATES[1]), None)
    if strange is not None:
        raise UsageError(f"sample_rate={strange} should be between {RATES[0]:,} and {RATES[1]:,} Hz.")
    return rates
