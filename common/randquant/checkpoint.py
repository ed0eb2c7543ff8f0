"""A training run on disk: whole checkpoints only, and the settings they belong to.

RUN/config.yaml         the resolved settings; `--config RUN/config.yaml` repeats the run
RUN/checkpoint.pt       the last whole state
RUN/log.csv             one row every few steps
RUN/encoder.safetensors written last: its presence means the run is finished
"""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from randquant.atomic import atomic_path
from randquant.errors import DataError, UsageError

FORMAT = "randquant-checkpoint"
VERSION = 1


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers, strings and containers of them, atomically."""
    # Through a file of Python's: PyTorch's own writer does not say why it could not write.
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        try:
            torch.save({"format": FORMAT, "version": VERSION, **state}, file)
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):  # such as a full disk, which closing the archive had hidden
                raise error.__context__ from None
            raise


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint of ours onto the CPU; nothing in the file is executed.

    Raises:
        DataError: missing, truncated, not ours, of another version, or holding more than data.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; check the path.") from None
    except (RuntimeError, pickle.UnpicklingError, EOFError, zipfile.BadZipFile, ValueError, KeyError):
        raise DataError(f"{path} is no whole checkpoint of ours; delete it and run the command again.") from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise DataError(f"{path} is not a randquant training checkpoint; give the run's folder or its encoder file.")
    if state.get("version") != VERSION:
        raise DataError(
            f"{path} has checkpoint version {state.get('version')}, this program reads version {VERSION}; "
            "use the program that wrote it or train again."
        )
    return state


def check_same_settings(stored: dict[str, Any], wanted: dict[str, Any], *, free: set[str], run: Path) -> None:
    """Refuse to continue a run under other settings; `free` names the settings that do not change its result.

    Raises:
        UsageError: names every setting that differs.
    """
    differing = [
        f"{name} was {stored.get(name)!r} and is now {wanted.get(name)!r}"
        for name in sorted(stored.keys() | wanted.keys())
        if name not in free and stored.get(name) != wanted.get(name)
    ]
    if differing:
        raise UsageError(
            f"{run} holds a run with other settings ({'; '.join(differing)}); repeat its settings "
            f"(--config {run / 'config.yaml'}) or choose another --out."
        )
