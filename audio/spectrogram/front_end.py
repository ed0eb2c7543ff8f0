"""How a waveform becomes a log-mel spectrogram: the numbers that define it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

Mel = Literal["slaney", "htk"]
Backend = Literal["native", "torchaudio", "nnaudio", "librosa"]


@dataclass(frozen=True)
class FrontEnd:
    """How a waveform becomes a log-mel spectrogram; stored with every checkpoint.

    Attributes:
        sample_rate: Hz.
        n_fft: window and FFT length in samples, even.
        hop: samples between frames.
        n_mels: mel bands F.
        f_min: lower edge of the lowest band in Hz.
        f_max: upper edge of the highest band in Hz, at most half the sample rate.
        mel: "slaney" is Slaney's scale with his area norm; "htk" is the HTK scale with peaks of 1, for old weights.
        backend: which code computes it. All agree within 2e-4 in the log domain; only in bands about 50 dB and more
            below a frame's loudest can the rounding of float32 FFTs show more than that.

    Raises:
        ValueError: a value is out of its range.
    """

    sample_rate: int = 16_000
    n_fft: int = 1024
    hop: int = 160
    n_mels: int = 64
    f_min: float = 60.0
    f_max: float = 7800.0
    mel: Mel = "slaney"
    backend: Backend = "native"

    def __post_init__(self) -> None:
        for name in ("sample_rate", "n_fft", "hop", "n_mels"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} should be a positive integer, got {value!r}.")
        if self.n_fft % 2:
            raise ValueError(f"n_fft should be even, got {self.n_fft}.")
        if not 0.0 <= self.f_min < self.f_max <= self.sample_rate / 2:
            raise ValueError(
                f"expected 0 <= f_min < f_max <= sample_rate / 2 = {self.sample_rate / 2:g} Hz, "
                f"got f_min={self.f_min!r} and f_max={self.f_max!r}."
            )
        for name, choices in (("mel", get_args(Mel)), ("backend", get_args(Backend))):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} should be one of {', '.join(choices)}, got {getattr(self, name)!r}.")

    def frames(self, samples: int) -> int:
        """Frames of a waveform of `samples` samples.

        >>> FrontEnd().frames(15_200)
        96
        """
        return 1 + samples // self.hop

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "FrontEnd":
        """The inverse of `to_dict`; fields left out take their defaults, unknown ones are a ValueError."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"the front end has no field {', '.join(unknown)}.")
        return cls(**values)


DEFAULT_FRONT_END = FrontEnd()
