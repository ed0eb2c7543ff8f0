"""What a classifier scores without the test shapes that repeat a training shape: memory is no merit of features."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from pointcloud.evaluation.repeats import MEAN, TAIL, repeats
from randquant.data.features import content_key
from randquant.data.store import Store
from randquant.errors import DataError
from randquant.files.atomic import read_json, write_json
from randquant.probes.outcome import Outcome, on_some

_VERSION = 1  # raise it whenever `repeats` would find others


def repeated(store: Store, *, cache: Path) -> dict[int, bool]:
    """Test items that repeat an item of train or valid, and whether their points are the very same.

    Found once (some 30 ms a test shape) and kept in `cache`.
    """
    settings = {"store": store.content_hash, "mean": MEAN, "tail": TAIL, "version": _VERSION}
    record = cache / "repeats" / f"{content_key(settings)}.json"
    try:
        return {int(item): bool(exact) for item, exact in read_json(record)["repeats"]}
    except (DataError, OSError, KeyError, TypeError, ValueError):
        pass
    found = {pair.test: pair.exact for pair in repeats(store)}
    write_json(record, {"repeats": [list(pair) for pair in found.items()], "settings": settings})
    return found


def without(outcome: Outcome, left_out: Iterable[int]) -> dict[str, Any]:
    """The numbers of `randquant.probes.outcome.on_some` on test items but `left_out`, with how many those are.

    Args:
        outcome: whose rows are items of the store.
        left_out: items of the store.

    Returns:
        JSON-ready; `accuracy` is None where nothing is left.
    """
    kept = ~np.isin(outcome.rows, list(left_out))
    numbers: dict[str, Any] = on_some(outcome, kept) if kept.any() else {"accuracy": None, "test": 0}
    return {**numbers, "left_out": int((~kept).sum())}
