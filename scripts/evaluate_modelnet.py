"""Evaluate a frozen shape encoder: how well classifiers on its features tell shapes apart.

    python -m scripts.evaluate_modelnet --checkpoint RUN --store STORE --probes svm knn --out evaluation.json
    python -m scripts.evaluate_modelnet --checkpoint untrained:PointNetLite:256 --store STORE --out floor.json
    python -m scripts.evaluate_modelnet --checkpoint occupancy:8 --store STORE --probes logistic svm --out grid.json
    python -m scripts.evaluate_modelnet --checkpoint RUN --store STORE --protocol crosspoint --out results/

prints

    task         accuracy          95 % by items     valid  macro  floor  how
    modelnet40   0.8971 ± 0.0012   0.8845 to 0.9085  0.902  0.871  0.041  by SVM, C 0.003, …
    protocol audited, mean of 3 repeats ± 95 % t half-width, seeds 42 to 44

and writes every number with where it comes from, as scripts.probe_audio does: into one JSON file, or into a results
folder with predictions, recall by class, confusion and a page (table.md). Compare folders with
python -m scripts.compare A B --probe svm.

Every choice is made on training items: the store's train and valid splits together, which are the published train.
Numbers with and without the test shapes that repeat a training shape stand side by side.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pointcloud.named_encoder import named_encoder
from pointcloud.protocols import PROTOCOLS, Protocol, ProtocolName
from pointcloud.results_page import SHAPES, results_page
from pointcloud.robustness import corrupted_features, described
from pointcloud.shape_task import ShapeTask, open_shape_task, task_features
from pointcloud.weights import LoadedPointEncoder
from randquant import probing
from randquant.command import run
from randquant.destination import Destination, is_folder, require_distinct
from randquant.device import named_device
from randquant.errors import UsageError
from randquant.features import Features, default_cache
from randquant.probed import checkpoint_facts, store_facts, versions, written_down
from randquant.probes.conditions import apart, beside
from randquant.probes.episodes import EpisodeOutcome
from randquant.probes.outcome import Outcome
from randquant.probes.svm import SvmSettings
from randquant.probing import ProbeName
from randquant.report import Entry
from randquant.result_lines import result_table
from randquant.results_page import partial_lines, published_lines
from randquant.store import Store


def evaluate(
    checkpoint: str,
    store: list[Path],
    out: str,
    protocol: ProtocolName = "audited",
    probes: list[ProbeName] | None = None,
    points: int | None = None,
    strengths: list[float] | None = None,
    standardise: bool | None = None,
    folds: int | None = None,
    seeds: int | None = None,
    seed: int = 42,
    robustness: bool = False,
    normals: bool = False,
    cache: Path | None = None,
    device: str = "auto",
) -> None:
    """Evaluate a frozen encoder on stores of labelled shapes.

    Args:
        checkpoint: run folder, weights file (ours or published), untrained:ENCODER:D, or occupancy:CELLS, a grid of
            occupied cells.
        store: stores with labels and splits, each a task.
        out: JSON file to write (several stores become a list under "results"), or a results folder to add to.
        protocol: preset of classifier, C, points and standardisation.
        probes: what to ask of the features; the protocol's classifier by default. fewshot means 1, 5 and 10 labels a
            class, 1 % and 10 % of the labels; fractions means 1, 2, 5, 10, 20, 50 and 100 % of them.
        points: of each shape, instead of the protocol's.
        strengths: values of C, instead of the protocol's; of several the best on folds of the training items is taken.
        standardise: whether features are standardised for svm and linear_svc, instead of as the protocol has it.
        folds: that C is chosen on, 5 by default.
        seeds: repeats, with seeds --seed, --seed + 1, ...; the protocol's own number by default.
        seed: of the first repeat, of an untrained encoder and of the changes of --robustness.
        robustness: ask the classifiers of clean shapes about test shapes with points dropped, jittered, turned and
            unevenly sampled too.
        normals: an untrained encoder reads normals beside coordinates.
        cache: folder of features; ${RANDQUANT_CACHE:-~/.cache/randquant}/features by default.
        device: auto, cpu or cuda.
    """
    _check(points, seed, seeds)
    folder = is_folder(out)
    preset = _preset(PROTOCOLS[protocol], strengths, standardise, folds, seeds)
    opened = [Store.open(path, kind="points") for path in store]
    loaded = named_encoder(checkpoint, seed=seed, channels=6 if normals else 3)
    tasks = [open_shape_task(each, loaded, preset, points) for each in opened]
    if folder:
        require_distinct([each.name for each in tasks], "--store")
    for task in tasks:
        probing.require(probes or [preset.classifier], task.items, preset.svm)
    chosen = Choices(
        PROTOCOLS[protocol],
        preset,
        probes or [preset.classifier],
        robustness,
        seed,
        cache or default_cache(),
        named_device(device),
    )
    destination = Destination(out, {"encoder": loaded.sha256, "protocol": protocol}, results_page)
    print(f"{checkpoint}: {loaded.report}")
    results = []
    for task in tasks:
        facts, entries = _evaluate_task(checkpoint, loaded, task, chosen)
        destination.add(facts, entries)
        results.append(facts)
    last = destination.finish()
    compared = published_lines(results, SHAPES)
    lines = [*result_table(results), *partial_lines(results, SHAPES), *([""] if compared else []), *compared, *last]
    print("\n".join(lines))


@dataclass(frozen=True)
class Choices:
    """What the command line decided for all tasks.

    Attributes:
        published: the preset as it is.
        protocol: the preset as changed by flags.
        probes, robustness, seed, cache, device: as in `evaluate`.
    """

    published: Protocol
    protocol: Protocol
    probes: list[ProbeName]
    robustness: bool
    seed: int
    cache: Path
    device: torch.device


def _evaluate_task(
    checkpoint: str, loaded: LoadedPointEncoder, task: ShapeTask, chosen: Choices
) -> tuple[dict[str, Any], list[Entry]]:
    """All probes of one task: the first one's facts with the others' numbers inside, and an entry for each."""
    features = task_features(loaded, task, cache=chosen.cache, device=chosen.device)
    outcomes = _outcomes(loaded, task, features, chosen)
    provenance = {
        **task.facts(),
        "dimension": features.vectors.shape[1],
        "channels": list(loaded.encoder.channels),
        "checkpoint": checkpoint_facts(checkpoint, loaded),
        "store": store_facts(task.store),
        "versions": versions(),
    }
    return written_down(_identity(task, chosen), outcomes, provenance, features.items)


def _outcomes(loaded: LoadedPointEncoder, task: ShapeTask, features: Features, chosen: Choices) -> dict[str, Outcome]:
    """Every probe asked, of clean test shapes; with --robustness their numbers hold those of changed ones too."""
    changed: dict[str, Features] = {}
    if chosen.robustness:
        changed = corrupted_features(loaded, task, seed=chosen.seed, cache=chosen.cache, device=chosen.device)
    found = probing.evaluate(
        chosen.probes,
        beside(features, changed) if changed else features,
        chosen.protocol.linear,
        machine=chosen.protocol.svm,
        seed=chosen.seed,
        device=chosen.device,
    )
    if not changed:
        return found
    outcomes = {}
    for name, outcome in found.items():
        outcomes[name] = outcome
        if not isinstance(outcome, EpisodeOutcome):  # which draws its items from train
            outcomes[name], scores = apart(outcome, features, list(changed))
            outcomes[name].numbers["robustness"] = described(scores, chosen.seed)
    return outcomes


def _identity(task: ShapeTask, chosen: Choices) -> dict[str, Any]:
    described = {name: getattr(chosen.protocol, name) for name in ("name", "classifier", "differs", "source")}
    described["departures"] = _departures(task, chosen)
    return {"task": task.name, "protocol": described, "seed": chosen.seed}


def _departures(task: ShapeTask, chosen: Choices) -> list[str]:
    """Where the command line or the store left the preset, in words."""
    published, svm = chosen.published, chosen.protocol.svm
    said = {
        f"{task.points:,} points": published.points is not None and task.points != published.points,
        "farthest points, since the store does not know the file's order": task.order != published.order,
        f"C {'chosen from ' if len(svm.strengths) > 1 else ''}{', '.join(f'{one:g}' for one in svm.strengths)}": (
            svm.strengths != published.svm.strengths
        ),
        f"features {'' if svm.standardise else 'not '}standardised": svm.standardise != published.svm.standardise,
        f"{svm.folds} folds": svm.folds != published.svm.folds,
        f"{svm.repeats} repeats instead of {published.svm.repeats}": svm.repeats != published.svm.repeats,
    }
    return [words for words, departs in said.items() if departs]


def _preset(
    protocol: Protocol,
    strengths: list[float] | None,
    standardise: bool | None,
    folds: int | None,
    seeds: int | None,
) -> Protocol:
    """The preset with the command line's changes."""
    svm = protocol.svm
    try:
        svm = SvmSettings(
            svm.kind,
            tuple(sorted(set(strengths))) if strengths else svm.strengths,
            standardise=svm.standardise if standardise is None else standardise,
            folds=folds or svm.folds,
            repeats=seeds or svm.repeats,
        )
    except ValueError as error:
        raise UsageError(f"--{error}.") from None
    return dataclasses.replace(
        protocol, svm=svm, linear=dataclasses.replace(protocol.linear, repeats=seeds or protocol.linear.repeats)
    )


def _check(points: int | None, seed: int, seeds: int | None) -> None:
    if points is not None and points < 1:
        raise UsageError(f"--points {points} should be at least 1.")
    if seed < 0:
        raise UsageError(f"--seed {seed} should be at least 0.")
    if seeds is not None and seeds < 1:
        raise UsageError(f"--seeds {seeds} should be at least 1: it is the number of repeats.")


if __name__ == "__main__":
    raise SystemExit(run(evaluate, description=__doc__))
