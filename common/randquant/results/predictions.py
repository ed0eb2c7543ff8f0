"""The predictions of probes as one long table; per-class recall and confusion are counted from it.

One row an item and repeat: task, probe, id, group, fold, label, seed, predicted.
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.extras import needs
from randquant.probes.outcome import Outcome

with needs("train"):
    import pyarrow as pa
    import pyarrow.compute as pc

SCHEMA = pa.schema(
    [
        ("task", pa.string()),
        ("probe", pa.string()),
        ("id", pa.string()),
        ("group", pa.string()),
        ("fold", pa.string()),
        ("label", pa.string()),
        ("seed", pa.int64()),
        ("predicted", pa.string()),
    ]
)


@dataclass(frozen=True)
class Answers:
    """The predictions of one probe on one task, in arrays.

    Attributes:
        ids, labels: (m,) of each test item.
        groups: (m,) what items have in common (speaker, source recording), None where nothing.
        folds: (m,) the fold an item was tested in, None where the task has splits.
        seeds: (S,) of the repeats.
        predicted: (S, m) classes.
    """

    ids: list[str]
    labels: list[str]
    groups: list[str | None]
    folds: list[str | None]
    seeds: list[int]
    predicted: NDArray[np.object_]

    @property
    def right(self) -> NDArray[np.bool_]:
        """(S, m) whether a prediction is the label."""
        return self.predicted == np.array(self.labels, dtype=object)


def prediction_table(task: str, probe: str, outcome: Outcome[Any]) -> pa.Table:
    """The rows of one outcome, repeat after repeat."""
    repeats, count = outcome.predictions.shape
    seeds, items = outcome.numbers.seeds, outcome.items
    seeds = seeds if len(seeds) == repeats else list(range(repeats))
    classes = pa.array(outcome.classes, pa.string())
    folds = [None] * count if outcome.numbers.folds is None else items.splits
    every = np.tile(np.arange(count), repeats)
    columns = {
        "task": pa.repeat(task, repeats * count),
        "probe": pa.repeat(probe, repeats * count),
        "id": pa.array(items.ids, pa.string()).take(every),
        "group": pa.array(items.groups, pa.string()).take(every),
        "fold": pa.array(folds, pa.string()).take(every),
        "label": classes.take(outcome.truth[every]),
        "seed": pa.array(np.repeat(np.asarray(seeds, dtype=np.int64), count)),
        "predicted": classes.take(outcome.predictions.reshape(-1)),
    }
    return pa.table(columns, schema=SCHEMA)


def select(table: pa.Table, task: str, probe: str) -> pa.Table:
    """The rows of one probe on one task, in their order."""
    return table.filter(pc.and_(pc.equal(table["task"], task), pc.equal(table["probe"], probe)))


def answers(table: pa.Table) -> Answers:
    """The arrays of one probe on one task.

    Raises:
        ValueError: the repeats do not answer the same items in the same order.
    """
    seeds = table["seed"].to_numpy()
    names = seeds[np.sort(np.unique(seeds, return_index=True)[1])].tolist()
    count = len(table) // max(1, len(names))
    first = table.slice(0, count)
    every = np.asarray(table["id"].to_pylist(), dtype=object)
    if len(every) != count * len(names) or (every.reshape(len(names), count) != every[:count]).any():
        raise ValueError("the repeats of a probe need to answer the same items in the same order")
    predicted = np.asarray(table["predicted"].to_pylist(), dtype=object).reshape(len(names), count)
    ids, labels, groups, folds = (first[name].to_pylist() for name in ("id", "label", "group", "fold"))
    return Answers(ids, labels, groups, folds, names, predicted)


def per_class(table: pa.Table) -> pa.Table:
    """Of each task, probe and class: test items, recall and precision over the repeats.

    Columns: task, probe, class, items, recall (null where the class has no test item), precision (null where it
    was never predicted).
    """
    actual, guessed, hits, items = (Counter[tuple[str, ...]]() for _ in range(4))
    for row in confusion(table).to_pylist():
        label, predicted = ((row["task"], row["probe"], row[name]) for name in ("label", "predicted"))
        actual[label] += row["count"]
        guessed[predicted] += row["count"]
        hits[label] += row["count"] if label == predicted else 0
        items[label] = row["items"]
    rows = []
    for key in sorted({*actual, *guessed}):
        recall = hits[key] / actual[key] if actual[key] else None
        rows.append((*key, items[key], recall, hits[key] / guessed[key] if guessed[key] else None))
    names = {"task": pa.string(), "probe": pa.string(), "class": pa.string(), "items": pa.int64()}
    kinds = {**names, "recall": pa.float64(), "precision": pa.float64()}
    return pa.table({name: pa.array([row[i] for row in rows], kind) for i, (name, kind) in enumerate(kinds.items())})


def confusion(table: pa.Table) -> pa.Table:
    """How often each class was taken for each: task, probe, label, predicted, count (over all repeats), items
    (test items of the label), share (of the label's predictions). Pairs that never occur are left out.
    """
    keys = ["task", "probe", "label", "predicted"]
    counted = table.group_by(keys).aggregate([("id", "count")]).rename_columns([*keys, "count"])
    seeds = table.group_by(keys[:2]).aggregate([("seed", "count_distinct")]).to_pylist()
    repeats = {(row["task"], row["probe"]): row["seed_count_distinct"] for row in seeds}
    labels = list(zip(*(counted[name].to_pylist() for name in keys[:3]), strict=True))
    totals = Counter[tuple[str, ...]]()
    for key, count in zip(labels, counted["count"].to_pylist(), strict=True):
        totals[key] += count
    total = np.array([totals[key] for key in labels], dtype=np.int64)
    items = total // np.array([repeats[key[:2]] for key in labels], dtype=np.int64)
    share = counted["count"].to_numpy() / total
    counted = counted.append_column("items", pa.array(items)).append_column("share", pa.array(share))
    return counted.sort_by([(name, "ascending") for name in keys])


def digest(table: pa.Table) -> str:
    """SHA-256 of the rows, so that numbers and predictions can be known to belong together."""
    value = hashlib.sha256()
    for name in SCHEMA.names:
        column = table[name].combine_chunks().dictionary_encode()
        column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
        value.update(json.dumps([name, column.dictionary.to_pylist()]).encode())
        value.update(column.indices.fill_null(-1).to_numpy().astype("<i4").tobytes())
    return value.hexdigest()
