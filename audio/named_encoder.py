"""An encoder as named on the command line: a run, a weights file, or an untrained network to compare with."""

from pathlib import Path

import torch

from audio.encoder import ENCODERS
from audio.weights import LoadedEncoder, load_encoder, untrained_encoder
from randquant.errors import UsageError

_UNTRAINED = "untrained:"


def named_encoder(name: str, *, seed: int) -> LoadedEncoder:
    """Open what `name` says.

    Args:
        name: a run folder, a weights file, or `untrained:ENCODER:D` such as `untrained:AudioNTT2020:2048`.
        seed: of an untrained encoder's initialisation.

    Raises:
        DataError: the file is no weights of a known encoder.
        UsageError: `untrained:` is not followed by a known encoder and a size it can have.
    """
    if not name.startswith(_UNTRAINED):
        return load_encoder(Path(name))
    encoder, _, size = name.removeprefix(_UNTRAINED).partition(":")
    if encoder not in ENCODERS or not size.isdecimal():
        raise UsageError(
            f"--checkpoint {name} does not name an untrained encoder; write untrained:ENCODER:D "
            f"with ENCODER one of {', '.join(ENCODERS)}, as in untrained:AudioNTT2020:2048."
        )
    try:
        return untrained_encoder(encoder, int(size), seed)
    except ValueError as error:
        raise UsageError(f"--checkpoint {name}: {error}") from None


def named_device(name: str) -> torch.device:
    """The device `name` says; "auto" is the GPU where there is one.

    Raises:
        UsageError: there is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise UsageError(f"--device {name} cannot be used here; give auto, cpu or cuda.") from None
    return device
