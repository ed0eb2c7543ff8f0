"""A recording on a page: its beginning as MP3, which every browser plays, and its outline."""

from collections.abc import Mapping
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from randquant.audio.crops import SAMPLE_RATE
from randquant.audio.evaluation.result import AudioResult
from randquant.data.store import Store
from randquant.extras import needs
from randquant.files.json_record import Json
from randquant.report.media.excerpt import Sound
from randquant.report.modality import Reported, Show

SECONDS = 3.0  # of a recording that are heard
_BARS = 60
_COMPRESSION = 0.9  # of a variable rate, from best to smallest
_QUIETEST = 0.05  # of full scale: the outline of softer ones stays small


def excerpts(store: Store) -> Show:
    """How the recordings of a store are heard."""

    def show(item: int) -> Sound:
        samples = store.rows(item, 0, int(SECONDS * SAMPLE_RATE))
        seconds = int(store.lengths[item]) / SAMPLE_RATE
        mime, data = compressed(samples)
        return Sound(item, mime, data, seconds, len(samples) / SAMPLE_RATE, outline(samples))

    return show


def compressed(samples: NDArray[np.int16]) -> tuple[str, bytes]:
    """The MIME type and bytes of (T,) int16 samples at 16 kHz; WAV where libsndfile writes no MP3."""
    with needs("audio"):
        import soundfile

    file = BytesIO()
    if "MP3" in soundfile.available_formats():
        soundfile.write(
            file, samples, SAMPLE_RATE, format="MP3", bitrate_mode="VARIABLE", compression_level=_COMPRESSION
        )
        return "audio/mpeg", file.getvalue()
    soundfile.write(file, samples, SAMPLE_RATE, format="WAV", subtype="PCM_U8")
    return "audio/wav", file.getvalue()


def outline(samples: NDArray[np.int16], bars: int = _BARS) -> list[float]:
    """Peaks of equal parts, in [0, 1] of the loudest one, or of 5 % of full scale where all are softer."""
    parts = np.array_split(np.abs(samples.astype(np.float32)) / 32_768, min(bars, max(1, len(samples))))
    peaks = np.array([part.max(initial=0.0) for part in parts])
    return [round(float(peak), 2) for peak in peaks / max(_QUIETEST, float(peaks.max(initial=0.0)))]


def _features(result: AudioResult) -> Mapping[str, Json]:
    wanted: dict[str, Json] = {
        "layer": result.layer,
        "unit": round(result.unit_seconds * SAMPLE_RATE),
        "crop_seed": result.crop_seed,
    }
    mean, std = result.statistics.mean, result.statistics.std
    return wanted if mean is None or std is None else {**wanted, "mean": mean, "std": std}


REPORTED = Reported("audio", "recordings", AudioResult, _features, excerpts)
