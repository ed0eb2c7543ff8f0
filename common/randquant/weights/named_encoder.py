"""An encoder as named on the command line: a run, a weights file, or an untrained network to compare with."""

import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

from randquant.errors import UsageError
from randquant.weights.foreign.user_function import PREFIX
from randquant.weights.hub_download import PREFIX as HUB
from randquant.weights.hub_download import downloaded

Loaded = TypeVar("Loaded")
UNTRAINED = "untrained:"


def open_named(
    name: str,
    *,
    load: Callable[[Path], Loaded],
    make: Callable[[str, Any], Loaded],
    foreign: Callable[[str], Loaded],
    encoders: Collection[str],
    example: str,
    number: str = "D",
    whole: bool = True,
) -> Loaded:
    """Open what `name` says.

    Args:
        name: a run folder, a weights file, `hf://owner/name[@revision]`, `untrained:ENCODER:D`, or
            `python:MODULE:FUNCTION`, which runs the user's own code (`randquant.weights.foreign`).
        load: opens weights.
        make: an untrained encoder of this name and size D.
        foreign: opens the encoder that the user's function returns.
        encoders: names there are.
        example: such as `AudioNTT2020:2048`.
        number: what D is called.
        whole: D is an int; else a float, such as a factor.

    Raises:
        UsageError: `untrained:` is not followed by a known encoder and a size it can have, or `python:` not by a
            function that returns an encoder.
    """
    if name.startswith(PREFIX):
        return foreign(name)
    if not name.startswith(UNTRAINED):
        return load(weights_path(name))
    encoder, _, size = name.removeprefix(UNTRAINED).partition(":")
    if encoder not in encoders or not re.fullmatch(r"\d+" if whole else r"\d+(\.\d+)?", size, re.ASCII):
        raise UsageError(
            f"--checkpoint {name} does not name an untrained encoder; write {UNTRAINED}ENCODER:{number} "
            f"with ENCODER one of {', '.join(encoders)}, as in {UNTRAINED}{example}."
        )
    try:
        return make(encoder, int(size) if whole else float(size))
    except ValueError as error:
        raise UsageError(f"--checkpoint {name}: {error}") from None


def weights_path(name: str) -> Path:
    """The run folder or file that a name says which is not of an untrained encoder; of `hf://` what was downloaded.

    Raises:
        DataError: the Hub does not give it.
        UsageError: it is no address of the Hub.
    """
    return downloaded(name) if name.startswith(HUB) else Path(name)


def untrained_name(name: str) -> str | None:
    """ENCODER of `untrained:ENCODER:D`, None for the name of anything else."""
    return name.removeprefix(UNTRAINED).partition(":")[0] if name.startswith(UNTRAINED) else None
