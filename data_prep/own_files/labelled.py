"""Recordings or shapes with labels and a split, named by a CSV file: what a probe needs."""

import os
import posixpath
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from randquant.data.store import SPLITS, is_fold
from randquant.data_prep.engine.plan import Item, Plan, Reader
from randquant.data_prep.formats.csv_reader import Row, read_csv
from randquant.data_prep.recordings import RECORDINGS
from randquant.data_prep.scan import existing_folder
from randquant.errors import DataError

REQUIRED = ("path", "label", "split")
_WHAT = "a table of labels"
_LINE_SEPARATORS = "\u2028\u2029"
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def plan_labelled(table: str | Path, root: str | Path, reader: Reader = RECORDINGS) -> Plan:
    """The files that a CSV file names, in its order.

    Args:
        table: CSV as `randquant.data_prep.formats.csv_reader.read_csv` takes it, with columns `path`, `label`, `split`
            (train, valid or test; or fold1, fold2, … throughout, to cross-validate) and, optional, `group`
            (speaker, take …); further columns are ignored. Paths start from `root` or are absolute and lie
            inside it; backslashes may stand for slashes.
        root: the folder the paths start from.
        reader: of the files.

    Raises:
        DataError: the table cannot be read as one, a cell is empty, a split is unknown, a label or group holds control
            characters, a path leads out of `root`, comes twice or does not exist, or a label of valid or test does not
            occur in train.
    """
    table, root = Path(table), existing_folder(root)
    rows = _rows(table)
    _check_splits(table, rows)
    _check_labels(table, rows)
    files = list(_files(table, root, rows))
    missing = [path for path, size in files if size is None]
    if missing:
        raise DataError(
            f"{table} names {len(missing)} files that do not exist below {root} (the first: {missing[0]}); "
            "check --root and the column path."
        )
    _check_repeats(table, (path for path, _ in files))
    items = [
        Item(path, size or 0, row["label"], row.get("group") or None, row["split"])
        for (path, size), (_, row) in zip(files, rows, strict=True)
    ]
    source = {"dataset": "labelled", "root": str(root), "csv": table.name, **groups_across(items)}
    return Plan(root, items, reader, source)


def _rows(table: Path) -> list[Row]:
    """The rows with their line numbers."""
    rows = list(read_csv(table, REQUIRED, _WHAT, optional=("group",), remedy="fix it"))
    if not rows:
        raise DataError(f"{table} has a header but no rows; add the files.")
    for line, row in rows:
        row["split"] = row["split"].lower()
        for name in ("label", "group"):
            text = row.get(name, "")
            if any(unicodedata.category(mark) == "Cc" or mark in _LINE_SEPARATORS for mark in text):
                raise DataError(
                    f"{_at(table, line)} has the {name} {text!r} with control characters in it; remove them."
                )
    return rows


def _check_splits(table: Path, rows: Sequence[Row]) -> None:
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


def _check_labels(table: Path, rows: Iterable[Row]) -> None:
    learned = {row["label"] for _, row in rows if row["split"] == "train" or is_fold(row["split"])}
    unknown = sorted({row["label"] for _, row in rows} - learned)
    if unknown:
        shown = ", ".join(repr(label) for label in unknown[:3]) + (", …" if len(unknown) > 3 else "")
        raise DataError(
            f"{table} has no train row for {len(unknown)} of its labels ({shown}), so they cannot "
            "be learned; move some of their rows to train or leave those labels out."
        )


def groups_across(items: Iterable[Item]) -> dict[str, list[str]]:
    """Groups that occur in more than one split or fold."""
    splits: dict[str, set[str | None]] = {}
    for item in items:
        if item.group is not None:
            splits.setdefault(item.group, set()).add(item.split)
    across = sorted(group for group, found in splits.items() if len(found) > 1)
    return {"groups_across": across} if across else {}


def _files(table: Path, root: Path, rows: Iterable[Row]) -> Iterator[tuple[str, int | None]]:
    """The path of each file below the root, with forward slashes, and its bytes; None where there is none."""
    tops = tuple(dict.fromkeys(_slashed(os.fspath(top)) for top in (root, root.absolute(), root.resolve())))
    for line, row in rows:
        ways = [_inside(path, tops) for path in _spellings(row["path"])]
        paths = [path for path in ways if path is not None]
        if not paths:
            raise DataError(
                f"{_at(table, line)} has the path {row['path']}, which leads out of --root; use paths relative to it."
            )
        sizes = ((path, _size(root / path)) for path in paths)
        yield next(((path, size) for path, size in sizes if size is not None), (paths[0], None))


def _spellings(path: str) -> Iterator[str]:
    """Spellings of a path: as written, with slashes for backslashes, and with composed or decomposed accents."""
    slashed = _slashed(path)
    yield from dict.fromkeys((path, slashed, *(unicodedata.normalize(form, slashed) for form in ("NFC", "NFD"))))


def _inside(path: str, tops: Iterable[str]) -> str | None:
    """The path relative to the root, whose absolute paths are `tops`; None if it is outside."""
    normal = posixpath.normpath(path)
    if posixpath.isabs(normal) or _DRIVE.match(path):
        return next((normal[len(top) + 1 :] for top in tops if normal.startswith(f"{top}/")), None)
    return None if normal.split("/")[0] == ".." else normal


def _slashed(path: str) -> str:
    return path.replace("\\", "/")


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size if path.is_file() else None
    except (OSError, ValueError):
        return None


def _at(table: Path, line: int) -> str:
    return f"{table} line {line}"
