"""The files of rows of a Hugging Face dataset, and the split and the configuration that their places say.

train/data-00000-of-00002.arrow           as save_to_disk writes a DatasetDict
data/train-00000-of-00002.parquet         as push_to_hub does
CONFIG/train-00000-of-00002.parquet       one of several configurations
CONFIG/train/0000.parquet                 the Hub's own conversion
NAME-train-00000-of-00002.arrow           its cache
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from randquant.cli.spelling import did_you_mean
from randquant.data.store import Store
from randquant.data_prep.exchange.hf_rows import ARROW, PARQUET
from randquant.data_prep.exchange.splits import split_named
from randquant.data_prep.scan import visible_files
from randquant.errors import DataError, UsageError
from randquant.files.atomic import read_json

STATE, INFO, DICT = "state.json", "dataset_info.json", "dataset_dict.json"
_NUMBERED = re.compile(r"-\d{5}-of-\d{5}(?:-[0-9a-f]{16})?$")
_COUNTED = re.compile(r"-\d{5}-of-(\d{5})$")
_PLAIN = re.compile(r"data|part|\d+|cache-.*|tmp.*", re.IGNORECASE)  # names of files that say no split
_DATA = "data"  # the folder that push_to_hub makes


@dataclass(frozen=True)
class Shard:
    """A file of rows: its path, what the dataset calls its split, None where nothing does, and its configuration."""

    path: Path
    split: str | None
    config: str


def shards_below(root: Path) -> list[Shard]:
    """All files of rows below a folder, sorted: Parquet, or where there is none, Arrow.

    Raises:
        DataError: a state.json is damaged.
    """
    read = (path for path in visible_files(root) if path.suffix.lower() in (PARQUET, ARROW) or path.name == STATE)
    files = [path for path in sorted(read) if not Store.exists(path.parent)]  # a store that was written in there
    chosen = [path for path in files if path.suffix.lower() == PARQUET and path.stem.lower() != "metadata"]
    return [_shard(root, path) for path in chosen or _data_files([path for path in files if path.suffix != PARQUET])]


def missing_shards(shards: Sequence[Shard]) -> list[Path]:
    """Files that the names of others count and that are not there: of 00000-of-00002 alone, 00001-of-00002."""
    there = {shard.path for shard in shards}
    counted = {
        path.with_name(f"{path.name[: found.start()]}-{number:05d}-of-{found[1]}{path.suffix}"): None
        for path in sorted(there)
        if (found := _COUNTED.search(path.stem))
        for number in range(int(found[1]))
    }
    return [path for path in counted if path not in there]


def of_config(shards: Sequence[Shard], config: str | None) -> list[Shard]:
    """Those of one configuration.

    Raises:
        UsageError: there are several and none is named, or the one named is not there.
    """
    names = list(dict.fromkeys(shard.config for shard in shards))
    if config is None and len(names) > 1:
        raise UsageError(f"the dataset has the configurations {', '.join(names)}; choose one by --subset.")
    if config is not None and config not in names:
        near = did_you_mean(config, names)
        raise UsageError(f"--subset {config} is none of the dataset{near}; it has {', '.join(names) or 'none'}.")
    return [shard for shard in shards if config in (None, shard.config)]


def _data_files(files: Sequence[Path]) -> Iterator[Path]:
    """Arrow files; where a state.json says which, those alone, since others are left of filters and maps."""
    folders: Mapping[Path, list[Path]] = defaultdict(list)
    for path in files:
        folders[path.parent].append(path)
    for folder, found in folders.items():
        held = [path for path in found if path.name != STATE]
        named = _state(folder)
        listed = [entry.get("filename") for entry in named.get("_data_files", ()) if isinstance(entry, dict)]
        if named.get("_indices_data_files"):
            raise DataError(f"{folder} selects rows by a file of indices; save it again with a newer version.")
        missing = [name for name in listed if folder / str(name) not in held]
        if missing:
            raise DataError(f"{folder} lacks {missing[0]}, which its {STATE} names; copy the whole folder.")
        yield from ([folder / str(name) for name in listed] if listed else held)


def _state(folder: Path) -> dict[str, list[dict[str, str]]]:
    return read_json(folder / STATE) if (folder / STATE).is_file() else {}


def _shard(root: Path, path: Path) -> Shard:
    folders = list(path.relative_to(root).parts[:-1])
    stated = _state(path.parent).get("_split")
    stem = _NUMBERED.sub("", path.stem)
    split = str(stated) if stated else _of_name(stem, numbered=stem != path.stem)
    if split is None and folders and not _PLAIN.fullmatch(folders[-1]) and (_in_dict(path) or split_named(folders[-1])):
        split = folders.pop()
    elif folders and folders[-1] == split:
        folders.pop()
    return Shard(path, split, "/".join(name for name in folders if name != _DATA) or "default")


def _in_dict(path: Path) -> bool:
    return (path.parent.parent / DICT).is_file()


def _of_name(stem: str, *, numbered: bool) -> str | None:
    """The split that a file's name says: all of a shard's name, or its last part where that is one."""
    if _PLAIN.fullmatch(stem):
        return None
    last = stem.rpartition("-")[2]
    if split_named(last) is not None:
        return last
    return stem if split_named(stem) is not None or (numbered and stem == last) else None
