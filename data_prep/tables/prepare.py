"""From a table to a store, in three passes over the file: rows and labels, what the columns hold, the numbers.

No pass holds more than a piece of the file and a few numbers a row and a column.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from randquant.cli.progress import bar
from randquant.data.shard import ShardWriter as ShardWriter
from randquant.data.store import Store, StoreWriter
from randquant.data_prep.tables.cells import normal
from randquant.data_prep.tables.column import Arrangement, Column
from randquant.data_prep.tables.labels import label_texts
from randquant.data_prep.tables.plan import TablePlan
from randquant.data_prep.tables.roles import Roles, read_roles
from randquant.data_prep.tables.survey import Survey
from randquant.errors import DataError

SHARD_ROWS = 65_536


def prepare_table(plan: TablePlan, out: str | Path) -> Store:
    """Write the store of a table; resume it if it is incomplete, open it if it is complete.

    Raises:
        DataError: the table cannot be read or used, or `out` holds something else.
        UsageError: a column is named for two purposes.
    """
    plan.require_columns()
    writer = StoreWriter(out, kind="tables", plan=plan.fingerprint(), about={"file": str(plan.file.path)})
    with writer.begin() as complete:
        if complete:
            return Store.open(out)
        roles = read_roles(plan)
        arrangement, left_out = survey_columns(plan, roles)
        unknown = np.zeros(len(arrangement.columns), np.int64)
        shards = -(-roles.rows // SHARD_ROWS)
        with bar(label="writing", unit="rows", total=roles.rows) as shown:
            for number, pieces in groupby(_pieces(plan, arrangement), key=lambda piece: piece[0] // SHARD_ROWS):
                unknown += _write_shard(writer, plan, roles, arrangement, number, pieces)
                shown.update(min(SHARD_ROWS, roles.rows - number * SHARD_ROWS))
        info = _info(plan, roles, arrangement, left_out, unknown.tolist())
        return writer.finish(shards, info)


def survey_columns(plan: TablePlan, roles: Roles) -> tuple[Arrangement, dict[str, str]]:
    """Find what every column holds.

    Returns:
        The columns that are kept, and why others are not, by name.

    Raises:
        DataError: a column holds dates, or numbers that can be read in two ways; or none is kept.
    """
    surveys = [
        Survey(name, decimal=plan.decimal, most=plan.most_categories, forced=name in plan.categories)
        for name in plan.features
    ]
    training, start = roles.splits.training, 0
    with bar(label="columns", unit="rows", total=roles.rows) as shown:
        for batch in plan.file.batches(plan.features):
            of = training[start : start + batch.num_rows]
            for survey in surveys:
                survey.add(batch.column(survey.name), of)
            start += batch.num_rows
            shown.update(batch.num_rows)
    dates = [survey.name for survey in surveys if survey.is_date]
    if dates:
        raise DataError(
            f"{plan.file.path}: {'columns' if len(dates) > 1 else 'the column'} {', '.join(dates)} hold"
            f"{'' if len(dates) > 1 else 's'} dates or times, which are no numbers to compare; leave them out with "
            f"--drop {' '.join(map(repr, dates))}, or turn them into numbers first."
        )
    for survey in surveys:
        survey.require_decimal(plan.file.path, plan.separator)
    return _kept(plan, surveys)


def _kept(plan: TablePlan, surveys: list[Survey]) -> tuple[Arrangement, dict[str, str]]:
    reasons = {survey.name: survey.reason() for survey in surveys}
    if plan.keep_constant:
        reasons = {name: None if reason == "constant" else reason for name, reason in reasons.items()}
    left_out = {name: reason for name, reason in reasons.items() if reason is not None}
    columns = [survey.column() for survey in surveys if survey.name not in left_out]
    if plan.keep_constant:
        columns = [replace(column, constant=False) for column in columns]
    if not columns:
        shown = "; ".join(f"{name}: {reason}" for name, reason in list(left_out.items())[:5])
        raise DataError(f"{plan.file.path} has no column to learn from ({shown}); give another table.")
    return Arrangement(tuple(columns), plan.blocks), left_out


def _pieces(plan: TablePlan, arrangement: Arrangement) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The table in pieces that lie in one shard each, with the number of their first row."""
    names = [*plan.roles, *(column.name for column in arrangement.columns)]
    row = 0
    for batch in plan.file.batches(names):
        start = 0
        while start < batch.num_rows:
            count = min(batch.num_rows - start, SHARD_ROWS - row % SHARD_ROWS)
            yield row, batch.slice(start, count)
            row, start = row + count, start + count


def _write_shard(
    writer: StoreWriter,
    plan: TablePlan,
    roles: Roles,
    arrangement: Arrangement,
    number: int,
    pieces: Iterator[tuple[int, pa.RecordBatch]],
) -> np.ndarray:
    """Write a shard, unless it is there; the cells of each column that are unlike those of training."""
    unknown = np.zeros(len(arrangement.columns), np.int64)
    encoded = []
    for first, piece in pieces:
        cells = [_cells(piece, column) for column in arrangement.columns]
        rows, found = arrangement.encode(cells)
        unknown += found
        encoded.append((rows, _manifest(plan, roles, first, piece)))
    if not writer.is_written(number):
        with writer.shard(number) as shard:
            for rows, columns in encoded:
                shard.extend(rows, columns)
    return unknown


def _cells(piece: pa.RecordBatch, column: Column) -> pa.Array:
    cells = normal(piece.column(column.name))
    assert cells is not None  # columns of other values are left out
    return cells


def _manifest(plan: TablePlan, roles: Roles, first: int, piece: pa.RecordBatch) -> dict[str, list[Any]]:
    stop = first + piece.num_rows
    columns: dict[str, list[Any]] = {
        "path": [f"row {row}" for row in range(first + 1, stop + 1)],
        "split": roles.splits.texts(first, stop),
    }
    for name, column in (("label", plan.label), ("group", plan.group)):
        if column is not None:
            columns[name] = label_texts(piece.column(column), plan.file.path, column).to_pylist()
    if plan.rename is not None and "label" in columns:
        columns["label"] = [None if label is None else plan.rename(label) for label in columns["label"]]
    if plan.target is not None and roles.targets is not None:
        numbers = roles.targets.numbers(piece.column(plan.target)).tolist()
        columns["target"] = [None if number != number else number for number in numbers]  # NaN
    return columns


def _info(
    plan: TablePlan, roles: Roles, arrangement: Arrangement, left_out: dict[str, str], unknown: list[int]
) -> dict[str, Any]:
    columns = [
        {**column.record(), "unknown": count} for column, count in zip(arrangement.columns, unknown, strict=True)
    ]
    table = {
        "columns": columns,
        "left_out": left_out,
        "names": arrangement.names,
        "blocks": arrangement.sizes,
        "target": plan.target,
        "unlabelled": roles.unlabelled,
        "notes": [*plan.file.notes(), *roles.splits.notes],
    }
    found = {name: int((roles.splits.places == place).sum()) for place, name in enumerate(roles.splits.names)}
    source = {"dataset": "table", "file": plan.file.path.name, "split_source": roles.splits.source, "found": found}
    return {"table": table, "source": {**source, **plan.source}}
