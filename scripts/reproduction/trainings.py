"""A training, done again from the settings of its run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from randquant.cli.clock import clock
from randquant.errors import DataError
from randquant.files.json_record import Json
from randquant.results.changes import Change, differing
from randquant.scripts.reproduction.commands import training_call, words
from randquant.scripts.reproduction.places import Places
from randquant.training.checkpoint import load_checkpoint
from randquant.training.run import FILE_NAME as CHECKPOINT
from randquant.training.run_folder import FINISHED, START
from randquant.training.run_log import last_row
from randquant.training.run_settings import FILE_NAME as CONFIG
from randquant.training.run_settings import read_settings
from randquant.weights.weight_file import Content, read_weights

_COMPUTER = ("versions", "device", "threads")


@dataclass(frozen=True)
class Trained:
    """A finished run.

    Attributes:
        path: its folder.
        settings: of its config.yaml.
        weights: the encoder.
        about: what its checkpoint says of data and computer; empty where there is none.
    """

    path: Path
    settings: Mapping[str, Json]
    weights: Content
    about: Mapping[str, Any]

    @classmethod
    def open(cls, path: Path) -> "Trained":
        """Read the folder of a run.

        Raises:
            DataError: it is not finished, or damaged.
        """
        if not (path / FINISHED).is_file():
            raise DataError(f"{path} is not finished; run its command again, which goes on from its last checkpoint.")
        settings = read_settings(path)
        if not settings:
            raise DataError(f"{path / CONFIG} holds no settings; restore it.")
        state = load_checkpoint(path / CHECKPOINT) if (path / CHECKPOINT).exists() else {}
        about = {name: state[name] for name in ("data", "step", *_COMPUTER) if name in state}
        return cls(path, settings, read_weights(path), about)

    @property
    def config(self) -> dict[str, Any]:
        """What the encoder's file says of it."""
        return self.weights.own_config()

    def cost(self) -> str:
        """Steps and time that the training took, in words."""
        last = last_row(self.path / "log.csv")
        steps = self.config.get("training", {}).get("step") or self.about.get("step")
        size = f"{steps:,} steps of {self.settings.get('batch_size')}" if isinstance(steps, int) else "all steps"
        if last is None:
            return f"{size}; the run has no log that says how long they take"
        return f"{size}, which took {clock(float(last['seconds']))} h by the log of the run"

    def flags(self, places: Places, out: Path) -> list[str]:
        """The command line that trains again, to another folder.

        Raises:
            DataError: data are not there.
        """
        moved: dict[str, Json] = {"out": str(out)}
        data = self.settings.get("data")
        if isinstance(data, list):
            moved["data"] = [places.found(str(each), "store") for each in data]
        if self.settings.get("monitor"):
            moved["monitor"] = places.found(str(self.settings["monitor"]), "store")
        if self.settings.get("init"):
            kept = self.path / START
            moved["init"] = str(kept) if kept.exists() else places.found(str(self.settings["init"]), "weights")
        return ["--config", str(self.path / CONFIG), *words(moved)]


def train_again(run: Trained, places: Places, out: Path) -> Trained:
    """Train with the settings of a run, and as many threads.

    Args:
        run: the finished one.
        places: where the data are.
        out: folder of the new run.

    Raises:
        DataError, UsageError: as the training says them.
    """
    call = training_call(str(run.config.get("modality")), run.flags(places, out))
    threads = run.about.get("threads")
    before = torch.get_num_threads()
    try:
        if isinstance(threads, int) and threads > 0:
            torch.set_num_threads(threads)  # a sum in another order has other last digits
        call()
    finally:
        torch.set_num_threads(before)
    return Trained.open(out)


def weight_changes(run: Trained, again: Trained) -> list[str]:
    """What differs between two encoders, in words; empty where they are the same to the bit."""
    changes = differing(run.config, again.config)
    found = [str(change) for change in changes if change.name != "training.init"]  # by its hash, wherever it lies
    one, other = run.weights.value, again.weights.value
    if set(one) != set(other):
        return [*found, f"{len(set(one) ^ set(other))} tensors are in one of both alone"]
    distances = list(_distances(one, other))
    if distances:
        largest = max(distances)
        found.append(f"{len(distances)} of {len(one)} tensors differ, by up to {largest:.1e} of their norm")
    return found


def origin_changes(run: Trained, again: Trained) -> list[Change]:
    """Data, versions, device and threads that differ, as far as the run says them."""
    return list(differing(run.about, again.about))


def _distances(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> Iterator[float]:
    for name, tensor in one.items():
        if tensor.shape != other[name].shape:
            yield float("inf")
        elif not torch.equal(tensor, other[name]):
            norm = float(tensor.double().norm())
            yield float((tensor.double() - other[name].double()).norm()) / max(norm, 1e-12)


def in_words(changes: Sequence[Change]) -> str:
    """Changes in one line."""
    return "; ".join(map(str, changes))
