"""What is mapped: vectors with names and labels, from a table of embeddings, cached features or a file of numbers."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.errors import DataError

NAMES = ("path", "id", "name", "file", "filename")  # of the column that names a row, the first there is
FOLDER = "folder"  # in place of a column of labels: the folder of a row's file
_VECTOR = "embedding"


@dataclass(frozen=True)
class Points:
    """Rows to map.

    Attributes:
        vectors: (n, D) float32.
        names: n, such as a file's path.
        labels: n; None where there is none.
    """

    vectors: NDArray[np.float32]
    names: Sequence[str]
    labels: Sequence[str | None]

    def take(self, rows: NDArray[np.int64]) -> "Points":
        """These rows."""
        return Points(self.vectors[rows], [self.names[row] for row in rows], [self.labels[row] for row in rows])


def read_points(path: Path, label: str | None) -> Points:
    """Read vectors, recognised by the name of their file.

    Args:
        path: .parquet as `scripts.embed` writes, .csv whose columns of numbers are the vector, .npy of (n, D), or the
            folder of cached features.
        label: column of the labels, or `FOLDER`; "label" by default, where there is one.

    Raises:
        DataError: missing, in another format, or without that column.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist; give a table of scripts.embed, .csv, .npy, or a folder of features.")
    try:
        if path.is_dir():
            if not (path / "vectors.npy").exists():
                raise DataError(
                    f"{path} is not a folder of cached features; give a table of scripts.embed or a probe's."
                )
            return _with_columns(_numbers(path / "vectors.npy"), _parquet(path / "items.parquet"), path, label)
        if path.suffix.lower() == ".parquet":
            columns = _parquet(path)
            if _VECTOR not in columns:
                raise DataError(f"{path} has no column {_VECTOR}; give a table of scripts.embed without --classify.")
            return _with_columns(_matrix(path, columns.pop(_VECTOR)), columns, path, label)
        if path.suffix.lower() == ".csv":
            return _csv(path, label)
        return _with_columns(_numbers(path), {}, path, label)
    except (OSError, ValueError, EOFError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise DataError(
            f"{path} cannot be read as a table of vectors ({reason}); give .parquet, .csv or .npy."
        ) from None


def _with_columns(vectors: NDArray[np.float32], columns: dict[str, Any], path: Path, label: str | None) -> Points:
    found = next((columns[name] for name in NAMES if name in columns), None)
    names = [f"row {row}" for row in range(len(vectors))] if found is None else [str(each) for each in found]
    if any(float(start) for start in columns.get("start", ())):  # windows of a recording
        names = [f"{name} at {float(start):g} s" for name, start in zip(names, columns["start"], strict=True)]
    if label == FOLDER and found is not None:
        return Points(vectors, names, [Path(str(each)).parent.name or None for each in found])
    wanted = label or "label"
    if label is not None and wanted not in columns:
        raise DataError(f"{path} has no column {wanted} but {', '.join(columns) or 'none'}; give --label one of them.")
    labels = columns.get(wanted)
    return Points(vectors, names, [None] * len(names) if labels is None else [_label(each) for each in labels])


def _label(value: object) -> str | None:
    return None if value is None or value == "" else str(value)


def _parquet(path: Path) -> dict[str, Any]:
    """Columns by name; the vectors as one array, the others as lists."""
    from randquant.data.parquet import read_parquet

    table = read_parquet(path)
    return {
        name: table.column(name).combine_chunks() if name == _VECTOR else table.column(name).to_pylist()
        for name in table.column_names
    }


def _matrix(path: Path, column: Any) -> NDArray[np.float32]:
    values = column.values if hasattr(column, "values") else column.flatten()
    if len(column) == 0 or len(values) % len(column):
        raise DataError(f"{path} has no rows of one size in its column {_VECTOR}; write it again.")
    return np.asarray(values, dtype=np.float32).reshape(len(column), -1)


def _numbers(path: Path) -> NDArray[np.float32]:
    try:
        vectors = np.load(path, allow_pickle=False)
    except ValueError:  # whose words advise to load it unsafely
        raise ValueError("it holds no array of numbers") from None
    if vectors.ndim != 2 or not np.issubdtype(vectors.dtype, np.number) or np.iscomplexobj(vectors):
        raise DataError(f"{path} holds {vectors.dtype} of shape {vectors.shape}, not numbers (rows, columns).")
    return np.asarray(vectors, dtype=np.float32)


def _csv(path: Path, label: str | None) -> Points:
    with path.open(newline="", encoding="utf-8-sig") as file:
        header, *rows = csv.reader(file)
    if not rows or any(len(row) != len(header) for row in rows):
        raise DataError(f"{path} has no rows, or rows of another number of cells than its header; write it again.")
    columns: dict[str, list[str]] = {name: [row[place] for row in rows] for place, name in enumerate(header)}
    told = {*NAMES, "start", "end", "label", label}
    numbers = {name: found for name, cells in columns.items() if name not in told and (found := _floats(cells))}
    if not numbers:
        raise DataError(
            f"{path} has no column of numbers besides names and labels; give one with a vector in each row."
        )
    others = {name: cells for name, cells in columns.items() if name not in numbers}
    return _with_columns(np.array(list(numbers.values()), dtype=np.float32).T.copy(), others, path, label)


def _floats(cells: Sequence[str]) -> list[float] | None:
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        return None
