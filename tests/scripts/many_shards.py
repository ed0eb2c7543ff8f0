"""A store as earlier versions cut and described them: many small shards, without stamps or the table's hash."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from randquant.data.manifest import write_manifest
from randquant.data.shard import shard_path
from randquant.data.store_description import VERSION
from randquant.files.store_folder import FORMAT

SPLITS = ("train", "train", "valid", "test")


def write_many_shards(store: Path, count: int, kind: str) -> Path:
    """A store of `count` shards of one item each, of two classes: 1,600 samples or 16 points."""
    random = np.random.default_rng(0)
    (store / "shards").mkdir(parents=True)
    shards, rows = [], []
    for number in range(count):
        label = number // len(SPLITS) % 2
        data = _waveform(random, label) if kind == "audio" else _cloud(random, label)
        np.save(shard_path(store, number), data)
        shards.append({"rows": len(data), "sha256": hashlib.sha256(data.tobytes()).hexdigest()})
        split = SPLITS[number % len(SPLITS)]
        rows.append([{"path": f"{number}", "label": f"{label}", "split": split, "offset": 0, "length": len(data)}])
    write_manifest(store / "manifest.parquet", [pa.schema([])], rows)
    about = {"sample_rate": 16000} if kind == "audio" else {"channels": ["x", "y", "z"], "points": 16}
    description = {"format": FORMAT, "version": VERSION, "kind": kind, **about, "items": count}
    description |= {"content_hash": f"{count} {kind}", "plan": "p", "skipped": [], "shards": shards}
    (store / "store.json").write_text(json.dumps(description))
    return store


def _waveform(random: np.random.Generator, label: int) -> NDArray[np.int16]:
    tone = 8000 * np.sin(np.arange(1600) * (0.05 + 0.2 * label))
    return (tone + random.normal(0, 500, 1600)).astype(np.int16)


def _cloud(random: np.random.Generator, label: int) -> NDArray[np.float32]:
    points = random.normal(size=(16, 3)) * [1, 1, 1 + 3 * label]
    return (points / np.abs(points).max()).astype(np.float32)
