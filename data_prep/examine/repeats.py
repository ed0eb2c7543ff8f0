"""Test items of a store that repeat a training item, as lines of text and as a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from randquant.audio.evaluation.repeats import nearest_in_train as nearest_recordings
from randquant.data.store import Store, is_fold
from randquant.data_prep.examine.report import first
from randquant.data_prep.notes import THINGS
from randquant.errors import DataError
from randquant.pointcloud.evaluation.repeats import nearest_in_train as nearest_shapes


@dataclass(frozen=True)
class _Comparison:
    """How the items of one kind are compared: the measure of similarity, and the wording for equal items."""

    nearest: Callable[[Store], Sequence[Any]]
    measure: str
    larger_is_nearer: bool
    exactly: str


_COMPARISONS = {
    "audio": _Comparison(nearest_recordings, "similarity", True, "sample by sample"),
    "points": _Comparison(nearest_shapes, "distance", False, "point by point"),
}


def repeats_report(store: Store) -> tuple[list[str], list[Sequence[object]]]:
    """The repeats in lines, nearest first, and a table of every item of test with the nearest of train.

    Raises:
        DataError: there is nothing to compare.
    """
    if store.kind not in _COMPARISONS:
        raise DataError(f"{store.path} holds {store.kind}; only recordings and shapes are compared, give such a store.")
    kind, things = _COMPARISONS[store.kind], THINGS[store.kind]
    found = kind.nearest(store)
    if not found:
        raise DataError(f"{store.path} has no {things} of test, or none of train; prepare it with both, or with folds.")
    paths = store.column("path")
    folds = is_fold(store.column("split")[found[0].test])
    tested, learnt = ("a fold", "another") if folds else ("test", "train")
    near = [(getattr(pair, kind.measure), pair) for pair in found]
    same = sorted((each for each in near if each[1].repeats), key=lambda each: each[0], reverse=kind.larger_is_nearer)
    lines = [
        f"{paths[pair.test]} repeats {paths[pair.train]}" + ("" if pair.exact else f" ({kind.measure} {value:.2f})")
        for value, pair in same
    ]
    closing = (
        f"{store.path}: {len(same):,} of {len(found):,} {things} of {tested} repeat one of {learnt}, "
        f"{sum(pair.exact for _, pair in same):,} of them {kind.exactly}"
    )
    rows = [(paths[pair.test], paths[pair.train], f"{value:.4f}", int(pair.repeats)) for value, pair in near]
    header = ("test", "train", kind.measure, "repeats")
    return [*first(lines, hint="; --out FILE.csv lists them all"), closing], [header, *rows]
