"""Probe a frozen audio encoder: how well classifiers on its features solve labelled tasks.

    python -m scripts.probe_audio --checkpoint RUN --task STORE --protocol byola-v1 --out probe.json
    python -m scripts.probe_audio --checkpoint untrained:AudioNTT2020:2048 --task STORE --out floor.json
    python -m scripts.probe_audio --checkpoint RUN --task ns us8k vc1 vf spcv2 spcv2-12 --stores STORES --out results/

prints

    task         accuracy          95 % by items     valid  macro  floor  rate
    fsdd_digit   0.7148 ± 0.0097   0.6737 to 0.7526  0.648  0.715  0.100  1e-03
    protocol byola-v1, mean of 10 repeats ± 95 % t half-width, seeds 42 to 51

and writes every number with where it comes from: into one JSON file, or into a results folder with the
predictions, recall by class, confusion and a page beside the published rows (table.md). A folder is of one
encoder, protocol and layer; each task is added when it is done, and the same task again replaces it, so six
tasks can be done on six days. Compare folders with python -m scripts.compare.

Features are extracted once and cached by content, so a second probe of the same encoder and task takes
seconds. What is chosen (learning rate, neighbours, penalty) is chosen on validation, never on test.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from audio.encoders.audio_ntt import Layer
from audio.encoders.named_encoder import named_encoder
from audio.encoders.weights import LoadedEncoder
from audio.evaluation.named_store import named_store
from audio.evaluation.results_page import AUDIO, published_lines, results_page
from audio.evaluation.task_features import Statistics, task_features
from audio.evaluation.tasks import PROTOCOLS, SWEPT_RATES, Protocol, ProtocolName, Task, open_task
from randquant.cli.command import run
from randquant.cli.terminal import say
from randquant.data.coverage import coverage
from randquant.data.features import Features, default_cache
from randquant.errors import UsageError
from randquant.probes import registry as probing
from randquant.probes.linear import LinearSettings
from randquant.probes.registry import ProbeName
from randquant.results.destination import Destination, is_folder, require_distinct
from randquant.results.folder import Entry
from randquant.results.page import partial_lines
from randquant.results.record import checkpoint_facts, store_facts, versions, written_down
from randquant.results.tables import result_table
from randquant.training.device import named_device

StatisticsScope = Literal["protocol", "fold"]


def probe(
    checkpoint: str,
    task: list[str],
    out: str,
    stores: Path | None = None,
    protocol: ProtocolName = "byola-v1",
    probes: list[ProbeName] | None = None,
    seeds: int | None = None,
    sweep: bool = False,
    learning_rates: list[float] | None = None,
    layer: Layer = "output",
    unit_seconds: float | None = None,
    statistics: Statistics = "task",
    statistics_scope: StatisticsScope = "protocol",
    seed: int = 42,
    cache: Path | None = None,
    device: str = "auto",
) -> None:
    """Probe a frozen encoder on labelled stores.

    Args:
        checkpoint: run folder, weights file (ours, published, Lightning), or untrained:ENCODER:D.
        task: stores with labels and splits or folds: paths, or with --stores names such as ns us8k vc1 vf spcv2
            spcv2-12.
        out: JSON file to write (several tasks become a list under "results"), or a results folder to add to.
        stores: folder of stores in which names are looked up, by folder name or by dataset.
        protocol: preset of padding, cropping, statistics, classifier, learning rate and repeats.
        probes: what to ask of the features, linear by default, the one the protocols know; mlp is trained as linear
            is, fewshot means 1, 5 and 10 labels a class, 1 % and 10 % of the labels.
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
        seed: of crops, of the first repeat and of an untrained encoder.
        cache: folder of features; ${RANDQUANT_CACHE:-~/.cache/randquant}/features by default.
        device: auto, cpu or cuda.
    """
    _check(unit_seconds, seed, sweep, learning_rates, statistics, statistics_scope)
    folder = is_folder(out)
    preset = PROTOCOLS[protocol]
    tasks = [open_task(named_store(name, stores), unit_seconds=unit_seconds) for name in task]
    if folder:
        require_distinct([each.name for each in tasks], "--task")
    for each in tasks:
        probing.require(probes or ["linear"], each.items)
    rates = list(SWEPT_RATES) if sweep else learning_rates
    settings = [_linear_settings(preset, each, rates, seeds) for each in tasks]
    chosen = Choices(
        preset,
        probes or ["linear"],
        layer,
        statistics,
        statistics_scope,
        seed,
        cache or default_cache(),
        named_device(device),
    )
    loaded = named_encoder(checkpoint, seed=seed)
    subject = {"encoder": loaded.sha256, "protocol": protocol, "layer": layer}
    destination = Destination(out, subject, results_page)
    say(f"{checkpoint}: {loaded.report}")
    results = []
    for each, linear in zip(tasks, settings, strict=True):
        facts, entries = _probe_task(checkpoint, loaded, each, linear, chosen)
        destination.add(facts, entries)
        results.append(facts)
    last = destination.shown()
    say(*[*result_table(results), *partial_lines(results, AUDIO), *beside(results), *last])


@dataclass(frozen=True)
class Choices:
    """What the command line decided for all tasks; the arguments of `probe`."""

    protocol: Protocol
    probes: list[ProbeName]
    layer: Layer
    statistics: Statistics
    statistics_scope: StatisticsScope
    seed: int
    cache: Path
    device: torch.device


def beside(results: list[dict[str, Any]]) -> list[str]:
    """Our row beside those published under the same protocol, where one of the six tasks was probed."""
    lines = published_lines(results)
    return ["", *lines] if lines else []


def _probe_task(
    checkpoint: str, loaded: LoadedEncoder, task: Task, settings: LinearSettings, chosen: Choices
) -> tuple[dict[str, Any], list[Entry]]:
    """All probes of one task: the first one's facts with the others' numbers inside, and an entry for each."""
    features = _features(loaded, task, chosen)
    outcomes = probing.evaluate(chosen.probes, features, settings, seed=chosen.seed, device=chosen.device)
    identity = _identity(task, chosen.protocol, chosen.seed)
    identity["protocol"]["departures"] = _departures(task, settings, chosen)
    provenance = _provenance(checkpoint, loaded, features, task, chosen.statistics_scope)
    return written_down(identity, outcomes, provenance, task.items)


def _features(loaded: LoadedEncoder, task: Task, chosen: Choices) -> Features | list[Features]:
    """Of all items, or for each fold where it has statistics of its own."""
    own_statistics = chosen.statistics_scope == "fold" and task.folds
    every = [
        task_features(
            loaded,
            task,
            chosen.protocol,
            cache=chosen.cache,
            seed=chosen.seed,
            layer=chosen.layer,
            statistics=chosen.statistics,
            fold=fold,
            device=chosen.device,
        )
        for fold in (task.folds if own_statistics else [None])
    ]
    return every if own_statistics else every[0]


def _check(
    unit_seconds: float | None,
    seed: int,
    sweep: bool,
    learning_rates: list[float] | None,
    statistics: Statistics,
    statistics_scope: StatisticsScope,
) -> None:
    if unit_seconds is not None and not 0.01 <= unit_seconds <= 3600:
        raise UsageError(f"--unit_seconds {unit_seconds:g} should lie between 0.01 and 3600.")
    if seed < 0:
        raise UsageError(f"--seed {seed} should be at least 0.")
    if sweep and learning_rates:
        raise UsageError("--sweep and --learning_rates both say which rates to try; give one of them.")
    if statistics == "checkpoint" and statistics_scope == "fold":
        raise UsageError("--statistics checkpoint leaves no statistics to take by fold; drop --statistics_scope.")


def _linear_settings(
    protocol: Protocol, task: Task, learning_rates: list[float] | None, seeds: int | None
) -> LinearSettings:
    if seeds is not None and seeds < 1:
        raise UsageError(f"--seeds {seeds} should be at least 1: it is the number of repeats.")
    try:
        return dataclasses.replace(
            protocol.linear,
            learning_rates=tuple(learning_rates or protocol.learning_rates(task.name)),
            repeats=protocol.linear.repeats if seeds is None else seeds,
        )
    except ValueError as error:
        raise UsageError(f"--{error}.") from None


def _departures(task: Task, settings: LinearSettings, chosen: Choices) -> list[str]:
    """Where the command line left the protocol, in words."""
    rates = chosen.protocol.learning_rates(task.name)
    said = {
        f"{settings.repeats} repeats instead of {chosen.protocol.linear.repeats}": (
            settings.repeats != chosen.protocol.linear.repeats
        ),
        f"learning rate {', '.join(f'{rate:g}' for rate in settings.learning_rates)} instead of {rates[0]:g}": (
            settings.learning_rates != rates and len(settings.learning_rates) == 1
        ),
        f"learning rate chosen on validation from {len(settings.learning_rates)}": len(settings.learning_rates) > 1,
        "clip length given": task.unit_source == "given",
        "statistics of the checkpoint": chosen.statistics == "checkpoint",
        "statistics of each fold": chosen.statistics_scope == "fold" and bool(task.folds),
        f"layer {chosen.layer}": chosen.layer != "output",
    }
    return [words for words, departs in said.items() if departs]


def _identity(task: Task, protocol: Protocol, seed: int) -> dict[str, Any]:
    described = {name: getattr(protocol, name) for name in ("name", "pad", "test_crop", "source")}
    return {"task": task.name, "protocol": described, "seed": seed}


def _statistics(features: Features | list[Features], task: Task) -> dict[str, Any]:
    if isinstance(features, Features):
        return features.provenance["statistics"]
    by_fold = {fold: each.provenance["statistics"] for fold, each in zip(task.folds, features, strict=True)}
    return {"source": "each fold's own training items", "folds": by_fold}


def _provenance(
    checkpoint: str,
    loaded: LoadedEncoder,
    features: Features | list[Features],
    task: Task,
    statistics_scope: StatisticsScope,
) -> dict[str, Any]:
    settings = (features if isinstance(features, Features) else features[0]).provenance["settings"]
    source = task.store.info.get("source")
    return {
        "split_counts": task.counts(),
        "data": coverage(source if isinstance(source, dict) else None, task.counts()),
        "unit_seconds": task.unit_seconds,
        "unit_source": task.unit_source,
        "statistics": _statistics(features, task),
        "statistics_scope": statistics_scope,
        "layer": settings["layer"],
        "dimension": settings["dimension"],
        "crop_seed": settings["crop_seed"],
        "front_end": loaded.front_end.to_dict(),
        "checkpoint": checkpoint_facts(checkpoint, loaded),
        "store": store_facts(task.store),
        "versions": versions(),
    }


if __name__ == "__main__":
    raise SystemExit(run(probe, description=__doc__))
