"""A row of a table on a page: its cells that are furthest from the training rows' means, in the table's own units."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from randquant.data.store import Store
from randquant.report.media.excerpt import Row
from randquant.report.modality import Reported, Show
from randquant.tables.evaluation.result import TableResult
from randquant.tables.stored_table import Scales, column_names, scales

CELLS = 6
_ZERO = 1e-5  # of a deviation: what is left of a zero that was standardised in float32


def excerpts(store: Store) -> Show:
    """How the rows of a store are seen."""
    names, known, columns = column_names(store), scales(store), len(store.info["table"]["columns"])
    return lambda item: Row(item, cells(store.rows(item)[0], names, known), columns)


def cells(row: NDArray[np.float32], names: Sequence[str], known: Scales) -> list[tuple[str, str]]:
    """At most six cells of a row (F,), in its order: numbers with the largest deviations, and answers that are yes."""
    telling = np.array([name in known or bool(row[column]) for column, name in enumerate(names)])
    order = np.argsort(-np.abs(row) * telling, kind="stable")[: min(CELLS, int(telling.sum()))]
    return [(names[column], _value(float(row[column]), known.get(names[column]))) for column in sorted(order.tolist())]


def _value(number: float, scale: tuple[float, float] | None) -> str:
    """A number in the units of the table."""
    if scale is None:
        return "yes" if number == 1.0 else f"{number:g}"
    mean, deviation = scale
    value = mean + number * deviation
    return f"{value if abs(value) > _ZERO * deviation else 0.0:.4g}"


REPORTED = Reported("tables", "rows", TableResult, lambda result: {}, excerpts)
