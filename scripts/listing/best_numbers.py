"""The best number of each task among results, by the encoder they name."""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from randquant.scripts.listing.run_entry import RunEntry

_BASELINES = re.compile("raw-.*|trees")  # beside an encoder of tables
_LARGEST = 1 << 26  # bytes of a file
Encoder = tuple[str, str]  # class and hash, as results name it


class Number(NamedTuple):
    """An accuracy, or R², and the probe that has it."""

    value: float
    probe: str


Numbers = dict[Encoder, dict[str, Number]]


def add_numbers(found: Numbers, file: Path) -> None:
    """Add the numbers of a JSON file, where it is one of results; the best of each task stays.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged, or too large.
    """
    if file.stat().st_size > _LARGEST:
        raise ValueError(f"it is larger than {_LARGEST >> 20} MiB, and was not looked into for results")
    value = json.loads(file.read_text(encoding="utf-8"))
    for entry in _entries(value):
        checkpoint, task, number = entry["checkpoint"], entry["task"], Number(entry["accuracy"], entry["probe"])
        best = found.setdefault((str(checkpoint.get("encoder")), str(checkpoint["sha256"])), {})
        if task not in best or best[task].value < number.value:
            best[task] = number


def numbers_of(run: RunEntry, found: Numbers, classes: Collection[str]) -> dict[str, Number]:
    """The best numbers of a run by task; `classes` are those of the encoders in `found`."""
    best: dict[str, Number] = {}
    if run.sha256 is None:
        return best
    arguments = json.dumps(run.arguments, sort_keys=True)
    for name in classes:
        # Of pictures and tables the hash is one of class, arguments and tensors (randquant.weights.network_hash).
        network = hashlib.sha256(f"{name} {arguments} {run.sha256}".encode()).hexdigest()
        for digest in (run.sha256, network):
            tasks = found.get((name, digest), {})
            best |= {task: max(best.get(task, number), number) for task, number in tasks.items()}
    return best


def _entries(value: Any) -> Iterator[dict[str, Any]]:
    """The results in a JSON value: with task, probe, accuracy and the hash of the encoder."""
    listed = value.get("results", [value]) if isinstance(value, Mapping) else []
    for entry in listed if isinstance(listed, list) else []:
        if not isinstance(entry, Mapping):
            continue
        probes = entry.get("probes")
        nested = [name for name in probes if isinstance(name, str)] if isinstance(probes, list) else []
        others = ({**entry, **entry[name], "probe": name} for name in nested if isinstance(entry.get(name), Mapping))
        parts = [entry, *others]
        yield from ({"probe": "linear", **part} for part in parts if _is_result(part))


def _is_result(part: Mapping[str, Any]) -> bool:
    checkpoint = part.get("checkpoint")
    texts = (
        part.get("task"),
        part.get("probe", "linear"),
        checkpoint.get("sha256") if isinstance(checkpoint, Mapping) else None,
    )
    number = part.get("accuracy")
    if not all(isinstance(text, str) for text in texts) or not isinstance(number, int | float):
        return False
    return number <= 1 and not _BASELINES.fullmatch(str(texts[1]))
