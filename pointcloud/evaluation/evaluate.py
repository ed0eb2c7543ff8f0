"""All that is asked of one encoder on one task: probes, changed shapes, repeated shapes, few shots, fine-tuning."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from pointcloud.encoders.dgcnn import DGCNN
from pointcloud.encoders.weights import LoadedPointEncoder
from pointcloud.evaluation import fewshot_folds, finetune
from pointcloud.evaluation.finetune import FinetuneSettings
from pointcloud.evaluation.fold_files import SETTINGS, spellings
from pointcloud.evaluation.protocols import Protocol
from pointcloud.evaluation.repetition import repeated, without
from pointcloud.evaluation.robustness import corrupted_features, described
from pointcloud.evaluation.shape_task import POINTS, ShapeTask, task_features
from pointcloud.first_points import in_words, require_number
from randquant.data.features import Features
from randquant.errors import DataError
from randquant.probes import registry as probing
from randquant.probes.conditions import apart, beside
from randquant.probes.episodes import EpisodeOutcome
from randquant.probes.outcome import Outcome
from randquant.probes.registry import ProbeName
from randquant.results.folder import Entry
from randquant.results.record import checkpoint_facts, store_facts, versions, written_down

FEWSHOT_TASK = "modelnet40-fewshot"


@dataclass(frozen=True)
class Evaluation:
    """What is asked, of every task alike.

    Attributes:
        checkpoint: as typed.
        published: the preset as it is.
        protocol: the preset as it is run.
        probes: in the order they are reported.
        robustness: ask about changed test shapes too.
        repeats: score without the test shapes that repeat a training shape too.
        finetune: how to fine-tune too; None where not.
        seed: of the first repeat and of the changes.
        cache: folder of features.
        device: where to compute.
    """

    checkpoint: str
    published: Protocol
    protocol: Protocol
    probes: list[ProbeName]
    robustness: bool
    repeats: bool
    finetune: FinetuneSettings | None
    seed: int
    cache: Path
    device: torch.device

    def on_task(self, loaded: LoadedPointEncoder, task: ShapeTask) -> tuple[dict[str, Any], list[Entry]]:
        """Results as `randquant.results.record.written_down` gives them."""
        features = task_features(loaded, task, cache=self.cache, device=self.device)
        outcomes = self._probed(loaded, task, features)
        if self.finetune is not None:
            settings = replace(self.finetune, points=require_number(task.points, "--finetune"))
            tuned = finetune.evaluate(
                loaded, task.store, settings, seed=self.seed, device=self.device, unfinished=self.cache
            )
            for outcome in tuned.values():
                outcome.numbers |= task.finetuning_facts()
            outcomes |= tuned
        if self.repeats:
            self._add_repeats(outcomes, task)
        provenance = {
            **task.facts(),
            "dimension": features.vectors.shape[1],
            **self._encoder_facts(loaded),
            "store": store_facts(task.store),
            "versions": versions(),
        }
        return written_down(
            self._identity(task.name, departures(self, task, loaded)), outcomes, provenance, features.items
        )

    def on_folds(
        self, loaded: LoadedPointEncoder, folder: Path, names: Sequence[str]
    ) -> tuple[dict[str, Any], list[Entry]]:
        """The fixed few-shot folds of `folder`, as a task of their own.

        Args:
            loaded: the encoder.
            folder: ModelNetFewshot, with one setting or more.
            names: of ModelNet40's classes, in order.
        """
        points = require_number(self.protocol.points or loaded.points or POINTS, "--fewshot_folds")
        outcomes = {
            f"folds-{ways}w{shots}s": fewshot_folds.evaluate(
                loaded,
                folder,
                fewshot_folds.FoldSettings(ways, shots, points),
                cache=self.cache,
                names=names,
                device=self.device,
            )
            for ways, shots in fold_settings(folder)
        }
        provenance = {
            "split_counts": {},
            "data": {"published": None, "in_store": {}, "split_source": "fixed folds", "complete": None},
            "points": points,
            "order": "farthest",
            "renormalise": True,
            "dimension": loaded.encoder.embedding_size(),
            **self._encoder_facts(loaded),
            "store": {"path": str(folder), "content_hash": None, "source": None, "skipped": 0},
            "versions": versions(),
        }
        items = next(iter(outcomes.values())).items
        return written_down(self._identity(FEWSHOT_TASK, []), outcomes, provenance, items)

    def _probed(self, loaded: LoadedPointEncoder, task: ShapeTask, features: Features) -> dict[str, Outcome]:
        """Every probe, of clean test shapes; with `robustness` their numbers hold those of changed ones too."""
        changed: dict[str, Features] = {}
        if self.robustness:
            changed = corrupted_features(loaded, task, seed=self.seed, cache=self.cache, device=self.device)
        outcomes = probing.evaluate(
            self.probes,
            beside(features, changed) if changed else features,
            self.protocol.linear,
            machine=self.protocol.svm,
            seed=self.seed,
            device=self.device,
        )
        for name, outcome in outcomes.items():
            if changed and not isinstance(outcome, EpisodeOutcome):  # whose items are those of train
                outcomes[name], scores = apart(outcome, features, list(changed))
                outcomes[name].numbers["robustness"] = described(scores, self.seed)
        return outcomes

    def _add_repeats(self, outcomes: dict[str, Outcome], task: ShapeTask) -> None:
        found = repeated(task.store, cache=self.cache)
        for outcome in outcomes.values():
            if not isinstance(outcome, EpisodeOutcome):
                exact = sum(found.values())
                outcome.numbers["without_repeats"] = {**without(outcome, found), "exact": exact}

    def _identity(self, task: str, departing: list[str]) -> dict[str, Any]:
        described = {name: getattr(self.protocol, name) for name in ("name", "classifier", "differs", "source")}
        return {"task": task, "protocol": {**described, "departures": departing}, "seed": self.seed}

    def _encoder_facts(self, loaded: LoadedPointEncoder) -> dict[str, Any]:
        return {
            "channels": list(loaded.encoder.channels),
            "encoder_up": loaded.up,
            "checkpoint": checkpoint_facts(self.checkpoint, loaded),
        }


def fold_settings(folder: Path) -> list[tuple[int, int]]:
    """Ways and shots of the few-shot folds there are.

    Raises:
        DataError: none.
    """
    found = [pair for pair in SETTINGS if any((folder / name).is_dir() for name in spellings(*pair))]
    if not found:
        raise DataError(
            f"{folder} has none of the folders {', '.join(spellings(*pair)[0] for pair in SETTINGS)} with few-shot "
            "folds; give --fewshot_folds the folder ModelNetFewshot."
        )
    return found


def missing_settings(folder: Path) -> list[str]:
    """Folders of published settings of few-shot folds that are not there.

    Raises:
        DataError: none is.
    """
    found = fold_settings(folder)
    return [spellings(*pair)[0] for pair in SETTINGS if pair not in found]


def departures(evaluation: Evaluation, task: ShapeTask, loaded: LoadedPointEncoder) -> list[str]:
    """Where the command line, the store or the encoder left the preset, in words."""
    published, svm = evaluation.published, evaluation.protocol.svm
    neighbours = loaded.encoder.k if isinstance(loaded.encoder, DGCNN) else None
    release = _release(task)
    stored = int(task.store.lengths.min())
    said = {
        f"{neighbours} neighbours of a point instead of {published.neighbours}": (
            neighbours is not None and published.neighbours not in (None, neighbours)
        ),
        f"shapes of {release} instead of {published.release}": (
            release is not None and published.release not in (None, release)
        ),
        f"at the scale of all {stored:,} stored points": published.scaled_by not in (None, stored),
        in_words(task.points): published.points is not None and task.points != published.points,
        "farthest points, since the store does not know the file's order": task.order != published.order,
        f"C {'chosen from ' if len(svm.tried) > 1 else ''}{', '.join(f'{one:g}' for one in svm.tried)}": (
            svm.tried != published.svm.tried
        ),
        f"features {'' if svm.standardise else 'not '}standardised": svm.standardise != published.svm.standardise,
        f"{svm.folds} folds": svm.folds != published.svm.folds,
        f"{svm.repeats} repeats instead of {published.svm.repeats}": svm.repeats != published.svm.repeats,
    }
    return [words for words, departs in said.items() if departs]


def _release(task: ShapeTask) -> str | None:
    """The release of ModelNet that a store is of; None where it is of something else."""
    source = task.store.info.get("source")
    dataset = str(source.get("dataset")) if isinstance(source, dict) else ""
    return dataset if dataset.startswith("modelnet") else None
