"""Read a public table to its end and hold it against the published numbers, without preparing it."""

from collections import Counter

import pyarrow as pa

from randquant.cli.counted import counted
from randquant.data_prep.dataset import Dataset
from randquant.data_prep.tables.labels import label_texts
from randquant.data_prep.tables.plan import TablePlan
from randquant.data_prep.tables.prepare import survey_columns
from randquant.data_prep.tables.roles import read_roles
from randquant.results.text_table import text_table


def examine_table(dataset: Dataset[TablePlan], plan: TablePlan) -> list[str]:
    """What is in a table, as lines, the verdict last.

    Raises:
        DataError: it cannot be read.
    """
    plan.require_columns()
    roles = read_roles(plan)
    _, left_out = survey_columns(plan, roles)
    found = Counter(name or "none" for name in roles.splits.texts(0, roles.rows))
    published = dataset.items
    total, expected = roles.rows, sum(published.values())
    whole = total == expected
    rows = [[name, f"{found[name]:,}" if whole else "-", f"{count:,}"] for name, count in published.items()]
    rows += [["valid", f"{found['valid']:,}", "-"]] if whole and found["valid"] and "valid" not in published else []
    rows.append(["all", f"{total:,}", f"{expected:,}"])
    labels = _labels(plan)
    rows.append(["classes", f"{len(labels):,}", f"{dataset.classes:,}"])
    lines = [f"  {line}" for line in text_table(["", "readable", "published"], rows)]
    lines += [f"  {line}" for line in text_table(["label", "rows"], [[name, f"{labels[name]:,}"] for name in labels])]
    lines += [f"left out {name}: {reason}" for name, reason in left_out.items()]
    return [*lines, _verdict(total, expected)]


def _verdict(total: int, expected: int) -> str:
    if total == expected:
        return f"whole: {counted(total, 'rows')}, as published, each read"
    if total > expected:
        return f"more: {counted(total, 'rows')} where {expected:,} are published; look for copies or another release"
    return f"partial: {total:,} of {expected:,} rows can be used; their splits are drawn, not the published ones"


def _labels(plan: TablePlan) -> dict[str, int]:
    """Rows by class."""
    if plan.label is None:
        return {}
    counts = Counter[str]()
    for batch in plan.file.batches([plan.label]):
        texts = label_texts(batch.column(plan.label), plan.file.path, plan.label)
        counted_texts: pa.StructArray = texts.drop_null().value_counts()
        for entry in counted_texts.to_pylist():
            counts[entry["values"] if plan.rename is None else plan.rename(entry["values"])] += entry["counts"]
    return dict(sorted(counts.items()))
