"""Features that a probe left in a cache, found by what they are of; nothing is encoded again."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from randquant.data.features import Features, checksum
from randquant.data.parquet import read_parquet
from randquant.errors import DataError
from randquant.extras import needs
from randquant.files.atomic import read_json

with needs("train"):
    import pyarrow as pa

_COLUMNS = ("id", "label", "group", "split")


def kept_features(caches: Iterable[Path], wanted: Mapping[str, Any]) -> Features | None:
    """The newest whole entry of the caches whose settings hold all of `wanted`; None where there is none.

    Args:
        caches: folders of features; those that do not exist are passed over.
        wanted: settings by name, such as `weights` and `store`, the hashes of the encoder and of the store.
    """
    found = [entry for cache in dict.fromkeys(caches) if cache.is_dir() for entry in cache.glob("*/entry.json")]
    for file in sorted(found, key=lambda entry: -entry.stat().st_mtime):
        settings = _settings(file)
        if all(settings.get(name) == value for name, value in wanted.items()):
            features = _read(file.parent)
            if features is not None:
                return features
    return None


def _settings(file: Path) -> Mapping[str, Any]:
    try:
        settings = read_json(file).get("settings")
    except (DataError, OSError):
        return {}
    return settings if isinstance(settings, dict) else {}


def _read(entry: Path) -> Features | None:
    """The features of an entry; None where it is damaged."""
    try:
        vectors = np.load(entry / "vectors.npy", mmap_mode="r", allow_pickle=False)
        table = read_parquet(entry / "items.parquet")
        if checksum(vectors) != read_json(entry / "entry.json").get("checksum"):
            return None
        return Features(vectors, *(table[name].to_pylist() for name in _COLUMNS))
    except (DataError, OSError, ValueError, KeyError, EOFError, pa.ArrowException):
        return None
