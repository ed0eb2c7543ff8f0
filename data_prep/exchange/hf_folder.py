"""Folders of recordings or pictures as Hugging Face's audiofolder and imagefolder read them.

Labels and whatever else is known come from `metadata.csv`, `.jsonl` or `.parquet` in the root or in the folder of each
split, with a column `file_name`; without such a file a folder is a class. Folders called train, test, ... are splits.
"""

import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from randquant.cli.spelling import did_you_mean
from randquant.data_prep.engine.plan import Item
from randquant.data_prep.exchange.hf_rows import open_rows
from randquant.data_prep.exchange.splits import split_named
from randquant.data_prep.formats.csv_reader import read_csv
from randquant.data_prep.pictures import PICTURES
from randquant.data_prep.recordings import DECODED
from randquant.data_prep.scan import file_size, visible_files
from randquant.errors import DataError, UsageError

NAME = "file_name"
TABLES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")


@dataclass(frozen=True)
class MediaFolder:
    """Files of one kind below a folder.

    Attributes:
        items: labelled by their folders or their tables, `split` as the folders are called.
        kind: of the files, "audio" or "images".
        tables: paths of the tables that were read.
        missing: files that the tables name and that are not there.
        remarks: what was left out.
    """

    items: Sequence[Item]
    kind: str
    tables: Sequence[str]
    missing: Sequence[str]
    remarks: Sequence[str]


def media_folder(root: Path, *, label: str | None, group: str | None) -> MediaFolder:
    """The recordings or pictures below `root`.

    Args:
        root: an existing folder.
        label: column of the tables; by default `label` where there is one.
        group: column of what belongs together.

    Raises:
        DataError: there are none, or a table is damaged.
        UsageError: a column is not there, or recordings and pictures are mixed.
    """
    files = sorted(path.relative_to(root).as_posix() for path in visible_files(root))
    sounds, pictures = (_of(files, suffixes) for suffixes in (DECODED, PICTURES))
    if not sounds and not pictures:
        raise DataError(
            f"{root} holds none of Parquet files, Arrow files, recordings and pictures; give the folder that "
            "save_to_disk wrote, or a copy of the dataset's repository."
        )
    if sounds and pictures:
        raise UsageError(
            f"{root} holds {len(sounds):,} recordings and {len(pictures):,} pictures; give a folder with one of them."
        )
    held = sounds or pictures
    tables = [name for name in files if PurePosixPath(name).name in TABLES]
    if tables:
        read = list(_rows(root, tables))
        rows = dict(read)
        items = list(_by_table(root, held, rows, label, group))
        missing = sorted(rows.keys() - set(held))
        unlisted = len(held) - len(items)
        remarks = [f"files that no table of the dataset names, left out: {unlisted:,}"] if unlisted else []
        if len(rows) < len(read):
            remarks.append(f"rows that name a file again, of which the last counts: {len(read) - len(rows):,}")
        return MediaFolder(items, "audio" if sounds else "images", tables, missing, remarks)
    if label is not None or group is not None:
        raise UsageError(f"{root} has no {TABLES[0]} that could hold a column for --label or --group; leave them out.")
    return MediaFolder(list(_by_folder(root, held)), "audio" if sounds else "images", (), (), ())


def _of(files: Sequence[str], suffixes: Sequence[str]) -> list[str]:
    return [name for name in files if name.lower().endswith(tuple(suffixes))]


def _split_of(name: str) -> str | None:
    """The first folder of a path that is called like a split, below `data` too."""
    return next((part for part in PurePosixPath(name).parts[:-1][:2] if split_named(part)), None)


def _by_folder(root: Path, files: Sequence[str]) -> Iterator[Item]:
    """A folder a class; none where all lie in the same one."""
    places = [
        [part for part in PurePosixPath(name).parts[:-1] if part != _split_of(name) and part != "data"]
        for name in files
    ]
    classes = {parts[-1] for parts in places if parts}
    labelled = len(classes) > 1 or any(place for place in places)
    for name, parts in zip(files, places, strict=True):
        label = parts[-1] if labelled and parts else None
        yield Item(name, file_size(root / name), label, None, _split_of(name))


def _by_table(
    root: Path, files: Sequence[str], rows: Mapping[str, Mapping[str, Any]], label: str | None, group: str | None
) -> Iterator[Item]:
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    for flag, column in (("--label", label), ("--group", group)):
        if column is not None and column not in columns:
            near = did_you_mean(column, columns)
            raise UsageError(f"{flag} {column} is no column of the tables{near}; there are {', '.join(columns)}.")
    taken = label or ("label" if "label" in columns else None)
    for name in files:
        if name in rows:
            row = rows[name]
            yield Item(name, file_size(root / name), _text(row, taken), _text(row, group), _split_of(name))


def _text(row: Mapping[str, Any], column: str | None) -> str | None:
    value = row.get(column) if column is not None else None
    if isinstance(value, (list, dict)):
        raise UsageError(f"--label {column} holds several values a file ({json.dumps(value)[:60]}); one is read.")
    return None if value is None or value == "" else str(value)


def _rows(root: Path, tables: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of all tables by the path of their file."""
    for table in tables:
        for number, row in enumerate(_table_rows(root / table), 1):
            if not isinstance(row.get(NAME), str):
                raise DataError(f"{root / table} row {number} has no {NAME}; fill it in or remove the row.")
            yield posixpath.normpath(posixpath.join(posixpath.dirname(table), row[NAME])), row


def _table_rows(path: Path) -> Iterator[dict[str, Any]]:
    if path.suffix == ".csv":
        yield from (row for _, row in read_csv(path, (NAME,), "metadata.csv of a dataset", remedy="fix it"))
    elif path.suffix == ".parquet":
        file = open_rows(path)
        if NAME not in file.schema.names:
            raise DataError(f"{path} has no column {NAME}, which says what its rows are of; add it.")
        columns = {name: file.column(name) for name in file.schema.names}
        yield from (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    else:
        yield from _json_lines(path)


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise DataError(f"{path} line {number} is no JSON object; fix it.")
        yield row
