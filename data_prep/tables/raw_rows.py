"""Rows as a user has them -> the numbers that an encoder of a table reads, by the columns that its weights describe."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from randquant.data_prep.tables.cells import as_numbers, commas, infinite_cells, normal
from randquant.data_prep.tables.column import Arrangement, Column
from randquant.errors import DataError, UsageError


def raw_rows(
    x: Any, columns: Sequence[Mapping[str, Any]], blocks: Sequence[int]
) -> tuple[NDArray[np.float32], bool, list[str]]:
    """The rows (n, F) of raw cells, as `prepare table` makes them of a file.

    Args:
        x: a mapping from names of columns to cells, one or as many as there are rows; a sequence of cells in the order
            of `columns`; a list of either; a pandas DataFrame or Series, or a pyarrow Table.
        columns: that are kept of the table, as `Column.record` gives them.
        blocks: sizes of the parts of a row.

    Returns:
        The rows, whether it was one alone, and a line for each column with cells that training rows lack.

    Raises:
        DataError: a column is missing, or a cell is no number where the training's all are.
        UsageError: it is nothing of these.
    """
    known = {field.name for field in fields(Column)}
    made = [
        Column(**{**{name: each[name] for name in known & each.keys()}, "values": tuple(each["values"])})
        for each in columns
    ]
    cells, single = _cells(x, [column.name for column in made])
    try:
        arrays = [_normal(column, cells[column.name]) for column in made]
    except (pa.ArrowException, OverflowError) as error:
        raise DataError(
            f"a column holds cells of several kinds ({str(error).splitlines()[0]}); make them one."
        ) from None
    rows, unknown = Arrangement(tuple(made), tuple(blocks)).encode(arrays)
    notes = [
        f"{count:,} of {len(rows):,} cells of {column.name} are unlike those of the training "
        f"({'moved to the farthest that is kept' if column.kind == 'number' else 'taken as zeros'})"
        for column, count in zip(made, unknown, strict=True)
        if count
    ]
    return rows, single, notes + _commas(made, arrays) + _infinite(made, cells, arrays)


def _commas(columns: Sequence[Column], normals: Sequence[pa.Array]) -> list[str]:
    """A line for each column of numbers with cells that were read by a decimal comma because nothing else was said."""
    return [
        f"{count:,} of {len(values):,} cells of {column.name} hold a comma (taken as the decimal mark)"
        for column, values in zip(columns, normals, strict=True)
        if column.kind == "number" and column.decimal == "auto" and (count := commas(values))
    ]


def _infinite(columns: Sequence[Column], cells: Mapping[str, Sequence[Any]], normals: Sequence[pa.Array]) -> list[str]:
    """A line for each column of numbers with infinite cells, which count as missing."""
    notes = []
    for column, values in zip(columns, normals, strict=True):
        numbers = as_numbers(values, column.decimal) if column.kind == "number" else None
        count = infinite_cells(pa.array(cells[column.name]), numbers) if numbers is not None else 0
        if count:
            notes.append(f"{count:,} of {len(values):,} cells of {column.name} are infinite (taken as missing)")
    return notes


def _normal(column: Column, values: Sequence[Any]) -> pa.Array:
    cells = normal(pa.array(values))
    numbers = column.kind == "number" and not column.constant
    if cells is None or (numbers and cells.null_count < len(cells) and as_numbers(cells, column.decimal) is None):
        shown = next(value for value in values if value is not None)
        raise DataError(f"the column {column.name} holds {shown!r} where {column.kind} is expected; fix that cell.")
    return cells


def _cells(x: Any, names: Sequence[str]) -> tuple[dict[str, Sequence[Any]], bool]:
    """The cells of each column, and whether they are of one row alone."""
    if hasattr(x, "to_pydict"):
        x = x.to_pydict()
    if hasattr(x, "to_dict"):
        x = x.to_dict("list") if hasattr(x, "columns") else x.to_dict()
    if isinstance(x, Mapping):
        _require(x, names)
        single = not any(isinstance(x[name], list | tuple | np.ndarray) for name in names)
        return ({name: [x[name]] for name in names} if single else _even(x, names)), single
    if not isinstance(x, list | tuple):
        raise UsageError(
            f"a row is {type(x).__name__}; give a mapping from columns to cells, a list of cells in the order of "
            "the table's columns, a list of either, or a data frame."
        )
    if not x:
        return {name: [] for name in names}, False
    if not isinstance(x[0], Mapping | list | tuple):
        return {name: [cell] for name, cell in zip(names, _in_order(x, names), strict=True)}, True
    rows = [_row(row, names) for row in x]
    return {name: [row[name] for row in rows] for name in names}, False


def _row(row: Any, names: Sequence[str]) -> Mapping[str, Any]:
    """The cells of one row by their columns."""
    if isinstance(row, Mapping):
        return _require(row, names)
    return dict(zip(names, _in_order(row, names), strict=True))


def _require(row: Mapping[str, Any], names: Sequence[str]) -> Mapping[str, Any]:
    missing = [name for name in names if name not in row]
    if missing:
        raise DataError(
            f"a row lacks the column {missing[0]}; give all {len(names)} ({', '.join(names[:6])}"
            f"{', …' if names[6:] else ''}), with None for a missing cell."
        )
    return row


def _in_order(row: Sequence[Any], names: Sequence[str]) -> Sequence[Any]:
    if not isinstance(row, list | tuple) or len(row) != len(names):
        raise DataError(
            f"a row is {row!r:.60} where the table has the {len(names)} columns {', '.join(names[:6])}"
            f"{', …' if names[6:] else ''}."
        )
    return row


def _even(x: Mapping[str, Any], names: Sequence[str]) -> dict[str, Sequence[Any]]:
    lengths = {name: len(x[name]) if isinstance(x[name], list | tuple | np.ndarray) else None for name in names}
    if len(set(lengths.values())) != 1:
        raise DataError("the columns have different numbers of cells; give one of each for every row.")
    return {name: x[name] for name in names}
