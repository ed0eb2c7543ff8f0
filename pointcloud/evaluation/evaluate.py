"""Evaluate one encoder on one task: probes, corrupted shapes, repeated shapes, few shots, fine-tuning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from randquant.data.coverage import Coverage, coverage
from randquant.data.labelled_store import items_of, source_of, split_counts
from randquant.errors import DataError
from randquant.files.json_record import Json
from randquant.installation.computer import computed_on
from randquant.pointcloud.encoders.dgcnn import DGCNN
from randquant.pointcloud.encoders.weights import LoadedPointEncoder
from randquant.pointcloud.evaluation import fewshot_folds, finetune
from randquant.pointcloud.evaluation.finetune_settings import FinetuneSettings
from randquant.pointcloud.evaluation.fold_files import SETTINGS, spellings
from randquant.pointcloud.evaluation.protocols import Protocol
from randquant.pointcloud.evaluation.repeats import known_repeats
from randquant.pointcloud.evaluation.result import ShapeProtocolRecord, ShapeResult, WithoutRepeats
from randquant.pointcloud.evaluation.robustness import Corruption
from randquant.pointcloud.evaluation.shape_task import POINTS, ShapeTask
from randquant.pointcloud.points.first_points import Points, in_words, require_number
from randquant.probes import registry
from randquant.probes.classifier_file import SavedClassifier, save_classifier
from randquant.probes.conditions import conditioned
from randquant.probes.outcome import Numbers, Outcome, on_some
from randquant.probes.probe import Probe
from randquant.probes.registry import ProbeName
from randquant.results.command import CommandRecord
from randquant.results.record import CheckpointRecord, Entry, StoreRecord, entries

FEWSHOT_TASK = "modelnet40-fewshot"


@dataclass(frozen=True)
class Questions:
    """The probes, in the order they are reported, and what is asked beside them.

    That is changed test shapes (`robustness`), a score without the test shapes that repeat a training shape
    (`repeats`), fine-tuning, and a file for the classifier of the first probe.
    """

    probes: list[ProbeName]
    robustness: bool
    repeats: bool
    finetune: FinetuneSettings | None
    save_classifier: Path | None = None


@dataclass(frozen=True)
class Evaluation:
    """An evaluation of one encoder, the same for every task.

    Attributes:
        checkpoint: as typed.
        published: the preset as it is.
        protocol: the preset as it is run.
        questions: what is asked.
        seed: of the first repeat and of the changes.
        cache: folder of features.
        device: where to compute.
        command: that asks for it.
    """

    checkpoint: str
    published: Protocol
    protocol: Protocol
    questions: Questions
    seed: int
    cache: Path
    device: torch.device
    command: CommandRecord | None = None

    @property
    def asked(self) -> dict[str, Probe[Any]]:
        """The probes, by the names of their results."""
        return registry.named(self.questions.probes, [self.protocol.svm, self.protocol.linear])

    def on_task(self, loaded: LoadedPointEncoder, task: ShapeTask) -> list[Entry[ShapeResult]]:
        """The results of every probe on one task."""
        features = task.features(loaded, cache=self.cache, device=self.device)
        every = Corruption.every(self.seed) if self.questions.robustness else []
        asked = [each for each in every if each.fits(task.store)]
        tested = conditioned.tested(task.items)
        embed = partial(task.features, loaded, cache=self.cache, device=self.device, rows=tested)
        found = conditioned.evaluate(
            self.asked,
            features,
            {each.name: embed(corruption=each) for each in asked},
            seed=self.seed,
            device=self.device,
            fitted=next(iter(self.asked)) if self.questions.save_classifier else None,
        )
        probed = found.outcomes
        self._save_classifier(loaded, task, probed)
        outcomes = {**probed, **self._finetuned(loaded, task)}
        repeated = known_repeats(task.store, cache=self.cache) if self.questions.repeats else None
        departing = departures(self, task, loaded)

        def record(numbers: Numbers) -> ShapeResult:
            # Fine-tuning chooses on valid, which other probes take as train, whatever the protocol.
            tuned = numbers.probe not in probed
            counts = split_counts((items_of(task.store) if tuned else task.items).splits)
            return self._result(
                loaded,
                numbers,
                task=task.name,
                probes=list(outcomes),
                protocol=self._protocol(departing),
                data=coverage(source_of(task.store), counts),
                split_counts=split_counts(task.store.column("split")),
                points=task.points,
                order="farthest" if tuned else task.order,
                renormalise=tuned or task.renormalise,
                precision="32" if tuned else loaded.precision,
                sampling=task.store.info.get("sampling"),
                up=task.store.info.get("up"),
                store=StoreRecord.of(task.store),
                without_repeats=_without(outcomes[numbers.probe], repeated, task),
            )

        return entries(task.name, outcomes, record, asked, found.changed)

    def on_folds(self, loaded: LoadedPointEncoder, folder: Path, names: Sequence[str]) -> list[Entry[ShapeResult]]:
        """The fixed few-shot folds of `folder` (ModelNetFewshot), as a task of their own; `names` of the classes in
        order."""
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

        def record(numbers: Numbers) -> ShapeResult:
            return self._result(
                loaded,
                numbers,
                task=FEWSHOT_TASK,
                probes=list(outcomes),
                protocol=self._protocol([]),
                data=Coverage(published=None, found=None, split_source="fixed folds", complete=None, differs=None),
                points=points,
                order="farthest",
                precision=loaded.precision,
                renormalise=True,
                store=StoreRecord(path=str(folder), content_hash=None, source=None),
            )

        return entries(FEWSHOT_TASK, outcomes, record)

    def _finetuned(self, loaded: LoadedPointEncoder, task: ShapeTask) -> Mapping[str, Outcome[Any]]:
        if self.questions.finetune is None:
            return {}
        settings = replace(self.questions.finetune, points=require_number(task.points, "--finetune"))
        return finetune.evaluate(
            loaded, task.store, settings, seed=self.seed, device=self.device, unfinished=self.cache
        )

    def _save_classifier(
        self, loaded: LoadedPointEncoder, task: ShapeTask, outcomes: Mapping[str, Outcome[Any]]
    ) -> None:
        if self.questions.save_classifier is None:
            return
        name, outcome = next(iter(outcomes.items()))
        taken: dict[str, Json] = {"points": task.points, "order": task.order, "renormalise": task.renormalise}
        save_classifier(self.questions.save_classifier, task.name, name, outcome, encoder=loaded.sha256, features=taken)

    def _protocol(self, departing: list[str]) -> ShapeProtocolRecord:
        described = {name: getattr(self.protocol, name) for name in ("name", "classifier", "differs", "source")}
        return ShapeProtocolRecord(**described, departures=departing)

    def _result(self, loaded: LoadedPointEncoder, numbers: Numbers, **taken: Any) -> ShapeResult:
        """A result with all that is the same for every task, and what was taken of this one."""
        return ShapeResult(
            **vars(numbers),
            **taken,
            seed=self.seed,
            dimension=loaded.encoder.embedding_size(),
            channels=list(loaded.encoder.channels),
            encoder_up=loaded.up,
            checkpoint=CheckpointRecord.of(self.checkpoint, loaded),
            command=self.command,
            **computed_on(self.device),
        )


def shape_points(saved: SavedClassifier, loaded: LoadedPointEncoder, points: Points | None) -> Points:
    """The points of each shape that a classifier was fitted on.

    Raises:
        DataError: the classifier is of another encoder, not of shapes, of other `points` than were asked for, or of
            shapes that are not brought to the unit sphere, as embedding does.
    """
    own: dict[str, Json] = {"order": "farthest", "renormalise": True}
    saved.require(loaded.sha256, own if points is None else {**own, "points": points})
    fitted = saved.said.features.get("points")
    if fitted != "any" and not isinstance(fitted, int):
        raise DataError(f"{saved.path} does not say how many points of a shape were taken; save the classifier again.")
    return "any" if isinstance(fitted, str) else fitted


def _without(outcome: Outcome[Any], repeated: Mapping[int, bool] | None, task: ShapeTask) -> WithoutRepeats | None:
    """What an outcome scores without repeated test shapes; None where none were looked for, or others are asked."""
    if repeated is None or not np.isin(outcome.rows, conditioned.tested(task.items)).all():
        return None
    return without(outcome, repeated)


def without(outcome: Outcome[Any], repeated: Mapping[int, bool]) -> WithoutRepeats:
    """The score of an outcome without the `repeated` items of the store, as `known_repeats` gives them."""
    kept = ~np.isin(outcome.rows, list(repeated))
    score = on_some(outcome, kept).to_json() if kept.any() else {"accuracy": None, "ci95": None, "test": 0}
    counts = {"left_out": int((~kept).sum()), "exact": sum(repeated.values())}
    return WithoutRepeats.from_json({**score, **counts})


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
    """Deviations of the command line, the store or the encoder from the preset, in words."""
    published, svm = evaluation.published, evaluation.protocol.svm
    neighbours = loaded.encoder.k if isinstance(loaded.encoder, DGCNN) else None
    dataset = str(source_of(task.store).get("dataset"))
    release = dataset if dataset.startswith("modelnet") else None
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
        "every shape turned about the up axis by an angle of its own": task.change is not None,
        f"{svm.folds} folds": svm.folds != published.svm.folds,
        f"{svm.repeats} repeats instead of {published.svm.repeats}": svm.repeats != published.svm.repeats,
    }
    return [words for words, departs in said.items() if departs]
