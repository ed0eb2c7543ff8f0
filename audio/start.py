"""Weights of sound to start a training from, and what they say of its settings."""

from typing import Any

from randquant.audio.encoders.audio_ntt import AudioNTT2022
from randquant.audio.encoders.weights import FAMILY, LoadedEncoder, named_encoder
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.errors import UsageError
from randquant.weights.start import Start

_SETTINGS = ("n_fft", "hop", "mel")  # of the front end, beside its bands


def open_start(name: str) -> Start[LoadedEncoder]:
    """Weights by name.

    Those of others say no more of their front end than its number of bands; the rest is as the settings have it. The
    backends compute one front end, so that another one is a choice.

    Raises:
        DataError: they cannot be opened, or are of another modality.
        UsageError: their front end has numbers that no setting gives.
    """
    loaded = named_encoder(name, seed=0)
    encoder, front_end = loaded.encoder, loaded.front_end
    width = encoder.hidden if isinstance(encoder, AudioNTT2022) else encoder.arguments["d"]
    kept: dict[str, Any] = {"encoder": FAMILY.name_of(encoder), "d": width, "n_mels": encoder.n_mels}
    if loaded.mean is None:
        return Start(loaded, kept)
    kept |= {setting: getattr(front_end, setting) for setting in _SETTINGS}
    usual = FrontEnd()
    if (front_end.sample_rate, front_end.f_min, front_end.f_max) != (usual.sample_rate, usual.f_min, usual.f_max):
        raise UsageError(
            f"--init {name} has a front end of {front_end.f_min:g} to {front_end.f_max:g} Hz at "
            f"{front_end.sample_rate:,} Hz, and trainings have {usual.f_min:g} to {usual.f_max:g} Hz at "
            f"{usual.sample_rate:,} Hz; give weights of that."
        )
    return Start(loaded, kept, lambda given: {"backend": front_end.backend})
