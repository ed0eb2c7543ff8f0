"""Small made-up tables: CovType's file, and one of mixed columns as people have them."""

from pathlib import Path

import numpy as np

from randquant.data_prep.datasets.tables.covtype import BLOCKS, CLASSES, NAMES
from randquant.errors import UsageError
from randquant.files.csv_writer import csv_text

TABLE = "customers.csv"
TABLE_COLUMNS = ("customer", "age", "income", "city", "member", "country", "remark", "visits", "plan")
PLANS = ("basic", "family", "student")
_CITIES = ("Bern", "Genève", "Lugano", "Zürich")


def small_covtype(out: Path, rows: int = 4_000, seed: int = 0) -> Path:
    """Write a few thousand made-up rows in the layout of CovType's file.

    The classes differ in combinations of numbers, of areas and of soils, as forests do.

    Args:
        out: folder to write into.
        rows: how many.
        seed: of everything that is drawn.
    """
    _check(seed, rows)
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, len(CLASSES), rows)
    numbers, areas, soils = BLOCKS
    # Each class is made of three kinds of places, so that no plane separates it from the others.
    centres = rng.normal(0, 1.5, (len(CLASSES), 3, numbers))
    places = rng.integers(0, 3, rows)
    values = centres[classes, places] + rng.normal(0, 1, (rows, numbers))
    table = [np.round(1500 + 300 * values).astype(int)]
    for width, often in ((areas, 1.5), (soils, 1.0)):
        chances = rng.gamma(often / 3, 1, (len(CLASSES), 3, width)) + 1e-3
        chances /= chances.sum(axis=2, keepdims=True)
        drawn = (rng.random((rows, 1)) > chances[classes, places].cumsum(axis=1)).sum(axis=1).clip(max=width - 1)
        table.append(np.eye(width, dtype=int)[drawn])
    out.mkdir(parents=True, exist_ok=True)
    np.savetxt(out / NAMES[0], np.column_stack([*table, classes + 1]), fmt="%d", delimiter=",")
    return out


def small_table(out: Path, rows: int = 2_000, seed: int = 0) -> Path:
    """Write a made-up table of customers: numbers, categories, answers, gaps, a free text, and the plan they chose.

    Args:
        out: folder to write into.
        rows: how many.
        seed: of everything that is drawn.
    """
    _check(seed, rows)
    rng = np.random.default_rng(seed)
    plans = rng.integers(0, len(PLANS), rows)
    age = rng.normal(np.array([45, 40, 24])[plans], 8).clip(16, 90).round().astype(int)
    income = rng.lognormal(np.array([8.6, 8.9, 7.4])[plans], 0.4).round(2)
    visits = rng.poisson(np.array([2, 9, 5])[plans])
    city = rng.integers(0, len(_CITIES), rows)
    member = rng.random(rows) < np.array([0.2, 0.7, 0.5])[plans]
    gaps = rng.random((rows, 3)) < 0.05
    lines: list[tuple[object, ...]] = [TABLE_COLUMNS]
    for row in range(rows):
        lines.append(
            (
                row + 1,
                "" if gaps[row, 0] else age[row],
                "NA" if gaps[row, 1] else income[row],
                "?" if gaps[row, 2] else _CITIES[city[row]],
                "yes" if member[row] else "no",
                "CH",
                f"came by, asked for {rng.integers(10**9)}",
                visits[row],
                PLANS[plans[row]],
            )
        )
    out.mkdir(parents=True, exist_ok=True)
    (out / TABLE).write_text(csv_text(lines), encoding="utf-8")
    return out


def _check(seed: int, rows: int) -> None:
    if seed < 0:
        raise UsageError(f"--seed should be at least 0, got {seed}.")
    if rows < 100:
        raise UsageError(f"--rows should be at least 100, got {rows}.")
