"""Probe a frozen audio encoder: how well classifiers on its features solve labelled tasks.

    python -m scripts.probe_audio --checkpoint RUN --task STORE --protocol byola-v1 --out probe.json
    python -m scripts.probe_audio --checkpoint untrained:AudioNTT2020:2048 --task STORE --out floor.json
    python -m scripts.probe_audio --checkpoint RUN --task ns us8k vc1 vf spcv2 spcv2-12 --stores STORES --out results/

prints

    task               accuracy     95 % by items  valid  macro  floor   rate
    fsdd_digit  0.7148 ± 0.0097  0.6737 to 0.7526  0.648  0.715  0.100  1e-03
    protocol byola-v1, mean of 10 repeats ± 95 % t half-width, seeds 42 to 51

and writes every number with its provenance: to one JSON file, or to a results folder with predictions, recall by
class, confusion and a page with the published rows (table.md). A folder belongs to one encoder, protocol and layer;
tasks are added when they are done, and a repeated task is replaced, so tasks can be run one at a time. Compare
folders with python -m scripts.compare.

Features are extracted once and cached by content, so a second probe of the same encoder and task takes
seconds. Hyper-parameters (learning rate, neighbours, penalty) are chosen on validation, never on test.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from randquant.audio.encoders.layer import Layer
from randquant.audio.evaluation.choices import ProtocolName, Statistics, StatisticsScope
from randquant.cli.command import run
from randquant.cli.terminal import say
from randquant.errors import UsageError
from randquant.precision import Precision, said
from randquant.probes.registry import ProbeName
from randquant.results.command import CommandRecord

if TYPE_CHECKING:
    from randquant.audio.evaluation.evaluate import Evaluation
    from randquant.audio.evaluation.result import AudioResult
    from randquant.audio.evaluation.tasks import ClipTask


@dataclass(frozen=True)
class AudioProbing:
    """Probe a frozen encoder on labelled stores.

    Attributes:
        checkpoint: run folder, weights file (ours, published, Lightning), hf://OWNER/NAME, untrained:ENCODER:D, or
            python:MODULE:FUNCTION, which runs your own code.
        task: stores with labels and splits or folds: paths, or with --stores names such as ns us8k vc1 vf spcv2
            spcv2-12.
        out: JSON file to write (several tasks become a list under "results"), or a results folder to add to.
        stores: folder of stores in which names are looked up, by folder name or by dataset.
        protocol: preset of padding, cropping, statistics, classifier, learning rate and repeats.
        probes: probes to run, by default linear, the one of the protocols; mlp is trained as linear is, fewshot means
            1, 5 and 10 labels per class, 1 % and 10 % of the labels.
        seeds: repeats of the classifier, with seeds --seed, --seed + 1, ...; the protocol's own number by default.
        sweep: choose the learning rate on validation, from 1e-5 to 1e-2 in half decades, instead of the protocol's.
        learning_rates: candidates to choose from on validation instead of the protocol's.
        layer: features to use.
        unit_seconds: clip length; by default the published one, or the average duration of the training
            items.
        statistics: normalise log-mels by the task's training clips, as published, or as the checkpoint was
            trained.
        statistics_scope: in cross-validation, share statistics between the folds as the protocol does (byola-v1: all
            items; evar: the first fold's training items), or give each fold those of its own training items.
        seed: of crops, of the first repeat, of an untrained encoder and of the changes of --robustness.
        robustness: also classify test clips that are quantised, companded, clipped, noisy, band-limited and quieter, by
            the classifiers of clean ones.
        cache: folder of features; ${RANDQUANT_CACHE:-~/.cache/randquant}/features by default.
        save_classifier: file for the fitted classifier of the first probe, for embed --classify; of one task with
            train and test splits.
        device: auto, cpu or cuda.
        precision: of the network that computes features: 32, bf16, or auto (bf16 where the hardware computes it fast).
    """

    checkpoint: str
    task: list[str]
    out: str
    stores: Path | None = None
    protocol: ProtocolName = "byola-v1"
    probes: list[ProbeName] | None = None
    seeds: int | None = None
    sweep: bool = False
    learning_rates: list[float] | None = None
    layer: Layer = "output"
    unit_seconds: float | None = None
    statistics: Statistics = "task"
    statistics_scope: StatisticsScope = "protocol"
    seed: int = 42
    robustness: bool = False
    cache: Path | None = None
    save_classifier: Path | None = None
    device: str = "auto"
    precision: Precision = "32"


def probe(settings: AudioProbing) -> None:
    """Probe a frozen encoder on labelled stores."""
    # Late, since they load torch, which --help does not need.
    from randquant.audio.evaluation.evaluate import Evaluation
    from randquant.audio.evaluation.named_store import named_store
    from randquant.audio.evaluation.task_features import Reading
    from randquant.audio.evaluation.tasks import PROTOCOLS, SWEPT_RATES, open_task
    from randquant.data.features import default_cache
    from randquant.results.folder import is_folder, require_distinct
    from randquant.training.processes.device import named_device

    _check(settings)
    tasks = [
        open_task(named_store(name, settings.stores), unit_seconds=settings.unit_seconds) for name in settings.task
    ]
    if is_folder(settings.out):
        require_distinct([each.name for each in tasks], "--task")
    rates = SWEPT_RATES if settings.sweep else tuple(settings.learning_rates or ()) or None
    reading = Reading(
        settings.cache or default_cache(),
        settings.seed,
        settings.layer,
        settings.statistics,
        settings.statistics_scope,
        named_device(settings.device),
    )
    evaluation = Evaluation(
        settings.checkpoint,
        PROTOCOLS[settings.protocol],
        settings.probes or ["linear"],
        rates,
        settings.seeds,
        reading,
        settings.save_classifier,
        settings.robustness,
        CommandRecord.of("probe_audio", vars(settings)),
    )
    _run(evaluation, tasks, settings.out, settings.precision)


def _run(evaluation: "Evaluation", tasks: "list[ClipTask]", out: str, precision: Precision) -> None:
    from randquant.audio.encoders.weights import named_encoder
    from randquant.inference import in_force
    from randquant.results.folder import Destination

    _require(evaluation, tasks)
    loaded = named_encoder(evaluation.checkpoint, seed=evaluation.reading.seed)
    loaded.precision = in_force(precision, evaluation.reading.device)
    how = {"protocol": evaluation.protocol.name, "layer": evaluation.reading.layer, **said(loaded.precision)}
    subject = {"encoder": loaded.sha256, **how}
    destination: Destination[AudioResult] = Destination(out, subject)
    say(f"{evaluation.checkpoint}: {loaded.report}")
    for task in tasks:
        destination.add(evaluation.on_task(loaded, task))
    say(*destination.lines())


def _require(evaluation: "Evaluation", tasks: "list[ClipTask]") -> None:
    """Refuse tasks that cannot be probed, before anything is computed."""
    from randquant.probes import registry
    from randquant.probes.classifier_file import require_classifier

    try:
        for task in tasks:
            registry.require(evaluation.asked(task), task.items)
    except ValueError as error:
        raise UsageError(f"--{error}.") from None
    if evaluation.save_classifier is not None:
        require_classifier(evaluation.save_classifier, evaluation.asked(tasks[0]), [task.items for task in tasks])


def _check(settings: AudioProbing) -> None:
    if settings.unit_seconds is not None and not 0.01 <= settings.unit_seconds <= 3600:
        raise UsageError(f"--unit_seconds {settings.unit_seconds:g} should lie between 0.01 and 3600.")
    if settings.seed < 0:
        raise UsageError(f"--seed {settings.seed} should be at least 0.")
    if settings.seeds is not None and settings.seeds < 1:
        raise UsageError(f"--seeds {settings.seeds} should be at least 1: it is the number of repeats.")
    if settings.sweep and settings.learning_rates:
        raise UsageError("--sweep and --learning_rates both say which rates to try; give one of them.")
    if settings.statistics == "checkpoint" and settings.statistics_scope == "fold":
        raise UsageError("--statistics checkpoint leaves no statistics to take by fold; drop --statistics_scope.")


if __name__ == "__main__":
    raise SystemExit(run(probe, description=__doc__))
