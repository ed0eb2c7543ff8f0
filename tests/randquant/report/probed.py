"""Results folders of made-up answers."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from randquant.data.features import Items
from randquant.probes.outcome import Details, Outcome, score_of
from randquant.results.folder import add
from randquant.results.predictions import prediction_table
from randquant.results.record import CheckpointRecord, Entry, ProtocolRecord, Result, StoreRecord
from tests.randquant.results.scored import scored

CLASSES = ["ant", "bee", "<b>cat</b>"]


def folder(
    path: Path,
    *,
    share: float,
    draw: int = 0,
    tasks: Sequence[str] = ("t",),
    ids: Sequence[str] | None = None,
    classes: Sequence[str] = CLASSES,
    checkpoint: str = "",
    store: str = "",
    content_hash: str | None = None,
    **metadata: Any,
) -> Path:
    """A results folder of an encoder that answers `share` of the items of each task right."""
    for task in tasks:
        names = list(ids) if ids is not None else [f"{item}.wav" for item in range(90)]
        generator = np.random.default_rng(draw)
        truth = np.arange(len(names)) % len(classes)
        wrong = generator.random(len(names)) >= share
        predictions = np.where(wrong, (truth + 1) % len(classes), truth)[None]
        items = Items(names, [classes[each] for each in truth.tolist()], [None] * len(names), ["test"] * len(names))
        outcome: Outcome[Details] = scored(truth, predictions, list(classes), items, seeds=[42])
        counted = replace(outcome.numbers, **vars(score_of(predictions == truth, truth)))
        result = Result(
            **{**vars(counted), "counts": {"test": len(names)}, "classes": len(classes), "majority_floor": 0.4},
            task=task,
            probes=["linear"],
            protocol=ProtocolRecord(name="p"),
            seed=42,
            dimension=4,
            checkpoint=CheckpointRecord(path=checkpoint, sha256=f"{draw:064x}", metadata=metadata),
            store=StoreRecord(path=store, content_hash=content_hash, source=None),
        )
        add(path, {"encoder": str(draw)}, [Entry(result, prediction_table(task, "linear", outcome))])
    return path


def training(path: Path, *, seed: int, **settings: Any) -> Path:
    """A run folder with a log."""
    path.mkdir(parents=True)
    lines = [f"{name}: {value}" for name, value in {"seed": seed, "out": path, **settings}.items()]
    (path / "config.yaml").write_text("\n".join(lines))
    rows = [f"{step},loss,{3.0 / step:.4f},{step}.0" for step in range(1, 30)]
    (path / "log.csv").write_text("\n".join(["step,name,value,seconds", *rows, "30,loss,na"]))
    return path
