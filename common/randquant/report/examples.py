"""The items behind the numbers of one encoder on one task: its store, its features, and what is near what."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from randquant.data.features import Features, default_cache
from randquant.data.kept_features import kept_features
from randquant.data.store import Store, is_fold
from randquant.errors import UserError, one_line
from randquant.precision import said
from randquant.report.comparison import Candidate, ReportedTask
from randquant.report.media.excerpt import Excerpt
from randquant.report.modality import Show

NEAREST, TEMPERATURE = 20, 0.07  # of a vote, as the kNN probe's
_CHUNK = 512


@dataclass(frozen=True)
class Examples:
    """What can be shown of a task.

    Attributes:
        candidate: the encoder.
        stored: rows of the store by an item's name; empty where it cannot be read.
        rows: of the features, by an item's name; empty without features.
        show: an item of the store; None where the store cannot be read.
        features: (n, D) of unit length; None where no probe left them.
        labels, splits: of the items; empty without features.
        notes: what is missing, in sentences.
    """

    candidate: Candidate
    stored: dict[str, int]
    rows: dict[str, int]
    show: Show | None
    features: NDArray[np.float32] | None
    labels: Sequence[str | None]
    splits: Sequence[str | None]
    notes: list[str]

    @property
    def by(self) -> str:
        """Whose features they are, in words: of several trainings, the first one's."""
        first = ", first of its trainings" if self.candidate.encoder.seeds > 1 else ""
        return f"by {self.candidate.encoder.name}{first}"

    def excerpt(self, name: str) -> Excerpt | None:
        """What is shown of an item; None where there is nothing, or it cannot be read."""
        if self.show is None or name not in self.stored:
            return None
        try:
            return self.show(self.stored[name])
        except (UserError, OSError, ValueError) as error:
            self.notes.append(f"{name} cannot be shown ({one_line(error)}).")
            return None

    def nearest(self, queries: Sequence[int], count: int, *, trained: bool) -> list[list[tuple[int, float]]]:
        """For each row of the features, the `count` nearest other ones and their cosines.

        With `trained`, of the training items alone: those of split train, or of the other folds.
        """
        if self.features is None:
            return [[] for _ in queries]
        folds = np.array(self.splits, dtype=object)
        bank = np.flatnonzero(
            [split == "train" or is_fold(split) for split in self.splits] if trained else folds == folds
        )
        found = []
        for start in range(0, len(queries), _CHUNK):
            part = list(queries[start : start + _CHUNK])
            cosines = self.features[part] @ self.features[bank].T
            for query, row in zip(part, cosines, strict=True):
                own = (bank == query) | ((folds[bank] == folds[query]) & trained & is_fold(folds[query]))
                row = np.where(own, -2.0, row)
                best = np.argsort(-row, kind="stable")[: min(count, int((~own).sum()))]
                found.append([(int(bank[each]), float(row[each])) for each in best])
        return found

    def support(self, names: Sequence[str], answers: Sequence[str]) -> list[float | None]:
        """For each item the share of the vote of its 20 nearest training items that an answer has."""
        known = [place for place, name in enumerate(names) if name in self.rows]
        shares: list[float | None] = [None] * len(names)
        if self.features is None:
            return shares
        near = self.nearest([self.rows[names[place]] for place in known], NEAREST, trained=True)
        for place, found in zip(known, near, strict=True):
            votes = np.exp([(cosine - 1.0) / TEMPERATURE for _, cosine in found])
            given = np.array([self.labels[row] == answers[place] for row, _ in found])
            shares[place] = float(votes[given].sum() / votes.sum()) if found else None
        return shares


def examples_of(task: ReportedTask, caches: Sequence[Path]) -> Examples | None:
    """The items of a task for the most accurate encoder whose answers are known; None where none are.

    Args:
        task: with its encoders.
        caches: folders of features, besides the default one.
    """
    answered = task.answered()
    if not answered:
        return None
    best, notes = answered[0], list[str]()
    first = next(
        each for each in best.encoder.trainings[0].results if (each.task, each.probe) == (task.name, task.probe)
    )
    store = _store(first.store.path, first.store.content_hash, task.modality.kind, notes)
    wanted = {
        "weights": first.checkpoint.sha256,
        "store": first.store.content_hash,
        "precision": said(first.precision).get("precision"),
        **task.modality.features(first),
    }
    features = kept_features([*caches, default_cache()], wanted) if first.store.content_hash else None
    if features is None:
        notes.append(
            f"The features of {best.encoder.name} on {task.name} are not in the cache, so nothing is said of what is "
            "near what: name their folder with --cache, or probe again."
        )
    return Examples(
        best,
        {} if store is None else _numbered(store.column("path")),
        {} if features is None else _numbered(features.ids),
        None if store is None else _show(task, store, notes),
        None if features is None else _unit(features),
        [] if features is None else features.labels,
        [] if features is None else features.splits,
        notes,
    )


def _numbered(names: Sequence[str]) -> dict[str, int]:
    return {name: row for row, name in enumerate(names)}


def _store(path: str, content_hash: str | None, kind: str, notes: list[str]) -> Store | None:
    """The store of a result, where it still holds the same data."""
    try:
        store = Store.open(path, kind=kind or None)
        same = store.info["content_hash"] == content_hash
    except (UserError, OSError) as error:
        notes.append(f"The items are not shown: {one_line(error)}.")
        return None
    if not same:
        notes.append(f"The items are not shown: {path} holds other data now than those that were probed.")
        return None
    return store


def _show(task: ReportedTask, store: Store, notes: list[str]) -> Show | None:
    try:
        return task.modality.shows(store)
    except (UserError, OSError, ImportError) as error:
        notes.append(f"The items are not shown: {one_line(error)}.")
        return None


def _unit(features: Features) -> NDArray[np.float32]:
    vectors = np.asarray(features.vectors, dtype=np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
