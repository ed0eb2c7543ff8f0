"""An audio encoder as named on the command line: a run, a weights file, or an untrained network to compare with."""

from audio.encoders.audio_ntt import ENCODERS
from audio.encoders.weights import LoadedEncoder, load_encoder, untrained_encoder
from randquant.weights.named_encoder import open_named


def named_encoder(name: str, *, seed: int) -> LoadedEncoder:
    """Open what `name` says.

    Args:
        name: a run folder, a weights file, or `untrained:ENCODER:D` such as `untrained:AudioNTT2020:2048`.
        seed: of an untrained encoder's initialisation.

    Raises:
        DataError: the file is no weights of a known encoder.
        UsageError: `untrained:` is not followed by a known encoder and a size it can have.
    """
    return open_named(
        name,
        load=load_encoder,
        make=lambda encoder, d: untrained_encoder(encoder, d, seed),
        encoders=ENCODERS,
        example="AudioNTT2020:2048",
    )
