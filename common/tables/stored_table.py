"""Stores of tables in memory: one array, of which a batch is a gather."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.errors import DataError

if TYPE_CHECKING:
    from randquant.data.store import Store


class StoredTable:
    """The rows of some splits of one or more stores, (n, F) float32, as a source of batches (B, F).

    Args:
        stores: of tables with the same columns.
        splits: that are taken; rows without a split always are.
        by: mean and deviation of each column of numbers, by which rows are standardised instead of by their store's.

    Attributes:
        rows: (n, F).
        names: of the F numbers.
        blocks: sizes of the parts that an encoder takes apart.

    Raises:
        DataError: a store has other columns than the first, or no row is left.
    """

    def __init__(self, stores: "Sequence[Store]", splits: Sequence[str], by: "Scales | None" = None) -> None:
        first = stores[0]
        self.names, self.blocks = column_names(first), block_sizes(first)
        for store in stores[1:]:
            if column_names(store) != self.names or block_sizes(store) != self.blocks:
                raise DataError(f"{store.path} has other columns than {first.path}; give stores of one table.")
        self.rows = np.concatenate([self._taken(store, splits, by or {}) for store in stores])
        if not len(self.rows):
            raise DataError(
                f"{', '.join(str(store.path) for store in stores)} hold no rows of --splits {' '.join(splits)}; "
                "give others."
            )

    def __len__(self) -> int:
        return len(self.rows)

    def order(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """A permutation of the rows."""
        return generator.permutation(len(self.rows))

    def groups(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Every row is its own group."""
        return positions

    def fetch(self, positions: NDArray[np.int64], epoch: int) -> Tensor:
        """These rows, the same in every epoch."""
        return torch.from_numpy(self.rows[positions])

    @staticmethod
    def _taken(store: "Store", splits: Sequence[str], by: "Scales") -> NDArray[np.float32]:
        held = np.array([split is None or split in splits for split in store.column("split")], dtype=bool)
        rows = rescaled(store, by)
        return rows if held.all() else rows[held]


def column_names(store: "Store") -> list[str]:
    """The names of the numbers of a row."""
    return list(store.info["table"]["names"])


Scales = dict[str, tuple[float, float]]


def scales(store: "Store") -> Scales:
    """Mean and deviation by which each column of numbers was standardised."""
    columns = store.info["table"]["columns"]
    return {each["name"]: (each["mean"], each["deviation"]) for each in columns if each["kind"] == "number"}


_DESCRIBED = ("name", "kind", "values", "mean", "deviation", "indicator", "constant", "decimal")


def described(store: "Store", by: Scales | None = None) -> list[dict[str, Any]]:
    """How each column of the table became numbers, JSON values, so that other rows can; `by` as in `rescaled`."""
    found = [{name: each[name] for name in _DESCRIBED if name in each} for each in store.info["table"]["columns"]]
    for each in found:
        if each["name"] in (by or {}):
            each["mean"], each["deviation"] = (by or {})[each["name"]]
    return found


def other_scales(of: Scales, store: "Store") -> list[str]:
    """Say which columns of a store were standardised unlike those an encoder learns from.

    A mean may lie a quarter of a deviation elsewhere, and a deviation be a quarter more or less, as in parts of one
    table.
    """
    found = {name: (of[name], here) for name, here in scales(store).items() if name in of}
    far = [
        f"{name} ({mean:.4g} ± {deviation:.4g} there, {its_mean:.4g} ± {its_deviation:.4g} here)"
        for name, ((mean, deviation), (its_mean, its_deviation)) in found.items()
        if abs(its_mean - mean) > 0.25 * deviation or not 0.8 <= its_deviation / deviation <= 1.25
    ]
    if not far:
        return []
    shown = ", ".join(far[:3]) + (", …" if len(far) > 3 else "")
    return [
        f"{store.path} standardises {len(far):,} of its columns by other numbers than the training's table: {shown}; "
        "equal cells are not equal inputs"
    ]


def moved_columns(store: "Store", by: Scales) -> list[str]:
    """The columns of numbers that other means or deviations standardise otherwise."""
    return [name for name, here in scales(store).items() if by.get(name, here) != here]


def rescaled(store: "Store", by: Scales) -> NDArray[np.float32]:
    """Every row (n, F) of a store, its numbers standardised by other means and deviations; missing ones stay the mean.

    Args:
        store: of a table.
        by: mean and deviation by column; a column that is not named stays.
    """
    rows, names = store.every_row(), column_names(store)
    places = {name: place for place, name in reversed([*enumerate(names)])}  # numbers come first
    its_scales = scales(store)
    for name in (name for name in moved_columns(store, by) if name in places):  # not a constant one
        (its_mean, its_deviation), (mean, deviation) = its_scales[name], by[name]
        column = rows[:, places[name]].astype(np.float64)
        moved = ((column * its_deviation + its_mean - mean) / deviation).astype(np.float32)
        missing = places.get(f"{name} is missing")
        rows[:, places[name]] = moved if missing is None else np.where(rows[:, missing] == 1.0, 0.0, moved)
    return rows


def block_sizes(store: "Store") -> list[int]:
    """The sizes of the blocks of a row."""
    return list(store.info["table"]["blocks"])
