"""One run of a list: settings, state, time and the hash of its encoder, read without its weights."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from randquant.files.lock import is_locked
from randquant.scripts.listing.settings_file import read_settings
from randquant.training.run_folder import FINISHED
from randquant.training.run_log import last_row
from randquant.weights.own_header import own_header


@dataclass(frozen=True)
class RunEntry:
    """A run.

    Attributes:
        path: its folder.
        settings: of its config.yaml.
        state: finished, running or interrupted, the latter two at a step.
        step: the last one that is logged.
        seconds: of training until then; None without a log.
        modality: as its encoder's file says; empty before there is one.
        sha256: of the encoder's tensors; None before there is one.
        arguments: of the encoder.
    """

    path: Path
    settings: dict[str, Any]
    state: str
    step: int
    seconds: float | None
    modality: str = ""
    sha256: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)


def read_run(folder: Path) -> RunEntry:
    """The run in a folder.

    Raises:
        OSError: a file of it cannot be read.
        ValueError: it is damaged, or not a run of ours.
    """
    settings, last = read_settings(folder / "config.yaml"), last_row(folder / "log.csv")
    step, seconds = (0, None) if last is None else (int(last["step"]), float(last["seconds"]))
    weights = folder / FINISHED
    if not weights.exists():
        state = "running" if is_locked(folder) else "interrupted"
        return RunEntry(folder, settings, f"{state} at step {step:,}", step, seconds)
    try:
        header = own_header(weights)
        if header is None:
            raise ValueError("it is none of ours")
        config = json.loads(header["config"])
        arguments, sha256 = dict(config["encoder"]["arguments"]), str(header["sha256"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{FINISHED} is damaged ({error})") from None
    return RunEntry(folder, settings, "finished", step, seconds, str(config.get("modality", "")), sha256, arguments)
