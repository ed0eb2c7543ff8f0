"""Which rows of a table are for training, validation and test."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from randquant.data.store import SPLITS, is_fold
from randquant.draws import fractions
from randquant.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

NONE = -1  # a row without label or split
_SPELLINGS = {"training": "train", "val": "valid", "validation": "valid", "dev": "valid", "testing": "test"}


@dataclass(frozen=True)
class Splits:
    """The split of every row.

    Attributes:
        names: of the splits.
        places: (n,) int16, number of the name; NONE for rows in no split.
        source: who made them, as a phrase.
        notes: lines to print.
    """

    names: Sequence[str]
    places: NDArray[np.int16]
    source: str
    notes: Sequence[str] = ()

    @property
    def training(self) -> NDArray[np.bool_]:
        """(n,) rows that statistics are computed from: those of train, or of all folds."""
        used = [place for place, name in enumerate(self.names) if name == "train" or is_fold(name)]
        return np.isin(self.places, used)

    def texts(self, start: int, stop: int) -> list[str | None]:
        """The names of rows start to stop - 1."""
        return np.array([*self.names, None], dtype=object)[self.places[start:stop]].tolist()


Rule = Callable[[int], Splits | None]  # the published splits of a table of so many rows; None where they do not apply


@dataclass(frozen=True)
class Shares:
    """Splits drawn by chance.

    Of each class its share, so that train holds all of them; or of the groups, none of which is torn apart. What
    is drawn depends on `seed` and on the row's number or the group's name alone.

    Attributes:
        valid, test: shares in [0, 1); the rest is for training.
        seed: of the draw.
    """

    valid: float = 0.1
    test: float = 0.1
    seed: int = 0

    def by_class(self, classes: NDArray[np.int32] | None, rows: int) -> Splits:
        """Of rows, and of each of their `classes` (n,), NONE where a row has none."""
        keys = fractions(np.arange(rows), seed=self.seed, epoch=0)
        of = np.zeros(rows, np.int32) if classes is None else classes
        order = np.lexsort((keys, of))
        starts, counts = _runs(of[order])
        ranks = np.arange(rows) - np.repeat(starts, counts)
        test, valid = (np.repeat(np.floor(share * counts + 0.5), counts) for share in (self.test, self.valid))
        places = np.empty(rows, np.int16)
        places[order] = np.select([ranks < test, ranks < test + valid], [2, 1], 0)
        places[of == NONE] = NONE
        each = " of each class" if len(starts) - (NONE in of) > 1 else ""
        return Splits(SPLITS, places, f"drawn with seed {self.seed}: {self._shares()}{each}")

    def by_group(self, groups: NDArray[np.int64], classes: NDArray[np.int32] | None) -> Splits:
        """Of groups (n,), as numbers made of their names; groups of a class that train lacks go there."""
        known, inverse = np.unique(groups, return_inverse=True)
        keys = fractions(known, seed=self.seed, epoch=1)
        drawn = np.select([keys < self.test, keys < self.test + self.valid], [2, 1], 0)
        moved = 0
        places = drawn[inverse].astype(np.int16)
        if classes is not None:
            places[classes == NONE] = NONE
            lacking = np.setdiff1d(classes[places > 0], classes[places == 0])
            chosen = np.unique(inverse[np.isin(classes, lacking)])
            moved = len(chosen)
            places[np.isin(inverse, chosen) & (classes != NONE)] = 0
        notes = [f"{moved:,} groups moved to train, which lacked one of their classes"] if moved else []
        source = f"drawn with seed {self.seed}: {self._shares()}, by group"
        return Splits(SPLITS, places, source, notes)

    def _shares(self) -> str:
        return f"{100 * self.valid:g} % valid, {100 * self.test:g} % test"


def names_splits(values: Sequence[object]) -> bool:
    """Whether these are names of splits, train among them or folds, and nothing else.

    >>> names_splits(["Train", "dev"]), names_splits(["train", "bus"]), names_splits(["fold1", "fold2"])
    (True, False, True)
    """
    found = {_SPELLINGS.get(name, name) for name in (str(value).strip().lower() for value in values)}
    return len(found) > 1 and ((found <= set(SPLITS) and "train" in found) or all(map(is_fold, found)))


class NamedSplits:
    """Splits that a column names.

    Args:
        path, column: where, for error messages.
    """

    def __init__(self, path: object, column: str) -> None:
        self.path, self.column = path, column
        self.names: dict[str, int] = {}
        self.parts: list[NDArray[np.int16]] = []
        self.renamed: set[str] = set()
        self.rows = 0

    def add(self, values: "pa.Array") -> None:
        """A piece of the column.

        Raises:
            DataError: it holds something else.
        """
        import pyarrow as pa

        from randquant.data_prep.tables.cells import normal

        cells = normal(values)
        texts = (pa.nulls(len(values), pa.string()) if cells is None else cells.cast(pa.string())).to_pylist()
        known = {text: self._place(text) for text in dict.fromkeys(texts)}
        self.parts.append(np.array([known[text] for text in texts], dtype=np.int16))
        self.rows += len(texts)

    def splits(self) -> Splits:
        """All of it.

        Raises:
            DataError: folds beside other splits, or nothing to train on.
        """
        places = np.concatenate(self.parts) if self.parts else np.empty(0, np.int16)
        names = list(self.names)
        folds = [name for name in names if is_fold(name)]
        if folds and len(folds) < len(names):
            raise DataError(f"{self.path}: the column {self.column} mixes folds with {', '.join(SPLITS)}; keep one.")
        if not folds and "train" not in names:
            held = ", ".join(names) or "nothing"
            raise DataError(f'{self.path}: no row of the column {self.column} says "train" (it holds {held}).')
        notes = [f"{name} in the column {self.column} taken as {_SPELLINGS[name]}" for name in sorted(self.renamed)]
        left = int((places == NONE).sum())
        notes += [f"{left:,} rows without a split, used for pretraining alone"] * bool(left)
        return Splits(names, places, f"column {self.column}", notes)

    def _place(self, text: str | None) -> int:
        if text is None:
            return NONE
        name = text.lower()
        if name in _SPELLINGS:
            self.renamed.add(name)
            name = _SPELLINGS[name]
        if name not in SPLITS and not is_fold(name):
            raise DataError(
                f"{self.path}: the column {self.column} holds {text!r} where one of {', '.join(SPLITS)}, or fold1, "
                "fold2, …, is expected; give the column of the splits as --split, or none."
            )
        return self.names.setdefault(name, len(self.names))


def _runs(ascending: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and lengths of runs of equal values."""
    starts = np.flatnonzero(np.diff(ascending, prepend=ascending[:1] - 1)) if len(ascending) else np.empty(0, np.int64)
    return starts, np.diff(starts, append=len(ascending))
