"""Probe a frozen audio encoder: how well one linear layer on its features solves labelled tasks.

    python -m scripts.probe_audio --checkpoint RUN --task STORE --protocol byola-v1 --out probe.json
    python -m scripts.probe_audio --checkpoint untrained:AudioNTT2020:2048 --task STORE --out floor.json

prints

    task         accuracy          95 % by items     valid  macro  floor  rate
    fsdd_digit   0.7148 ± 0.0097   0.6737 to 0.7526  0.648  0.715  0.100  1e-03
    protocol byola-v1, mean of 10 repeats ± 95 % t half-width, seeds 42 to 51

and writes every number with where it comes from. Features are extracted once and cached by content, so a
second probe of the same encoder and task takes seconds. The learning rate is chosen on validation, never on
test.
"""

import dataclasses
import os
import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch

import randquant
from audio.encoder import Layer
from audio.named_encoder import named_device, named_encoder
from audio.task_features import Statistics, task_features
from audio.tasks import PROTOCOLS, Protocol, ProtocolName, Task, open_task
from audio.weights import LoadedEncoder
from randquant.atomic import write_json
from randquant.command import run
from randquant.errors import UsageError
from randquant.features import Features
from randquant.probes import knn as knn_probe
from randquant.probes import linear
from randquant.probes.splits import assign
from randquant.store import Store


def probe(
    checkpoint: str,
    task: list[Path],
    out: Path,
    protocol: ProtocolName = "byola-v1",
    learning_rates: list[float] | None = None,
    repeats: int | None = None,
    layer: Layer = "output",
    knn: bool = False,
    unit_seconds: float | None = None,
    statistics: Statistics = "task",
    seed: int = 42,
    cache: Path | None = None,
    device: str = "auto",
) -> None:
    """Probe a frozen encoder on labelled stores.

    Args:
        checkpoint: run folder, weights file (ours, published, Lightning), or untrained:ENCODER:D.
        task: one or several stores with labels and splits.
        out: JSON file to write; several tasks become a list under "results".
        protocol: preset of padding, cropping and classifier.
        learning_rates: candidates, the best on validation is used; the protocol's own by default.
        repeats: of the classifier; the protocol's own by default.
        layer: features to use.
        knn: also report k-nearest neighbours.
        unit_seconds: clip length; by default the published one, or the average duration of the training
            items.
        statistics: normalise log-mels by the task's training clips, as published, or as the checkpoint was
            trained.
        seed: of crops, of the first repeat and of an untrained encoder.
        cache: folder of features; ${RANDQUANT_CACHE:-~/.cache/randquant}/features by default.
        device: auto, cpu or cuda.
    """
    if out.suffix != ".json":
        raise UsageError(f"--out {out} should end in .json; rename it.")
    if unit_seconds is not None and not 0.01 <= unit_seconds <= 3600:
        raise UsageError(f"--unit_seconds {unit_seconds:g} should lie between 0.01 and 3600.")
    if seed < 0:
        raise UsageError(f"--seed {seed} should be at least 0.")
    preset = PROTOCOLS[protocol]
    tasks = [open_task(Store.open(path, kind="audio"), unit_seconds=unit_seconds) for path in task]
    for each in tasks:
        assign(each.items)  # what cannot be probed is said before hours are spent
    out.parent.mkdir(parents=True, exist_ok=True)
    settings = [_linear_settings(preset, each, learning_rates, repeats) for each in tasks]
    target = named_device(device)
    loaded = named_encoder(checkpoint, seed=seed)
    print(f"{checkpoint}: {loaded.report}")
    results = []
    for each, linear_settings in zip(tasks, settings, strict=True):
        features = task_features(
            loaded,
            each,
            preset,
            cache=cache or default_cache(),
            seed=seed,
            layer=layer,
            statistics=statistics,
            device=target,
        )
        numbers = linear.evaluate(features, linear_settings, seed=seed, device=target)
        if knn:
            numbers["knn"] = knn_probe.evaluate(features, seed=seed, device=target)
        results.append({**_identity(each, preset, seed), **numbers, **_provenance(checkpoint, loaded, features, each)})
    write_json(out, results[0] if len(results) == 1 else {"results": results})
    print("\n".join(table(results)))


def default_cache() -> Path:
    """Where features are kept unless `--cache` says otherwise."""
    return Path(os.environ.get("RANDQUANT_CACHE") or "~/.cache/randquant").expanduser() / "features"


def table(results: list[dict[str, Any]]) -> list[str]:
    """The results in lines for a terminal."""
    width = max(12, *(len(result["task"]) for result in results))
    lines = [f"{'task':<{width}} accuracy          95 % by items     valid  macro  floor  rate"]
    for result in results:
        spread = "         " if result["ci95"] is None else f" ± {result['ci95']:.4f}"
        low, high = result["ci95_items"]
        lines.append(
            f"{result['task']:<{width}} {result['accuracy']:.4f}{spread}   {low:.4f} to {high:.4f}  "
            f"{result['valid_accuracy']:.3f}  {result['macro_recall']:.3f}  {result['majority_floor']:.3f}  "
            f"{result['learning_rate']:.0e}"
        )
        if "knn" in result:
            nearest = result["knn"]
            lines.append(
                f"{'':<{width}} {nearest['accuracy']:.4f} by {nearest['neighbours']} nearest neighbours, "
                f"temperature {nearest['temperature']:g}, chosen on validation"
            )
    first = results[0]
    seeds = first["seeds"]
    repeated = f"mean of {len(seeds)} repeats ± 95 % t half-width, seeds {seeds[0]} to {seeds[-1]}"
    lines.append(f"protocol {first['protocol']['name']}, {repeated if len(seeds) > 1 else f'seed {seeds[0]}'}")
    return lines


def _linear_settings(
    protocol: Protocol, task: Task, learning_rates: list[float] | None, repeats: int | None
) -> linear.LinearSettings:
    try:
        return dataclasses.replace(
            protocol.linear,
            learning_rates=tuple(learning_rates or protocol.learning_rates(task.name)),
            repeats=protocol.linear.repeats if repeats is None else repeats,
        )
    except ValueError as error:
        raise UsageError(f"--{error}.") from None


def _identity(task: Task, protocol: Protocol, seed: int) -> dict[str, Any]:
    described = {name: getattr(protocol, name) for name in ("name", "pad", "test_crop", "source")}
    return {"task": task.name, "protocol": described, "seed": seed}


def _provenance(checkpoint: str, loaded: LoadedEncoder, features: Features, task: Task) -> dict[str, Any]:
    settings = features.provenance["settings"]
    return {
        "split_counts": task.counts(),
        "unit_seconds": task.unit_seconds,
        "unit_source": task.unit_source,
        "statistics": features.provenance["statistics"],
        "layer": settings["layer"],
        "dimension": settings["dimension"],
        "crop_seed": settings["crop_seed"],
        "front_end": loaded.front_end.to_dict(),
        "checkpoint": {
            "path": checkpoint,
            "sha256": loaded.sha256,
            "report": loaded.report,
            "encoder": type(loaded.encoder).__name__,
            "metadata": loaded.metadata,
        },
        "store": {
            "path": str(task.store.path),
            "content_hash": task.store.content_hash,
            "source": task.store.info.get("source"),
            "skipped": len(task.store.info.get("skipped", [])),
        },
        "versions": {
            "randquant": randquant.__version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }


if __name__ == "__main__":
    raise SystemExit(run(probe, description=__doc__))
