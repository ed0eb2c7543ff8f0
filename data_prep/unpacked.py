"""Whether a store was made from the archives at a root."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from randquant.data.store import Store
from randquant.data_prep.dataset import Dataset
from randquant.data_prep.engine.sources import source
from randquant.data_prep.fetching.archives import archives_in
from randquant.data_prep.layout import holds_tree


def made_of_archives(out: Path, dataset: Dataset, root: Path, *, gone: bool) -> bool:
    """Whether the store at `out` is complete and was made from the archives at `root`, so that none need be unpacked.

    Args:
        gone: whether the archives may be gone by now, since they would be downloaded again.
    """
    if not Store.exists(out):
        return False
    known = Store.open(out).info.get("source", {})
    if known.get("dataset") != dataset.name or "archives" not in known:
        return False
    archives = archives_in(root, dataset)
    if gone and not archives and not holds_tree(root, dataset):
        return True
    now = archives_identity(archives)
    return all(now.get(name) == value for name, value in known["archives"].items())


def archives_identity(archives: Sequence[tuple[tuple[Path, ...], str]]) -> dict[str, Any]:
    """The number of archive files, a hash of their names and sizes, and a hash of sampled bytes."""
    files = sorted(path for paths, _ in archives for path in paths)
    sizes = sorted((path.name, path.stat().st_size) for path in files)
    samples = sorted((path.name, found.sample) for path in files if (found := source(path.parent, path.name)))
    return {"files": len(files), "sha256": _sha256(sizes), "samples": _sha256(samples)}


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
