"""The contract that an encoder of other people keeps, and what a modality reads of it."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from randquant.errors import UsageError
from randquant.weights.foreign.foreign_module import ForeignModule
from randquant.weights.foreign.identity import Identity
from randquant.weights.foreign.user_function import UserFunction, user_function

Modality = Literal["audio", "images", "points", "tables"]
CONTRACT: dict[Modality, str] = {
    "audio": "attributes sample_rate and dimension; called with waveforms (B, T), floats in [-1, 1], it gives (B, D)",
    "points": "attribute dimension; called with clouds (B, N, 3) in the unit sphere, z up, it gives (B, D)",
    "images": "attribute dimension; called with pictures (B, 3, H, W) in [0, 1], it gives (B, D)",
    "tables": "attribute dimension; called with prepared rows (B, F), it gives (B, D)",
}


@dataclass
class ForeignEncoder:
    """What a user's function made, before a modality takes it.

    Attributes:
        user: the function.
        made: what it returned.
        modality: a key of `CONTRACT`.
        module: that calls it.
    """

    user: UserFunction
    made: Any
    modality: Modality
    module: ForeignModule

    def whole(self, name: str, default: int | None, least: int = 1, most: int = 1_000_000) -> int:
        """An attribute of the encoder that is a whole number.

        Raises:
            UsageError: it is missing without a default, no whole number, or out of range.
        """
        return _whole(self.user.name, self.made, self.modality, name, default, least, most)

    def choice(self, name: str, choices: tuple[Any, ...]) -> Any:
        """An attribute that is one of these; the first where there is none.

        Raises:
            UsageError: it is something else.
        """
        value = getattr(self.made, name, choices[0])
        if value not in choices:
            said = " or ".join(map(repr, choices))
            raise UsageError(f"--checkpoint {self.user.name}: the encoder's {name} should be {said}, got {value!r}.")
        return value

    def identified(self, batch: Tensor, arguments: dict[str, Any]) -> Identity:
        """Ask it about a fixed batch of two, and take the hash of all that is known of it.

        Args:
            batch: that batch, on the host.
            arguments: what the modality reads of its attributes.

        Raises:
            UsageError: it breaks the contract, or answers the same batch in two ways.
        """
        self.module.float().eval()
        with torch.no_grad():
            answer, again, alone = (self.module(part).float().cpu() for part in (batch, batch, batch[:1]))
        if not bool(torch.isfinite(answer).all()):
            raise UsageError(f"--checkpoint {self.user.name}: the encoder gives NaN or infinite vectors for noise.")
        if not torch.equal(answer, again):
            raise UsageError(
                f"--checkpoint {self.user.name}: the encoder gives two vectors for one input, so it draws something at "
                "random; fix its seed, or put it in eval mode."
            )
        return Identity.of(self.user, self.module, answer, _difference(answer[:1], alone), arguments)


def open_foreign(name: str, modality: Modality, seed: int) -> ForeignEncoder:
    """Call the user's function that `name` says.

    Args:
        name: `python:module:function` or `python:module:function:ARGUMENT`.
        modality: that is wanted, a key of `CONTRACT`.
        seed: of what it draws.

    Raises:
        UsageError: there is none, it fails, or what it returns is no encoder of this modality.
    """
    user = user_function(name)
    made = _made(user, seed)
    said = modality_said(made) or modality
    if said != modality:
        raise UsageError(
            f"--checkpoint {name} is an encoder of {said}; this command needs one of {modality}: {CONTRACT[modality]}."
        )
    dimension = _whole(name, made, modality, "dimension", None, 1, 1_000_000)
    return ForeignEncoder(user, made, modality, ForeignModule(made, name, dimension))


def modality_of_foreign(name: str, seed: int) -> Modality:
    """Of which modality an encoder says it is.

    Raises:
        UsageError: it does not say, or says something else.
    """
    said = modality_said(_made(user_function(name), seed))
    for modality in CONTRACT:
        if said == modality:
            return modality
    raise UsageError(
        f"--checkpoint {name}: the encoder should say what it embeds by an attribute modality, one of "
        f"{', '.join(CONTRACT)}, got {said!r}."
    )


def modality_said(made: Any) -> str | None:
    """The modality that an encoder names; that of sound where it has a sample rate; else None."""
    return getattr(made, "modality", None) or ("audio" if hasattr(made, "sample_rate") else None)


def _made(user: UserFunction, seed: int) -> Any:
    made = user.encoder(seed)
    if not callable(made):
        raise UsageError(
            f"--checkpoint {user.name} returned {type(made).__name__}; it should return an encoder, which is called "
            "with a batch."
        )
    return made


def _whole(name: str, made: Any, modality: Modality, key: str, default: int | None, least: int, most: int) -> int:
    value = getattr(made, key, default)
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        raise UsageError(
            f"--checkpoint {name}: the encoder's {key} should be a whole number from {least:,} to {most:,}, got "
            f"{value!r}; an encoder of {modality} has {CONTRACT[modality]}."
        )
    return int(value)


def _difference(one: Tensor, other: Tensor) -> float:
    largest = float(one.abs().max())
    return float((one - other).abs().max()) / largest if largest > 0 else 0.0
