"""The summary of a store of a table: what its columns are, and what was left out."""

from collections.abc import Iterator, Mapping
from typing import Any

from randquant.cli.counted import counted
from randquant.data.store import Store
from randquant.data_prep.tables.column import FARTHEST
from randquant.data_prep.tables.splits import names_splits
from randquant.results.text_table import text_table

_SHOWN = 24  # columns; store.json has them all


def table_lines(store: Store) -> list[str]:
    """The lines about a table that `prepare` ends with."""
    table = store.info["table"]
    columns = table["columns"]
    header = ["column", "kind", "missing", "in a row"]
    rows = [[column["name"], _kind(column), _count(column["missing"]), _numbers(column)] for column in columns]
    lines = [f"  {line}" for line in text_table(header, rows[:_SHOWN])]
    if len(rows) > _SHOWN:
        lines.append(f"  … and {counted(len(rows) - _SHOWN, 'columns')} more; store.json lists them all")
    lines += [f"left out {name}: {reason}" for name, reason in table["left_out"].items()]
    return lines + list(_notes(store, table))


def _notes(store: Store, table: Mapping[str, Any]) -> Iterator[str]:
    yield from table["notes"]
    if any(column["missing"] for column in table["columns"]):
        yield (
            "missing cells: a number is the mean of train, an answer or category all zeros, and a column of its own "
            'says "is missing"'
        )
    for column in table["columns"]:
        if column.get("infinite"):
            yield f"{column['name']}: of the missing cells {column['infinite']:,} infinite or beyond double precision"
        if column["unknown"] and column["kind"] == "number":
            yield (
                f"{column['name']}: {counted(column['unknown'], 'cells')} more than {FARTHEST:,.0f} deviations from "
                "the mean of train, moved to that distance"
            )
        elif column["unknown"]:
            what = "categories" if column["kind"] == "category" else "answers"
            yield f"{column['name']}: {counted(column['unknown'], 'cells')} of {what} that train lacks, all zeros here"
        if column.get("padded"):
            yield (
                f"{column['name']}: numbers such as {column['padded']} lose the zeros in front; if they are codes, "
                f"give --categories {column['name']!r}"
            )
        if names_splits(column.get("values") or ()):
            yield (
                f"{column['name']}: names of splits, read as a feature; with --split {column['name']!r} they are the "
                f"splits, and --drop {column['name']!r} leaves them out"
            )
    if table["unlabelled"]:
        yield f"{counted(table['unlabelled'], 'rows')} without a label, used for pretraining alone"
    if "published" not in store.info["source"]:
        yield f"splits: {store.info['source']['split_source']}"


def _kind(column: Mapping[str, Any]) -> str:
    if column["constant"]:
        return "given or missing"
    if column["kind"] == "number":
        return f"number, {column['mean']:.4g} ± {column['deviation']:.4g}"
    if column["kind"] == "yes/no":
        return "/".join(reversed(column["values"]))
    values = column["values"]
    return f"{len(values)} categories ({', '.join(values[:3])}{', …' if len(values) > 3 else ''})"


def _numbers(column: Mapping[str, Any]) -> str:
    size = 0 if column["constant"] else len(column["values"]) if column["kind"] == "category" else 1
    return f"{size + column['indicator']}"


def _count(missing: int) -> str:
    return f"{missing:,}" if missing else "-"
