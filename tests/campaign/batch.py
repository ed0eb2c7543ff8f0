"""Many damaged files in one folder under one command: each is stored rightly or listed with its reason."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tests.campaign.child import Commands
from tests.campaign.input import controls_in, fault_of


@dataclass(frozen=True)
class Taken:
    """What a store holds of a file: its rows, and its row of the manifest."""

    rows: NDArray[Any]
    about: dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A format: the command that prepares it, the suffix, a good file, places where its parts meet, and the check of
    what was stored of a damaged one.
    """

    command: str
    suffix: str
    content: bytes
    edges: list[int]
    right: Callable[["Damaged", Taken], str | None]
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Damaged:
    """A file of a format, with what was done to it in words."""

    format: Kind
    kind: str
    content: bytes

    @property
    def suffix(self) -> str:
        """Of its name."""
        return self.format.suffix

    @property
    def title(self) -> str:
        """For people."""
        return f"prepare {self.format.command} {self.suffix}: {self.kind}"


def batch_faults(files: list[Damaged], commands: Commands, folder: Path) -> Iterator[str]:
    """What is wrong with how a command took files of one format; where it failed as a whole, each is tried alone."""
    prepared = _prepared(files, commands, folder / "all")
    if isinstance(prepared, str) and len(files) > 1:
        yield f"prepare {files[0].format.command} {files[0].suffix}, {len(files)} files: {prepared}"
        for place, each in enumerate(files):
            yield from batch_faults([each], commands, folder / f"{place}")
        return
    if isinstance(prepared, str):
        yield f"{files[0].title}: {prepared}"
        return
    for place, each in enumerate(files):
        fault = _of_file(each, prepared.get(_name(place, each)))
        if fault is not None:
            yield f"{each.title}: {fault}"


def _name(place: int, file: Damaged) -> str:
    return f"{place:04}{file.suffix}"


def _of_file(file: Damaged, found: Taken | str | None) -> str | None:
    if found is None:
        return "neither stored nor listed"
    if isinstance(found, Taken):
        return file.format.right(file, found)
    if not found or "\n" in found or controls_in(found):
        return f"its reason is no sentence: {found!r}"
    return None


def _prepared(files: list[Damaged], commands: Commands, folder: Path) -> dict[str, Taken | str] | str:
    """By name what was stored of each file or why not; or what is wrong with all."""
    root, form = folder / "files", files[0].format
    root.mkdir(parents=True)
    for place, each in enumerate(files):
        (root / _name(place, each)).write_bytes(each.content)
    (root / f"good{form.suffix}").write_bytes(form.content)
    words = [form.command, "--root", str(root), "--out", str(folder / "store"), "--workers", "1", *form.flags]
    outcome = commands.run("prepare", words, folder / "log", seconds=300)
    fault = fault_of(outcome, refused=False)
    if fault is not None or outcome.code:
        return fault or f"the good file is not stored: {outcome.err[-300:]}"
    found = dict(_read_store(folder / "store"))
    return found if isinstance(found.get(f"good{form.suffix}"), Taken) else "the good file is not stored"


def _read_store(path: Path) -> Iterable[tuple[str, Taken | str]]:
    """A store by numpy and pyarrow alone."""
    for row in pq.read_table(path / "manifest.parquet").to_pylist():
        shard = np.load(path / "shards" / f"{row['shard']:05}.npy")
        yield row["path"], Taken(shard[row["offset"] : row["offset"] + row["length"]], row)
    for entry in json.loads((path / "store.json").read_text())["skipped"]:
        yield entry["path"], entry["reason"]
