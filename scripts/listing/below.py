"""All runs and results below a folder."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from randquant.scripts.listing.best_numbers import Numbers, add_numbers
from randquant.scripts.listing.run_entry import RunEntry, read_run
from randquant.training.run_folder import FINISHED

_INSIDE = {"tensorboard", "snapshots", "shards", "wandb", "mlruns"}  # of runs and stores: no run lies there


@dataclass
class Found:
    """What was found.

    Attributes:
        runs: by path.
        numbers: of all results, by the encoder that they name.
        left_out: folders and files that are damaged or of others, with the reason.
    """

    runs: list[RunEntry] = field(default_factory=list)
    numbers: Numbers = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def found_below(folder: Path) -> Found:
    """The runs below a folder, itself included; links are not followed."""
    found = Found()
    for place, files in _places(folder, found):
        if "config.yaml" in files and "results.json" not in files:
            try:
                found.runs.append(read_run(place))
            except (OSError, ValueError) as error:
                found.left_out.append(_said(place, error))
        elif FINISHED in files:
            found.left_out.append(f"{place}: it has no config.yaml")
        for name in (name for name in files if name.endswith(".json")):
            try:
                add_numbers(found.numbers, place / name)
            except (OSError, ValueError, RecursionError) as error:
                found.left_out.append(_said(place / name, error))
    return found


def _places(folder: Path, found: Found) -> Iterator[tuple[Path, set[str]]]:
    """Folders with the names of their files, in the order of their names."""

    def note(error: OSError) -> None:
        found.left_out.append(_said(Path(str(error.filename)), error))

    for place, folders, files in os.walk(folder, onerror=note):
        if "store.json" in files:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if name not in _INSIDE and not name.startswith("."))
        yield Path(place), set(files)


def _said(path: Path, error: Exception) -> str:
    text = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    return f"{path}: {' '.join(text.split())}"
