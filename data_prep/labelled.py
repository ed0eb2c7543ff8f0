"""Recordings or shapes with labels and a split, named by a CSV file: what a probe needs."""

import csv
import posixpath
from collections.abc import Iterable, Sequence
from pathlib import Path

from data_prep.folder import existing_folder
from data_prep.preparation import Item, Plan, Reader
from data_prep.recordings import RECORDINGS
from randquant.errors import DataError
from randquant.store import SPLITS, is_fold

REQUIRED = ("path", "label", "split")


def plan_labelled(table: str | Path, root: str | Path, reader: Reader = RECORDINGS) -> Plan:
    """The files that a CSV file names, in its order.

    Args:
        table: CSV with a header and the columns `path` (relative to `root`), `label`, `split` (train, valid
            or test; or fold1, fold2, … throughout, to be cross-validated) and, optional, `group` (speaker, take
            …); further columns are passed over.
        root: the folder the paths start from.
        reader: of the files.

    Raises:
        DataError: a column is missing, a cell is empty, a split is unknown, a path is absolute, leads out of
            `root`, comes twice or does not exist, or a label of valid or test does not occur in train.
    """
    table, root = Path(table), existing_folder(root)
    rows = _rows(table)
    paths = [_inside(row["path"], _at(table, line)) for line, row in rows]
    _check_splits(table, rows)
    _check_repeats(table, paths)
    _check_labels(table, rows)
    sizes = _sizes(table, root, paths)
    items = [
        Item(path, size, row["label"], row.get("group") or None, row["split"])
        for path, size, (_, row) in zip(paths, sizes, rows, strict=True)
    ]
    return Plan(root, items, reader, {"dataset": "labelled", "root": str(root), "csv": table.name})


def _rows(table: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows with their line numbers."""
    try:
        with open(table, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _check_columns(table, reader.fieldnames or ())
            rows = [(reader.line_num, row) for row in reader]
    except FileNotFoundError:
        raise DataError(f"{table} does not exist; check --csv.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table} is not a CSV file in UTF-8 ({error}); save it as one.") from None
    if not rows:
        raise DataError(f"{table} has a header but no rows; add the files.")
    for line, row in rows:
        if None in row or None in row.values():
            raise DataError(f"{_at(table, line)} has more or fewer cells than the header; mend it.")
        empty = [name for name in REQUIRED if not row[name].strip()]
        if empty:
            raise DataError(f"{_at(table, line)} has no {empty[0]}; fill it in or remove the row.")
        row.update(label=row["label"].strip(), split=row["split"].strip())
    return rows


def _check_columns(table: Path, names: Sequence[str]) -> None:
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise DataError(
            f"{table} lacks the column {', '.join(missing)}: expected path,label,group,split (group optional), got "
            f"{','.join(names) or 'an empty file'}; rename its columns."
        )


def _check_splits(table: Path, rows: Sequence[tuple[int, dict[str, str]]]) -> None:
    for line, row in rows:
        if row["split"] not in SPLITS and not is_fold(row["split"]):
            raise DataError(
                f"{_at(table, line)} has the split {row['split']!r}; use one of {', '.join(SPLITS)}, or fold1, fold2, …"
            )
    by_kind = {is_fold(row["split"]): line for line, row in reversed(rows)}
    if len(by_kind) == 2:
        raise DataError(f"{_at(table, max(by_kind.values()))} mixes folds with {', '.join(SPLITS)}; use one kind.")


def _check_repeats(table: Path, paths: Iterable[str]) -> None:
    seen: set[str] = set()
    for path in paths:
        if path in seen:
            raise DataError(f"{table} names {path} twice; keep one of its rows.")
        seen.add(path)


def _check_labels(table: Path, rows: Iterable[tuple[int, dict[str, str]]]) -> None:
    learned = {row["label"] for _, row in rows if row["split"] == "train" or is_fold(row["split"])}
    unknown = sorted({row["label"] for _, row in rows} - learned)
    if unknown:
        shown = ", ".join(repr(label) for label in unknown[:3]) + (", …" if len(unknown) > 3 else "")
        raise DataError(
            f"{table} has no train row for {len(unknown)} of its labels ({shown}), so they cannot "
            "be learned; move some of their rows to train or leave those labels out."
        )


def _inside(path: str, where: str) -> str:
    normal = posixpath.normpath(path.strip())
    if posixpath.isabs(normal) or normal.split("/")[0] == "..":
        raise DataError(f"{where} has the path {path}, which leads out of --root; use paths relative to it.")
    return normal


def _sizes(table: Path, root: Path, paths: Sequence[str]) -> list[int]:
    missing = [path for path in paths if not (root / path).is_file()]
    if missing:
        raise DataError(
            f"{table} names {len(missing)} files that do not exist below {root} (the first: {missing[0]}); "
            "check --root and the column path."
        )
    return [(root / path).stat().st_size for path in paths]


def _at(table: Path, line: int) -> str:
    return f"{table} line {line}"
