"""The encoders of sound by name. A new one needs a line here: flags, weights, embedding and probes follow."""

from typing import TYPE_CHECKING, Literal

from randquant.late_registry import LateRegistry

if TYPE_CHECKING:
    from randquant.audio.encoders.audio_encoder import AudioEncoder

ENCODERS: LateRegistry["type[AudioEncoder]"] = LateRegistry(
    "randquant.audio.encoders",
    {
        "AudioNTT2020": "audio_ntt:AudioNTT2020",
        "AudioNTT2022": "audio_ntt:AudioNTT2022",
    },
)
if TYPE_CHECKING:
    EncoderName = str
else:
    EncoderName = Literal[tuple(ENCODERS)]
