"""Evaluate one audio encoder on one task by every requested probe."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from randquant.audio.encoders.layer import Layer
from randquant.audio.encoders.weights import LoadedEncoder
from randquant.audio.evaluation.result import AudioProtocolRecord, AudioResult, StatisticsRecord
from randquant.audio.evaluation.robustness import Corruption
from randquant.audio.evaluation.task_features import Reading, task_features
from randquant.audio.evaluation.tasks import ClipTask, Protocol
from randquant.audio.spectrogram.normalize import Normalisation
from randquant.data.features import Features
from randquant.errors import DataError
from randquant.files.json_record import Json
from randquant.probes import registry
from randquant.probes.classifier_file import SavedClassifier, save_classifier
from randquant.probes.conditions import conditioned
from randquant.probes.linear import LinearSettings
from randquant.probes.outcome import Numbers
from randquant.probes.probe import Probe
from randquant.results.command import CommandRecord
from randquant.results.record import Entry, entries, provenance


@dataclass(frozen=True)
class Evaluation:
    """The settings of an evaluation, the same for every task.

    Attributes:
        checkpoint: as typed.
        protocol: the preset.
        probes: names, in the order they are reported.
        learning_rates: candidates of the linear layer instead of the preset's.
        repeats: of the classifier instead of the preset's.
        reading: how features are made.
        save_classifier: file for the classifier of the first probe; None where it is not wanted.
        robustness: also ask about changed test clips.
        command: that asks for it.
    """

    checkpoint: str
    protocol: Protocol
    probes: list[registry.ProbeName]
    learning_rates: tuple[float, ...] | None
    repeats: int | None
    reading: Reading
    save_classifier: Path | None = None
    robustness: bool = False
    command: CommandRecord | None = None

    def linear(self, task: ClipTask) -> LinearSettings:
        """How a linear layer is trained on a task.

        Raises:
            ValueError: a value is out of range.
        """
        preset = self.protocol.linear
        return replace(
            preset,
            learning_rates=self.learning_rates or self.protocol.learning_rates(task.name),
            repeats=preset.repeats if self.repeats is None else self.repeats,
        )

    def asked(self, task: ClipTask) -> dict[str, Probe[Any]]:
        """The probes of a task, by the names of their results."""
        return registry.named(self.probes, [self.linear(task)])

    def on_task(self, loaded: LoadedEncoder, task: ClipTask) -> list[Entry[AudioResult]]:
        """The results of every probe.

        Raises:
            DataError: the task cannot be probed, or the checkpoint carries no statistics and is asked for them.
        """
        folds = task.folds if self.reading.by_fold(task) else [None]
        changes = Corruption.every(self.reading.seed) if self.robustness else []

        def features(change: Corruption | None = None) -> list[Features]:
            return [task_features(loaded, task, self.protocol, self.reading, fold, change) for fold in folds]

        by_fold, asked = features(), self.asked(task)
        wanted = next(iter(asked)) if self.save_classifier else None
        found = conditioned.evaluate(
            asked,
            by_fold if self.reading.by_fold(task) else by_fold[0],
            {each.name: features(each) for each in changes},
            seed=self.reading.seed,
            device=self.reading.device,
            fitted=wanted,
        )
        outcomes = found.outcomes
        settings, normalised = by_fold[0].provenance["settings"], _statistics(task, by_fold)

        def record(numbers: Numbers) -> AudioResult:
            return AudioResult(
                **vars(numbers),
                task=task.name,
                probes=list(outcomes),
                protocol=self._protocol_record(task),
                seed=self.reading.seed,
                unit_seconds=task.unit_seconds,
                unit_source=task.unit_source,
                statistics=normalised,
                statistics_scope=self.reading.scope,
                layer=settings["layer"],
                dimension=settings["dimension"],
                crop_seed=settings["crop_seed"],
                front_end=loaded.front_end.to_dict(),
                **provenance(self.checkpoint, loaded, task.store, task.counts(), self.reading.device),
                command=self.command,
            )

        if self.save_classifier is not None and wanted is not None:
            save_classifier(
                self.save_classifier,
                task.name,
                wanted,
                outcomes[wanted],
                encoder=loaded.sha256,
                features={
                    "layer": self.reading.layer,
                    "front_end": loaded.front_end.to_dict(),
                    "mean": normalised.mean,
                    "std": normalised.std,
                },
            )
        return entries(task.name, outcomes, record, changes, found.changed)

    def departures(self, task: ClipTask) -> list[str]:
        """Deviations of the command line from the protocol, in words."""
        settings, preset = self.linear(task), self.protocol.linear
        rates = self.protocol.learning_rates(task.name)
        said = {
            f"{settings.repeats} repeats instead of {preset.repeats}": settings.repeats != preset.repeats,
            f"learning rate {', '.join(f'{rate:g}' for rate in settings.learning_rates)} instead of {rates[0]:g}": (
                settings.learning_rates != rates and len(settings.learning_rates) == 1
            ),
            f"learning rate chosen on validation from {len(settings.learning_rates)}": len(settings.learning_rates) > 1,
            "clip length given": task.unit_source == "given",
            "statistics of the checkpoint": self.reading.statistics == "checkpoint",
            "statistics of each fold": self.reading.by_fold(task),
            f"layer {self.reading.layer}": self.reading.layer != "output",
        }
        return [words for words, departs in said.items() if departs]

    def _protocol_record(self, task: ClipTask) -> AudioProtocolRecord:
        described = {name: getattr(self.protocol, name) for name in ("name", "pad", "test_crop", "source")}
        return AudioProtocolRecord(**described, departures=self.departures(task))


def audio_features(saved: SavedClassifier, loaded: LoadedEncoder, layer: Layer | None) -> tuple[Layer, Normalisation]:
    """The layer and the normalisation of log-mels that a classifier was fitted on.

    Raises:
        DataError: the classifier is of another encoder, front end or layer, or not of sounds.
    """
    own: dict[str, Json] = {"front_end": loaded.front_end.to_dict()}
    saved.require(loaded.sha256, own if layer is None else {**own, "layer": layer})
    mean, std = (saved.said.features.get(name) for name in ("mean", "std"))
    fitted = next((each for each in get_args(Layer) if each == saved.said.features.get("layer")), None)
    if not isinstance(mean, float) or not isinstance(std, float) or fitted is None:
        raise DataError(f"{saved.path} does not say how log-mels were normalised; save the classifier again.")
    return fitted, Normalisation(mean, std, f"the task {saved.said.task} of the classifier")


def _statistics(task: ClipTask, by_fold: list[Features]) -> StatisticsRecord:
    found = [features.provenance["statistics"] for features in by_fold]
    if len(found) == 1:
        return StatisticsRecord.from_json(found[0])
    return StatisticsRecord(source="each fold's own training items", folds=dict(zip(task.folds, found, strict=True)))
