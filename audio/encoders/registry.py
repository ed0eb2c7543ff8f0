"""The encoders of sound by name. A new one needs a line here: flags, weights, embedding and probes follow."""

from typing import TYPE_CHECKING, Literal

from randquant.audio.encoders.audio_encoder import AudioEncoder
from randquant.audio.encoders.audio_ntt import AudioNTT2020, AudioNTT2022

ENCODERS: dict[str, type[AudioEncoder]] = {
    "AudioNTT2020": AudioNTT2020,
    "AudioNTT2022": AudioNTT2022,
}
if TYPE_CHECKING:
    EncoderName = str
else:
    EncoderName = Literal[tuple(ENCODERS)]
