"""The weights that a training starts from in place of untrained ones: `--init`.

What they were trained with stays: architecture and width, front end, statistics. A run keeps a copy of them,
RUN/init.safetensors, and reads that alone when it goes on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from torch import nn

from randquant.errors import UsageError
from randquant.training.run import FILE_NAME as CHECKPOINT
from randquant.training.run_folder import START
from randquant.training.run_settings import read_settings
from randquant.training.settings import Training
from randquant.weights.foreign.user_function import PREFIX
from randquant.weights.named_encoder import UNTRAINED


class _Loaded(Protocol):
    """What a modality opens."""

    encoder: Any
    sha256: str
    report: str


Loaded = TypeVar("Loaded", bound=_Loaded)


@dataclass(frozen=True)
class Start(Generic[Loaded]):
    """Weights to start from.

    Attributes:
        loaded: the encoder and what is known about it.
        kept: the settings that a training from them has, by name.
        usual: further ones, which it has where no others are asked for; they may depend on what is.
    """

    loaded: Loaded
    kept: Mapping[str, Any]
    usual: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda given: {}

    def encoder(self) -> Any:
        """The network, to be trained."""
        network: nn.Module = self.loaded.encoder
        return network.train()


Open = Callable[[str], Start[Any]]


def completed(given: Mapping[str, Any], open_start: Open) -> dict[str, Any]:
    """Settings by name, and those beside them that the weights of `init` bring.

    Args:
        given: what was asked for; it stays, and `start_of` refuses what contradicts the weights.
        open_start: of the modality.

    Raises:
        DataError: the weights cannot be opened, or are of another modality.
        UsageError: they cannot be trained.
    """
    out = Path(given["out"])
    start = _opened(given["init"], out, open_start)
    usual = {**start.usual(given), "keep": _keep(out)}
    return {**usual, **start.kept, "init_sha256": start.loaded.sha256, **given}


def start_of(settings: Training) -> Start[Any] | None:
    """The weights that a training starts from; None where they are untrained.

    Raises:
        DataError: they cannot be opened, or are of another modality.
        UsageError: they cannot be trained, or the settings contradict them.
    """
    if settings.init is None:
        return None
    start = _opened(settings.init, settings.out, settings.open_start)
    found, wanted = start.loaded.sha256, str(settings.init_sha256)
    if found != wanted:
        raise UsageError(
            f"--init {settings.init} holds the weights {found[:12]}…, and --init_sha256 asks for {wanted[:12]}…; "
            "give those, or take init_sha256 out of the settings."
        )
    wrong = [name for name, value in start.kept.items() if getattr(settings, name) != value]
    if wrong:
        had = " ".join(_flag(name, start.kept[name]) for name in wrong)
        got = " ".join(_flag(name, getattr(settings, name)) for name in wrong)
        raise UsageError(
            f"--init {settings.init} was trained with {had}, which a training from it keeps, got {got}; leave that "
            f"out, or behind a --config that says it give {had}."
        )
    return start


def data_of(start: Start[Any] | None) -> dict[str, Any]:
    """What checkpoints say of the encoder among the data, since settings do not say all of a given one."""
    return {} if start is None else {"arguments": start.loaded.encoder.arguments}


def notes_of(start: Start[Any] | None, settings: Training) -> list[str]:
    """What is said of the weights before the training begins."""
    return [] if start is None else [f"the weights of --init {settings.init}: {start.loaded.report}"]


def _opened(name: str, out: Path, open_start: Open) -> Start[Any]:
    """Of a run that goes on, the weights that it began with."""
    if name.startswith(PREFIX):
        raise UsageError(
            f"--init {name}: your own encoder is not trained here; give a run, a file of weights or hf://owner/name."
        )
    if name.startswith(UNTRAINED):
        raise UsageError(f"--init {name} has learnt nothing; leave it out, a training starts untrained without it.")
    return open_start(str(out / START) if _goes_on(out) else name)


def _keep(out: Path) -> str:
    """The usual `keep`; of a run that goes on and is older than the setting, what it had."""
    older = _goes_on(out) and "keep" not in read_settings(out)
    return "last" if older else "best"


def _goes_on(out: Path) -> bool:
    return (out / CHECKPOINT).exists() and (out / START).exists()


def _flag(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no_{name}"
    return f"--{name} {value}"
