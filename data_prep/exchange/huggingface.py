"""Datasets of Hugging Face: folders of save_to_disk, Parquet files as on the Hub, audiofolder and imagefolder.

They are read by pyarrow; the package `datasets` is not needed, and sounds and pictures are decoded as everywhere here.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from randquant.audio.samples import Channel, Intake
from randquant.data_prep.dataset import Dataset
from randquant.data_prep.engine.plan import Item, Plan, Reading
from randquant.data_prep.engine.row_files import row_reader
from randquant.data_prep.exchange.held_file import Kind, Media, kind_of
from randquant.data_prep.exchange.hf_features import PICTURE, SOUND, Features, stated_in
from randquant.data_prep.exchange.hf_files import INFO, STATE, Shard, missing_shards, of_config, shards_below
from randquant.data_prep.exchange.hf_folder import media_folder
from randquant.data_prep.exchange.hf_rows import RowFile, open_rows
from randquant.data_prep.exchange.splits import Splitting
from randquant.data_prep.formats.whole_file import read_bytes
from randquant.data_prep.pictures import KEEP, PICTURES, Keep
from randquant.data_prep.scan import existing_folder, file_size
from randquant.data_prep.validation import SHARE, TEST_SHARE
from randquant.errors import DataError
from randquant.files.atomic import read_json

_SHOWN = 5  # values of a card that go into store.json
_TOLD = ("dataset_name", "config_name", "builder_name", "version", "license", "homepage", "citation", "description")
_CARD = ("license", "pretty_name")


def plan_hf(
    root: str | Path,
    *,
    label: str | None = None,
    group: str | None = None,
    column: str | None = None,
    subset: str | None = None,
    split: Sequence[str] | None = None,
    validation: float = SHARE,
    test: float = TEST_SHARE,
    channel: Channel = "mean",
    peak_normalise: bool = False,
    keep: Keep = KEEP,
) -> Plan:
    """Prepare a dataset of Hugging Face: a folder of save_to_disk, Parquet files, audiofolder or imagefolder.

    Args:
        root: folder that `save_to_disk` wrote, copy of a dataset's repository, or a folder of recordings or pictures
            with or without metadata.csv or .jsonl; or one Parquet or Arrow file.
        label: column of the classes; by default the only one of type ClassLabel, or the folders of an audiofolder.
        group: column of what belongs together, as a speaker.
        column: of the sounds or pictures, where there are several.
        subset: configuration, where there are several.
        split: splits to take, all by default; train=NAME, valid=NAME or test=NAME says what one of another name is.
        validation: share of each class of train that becomes valid, where there is no such split; 0 for none.
        test: share of each class that becomes test, where there is only one split; 0 for none.
        channel: of recordings: the mean of all, the left, the right, or the loudest of each.
        peak_normalise: of recordings: scale each so that its largest sample is full scale.
        keep: of pictures: raw, the pixels; encoded, the bytes of the files; auto, raw up to 128 x 128 pixels.

    Raises:
        DataError: nothing of this kind is at `root`, or it is damaged.
        UsageError: a column, configuration or split is not there or has to be chosen.
    """
    splitting, root = Splitting(split, validation, test), Path(root)
    shards = shards_below(root) if root.is_dir() else _lone(root)
    media = partial(Media, intake=Intake(channel, peak_normalise), keep=keep)
    if not shards:
        return _of_folder(root, media, splitting, label, group)
    top = root if root.is_dir() else root.parent
    shards = of_config(shards, subset)
    features, damaged = _features(top, shards)
    name, taken = features.medium(column), features.label(label)
    if group is not None:
        features.require_values(group, "--group")
    whole = [shard for shard in shards if shard.path not in damaged]
    items = [item for shard in whole for item in _items(top, shard, features, taken, group)]
    kind = _kind(features, name, whole)
    items, told = splitting.placed(items)
    remarks = [*told["remarks"], *_unlabelled(features, taken), *(f"left out: {why}" for why in damaged.values())]
    missing = [path.relative_to(top).as_posix() for path in missing_shards(shards)] if root.is_dir() else []
    source = {"dataset": DATASET.name, "root": str(top), **_about(top, shards), **told, "column": name}
    source |= {"label": taken, "config": shards[0].config, "missing": len(missing), "remarks": remarks}
    reader = row_reader(partial(_read_row, column=name, media=media(kind)), media(kind).files.settings, kind=kind)
    return Plan(top, items, reader, source, missing, damaged=list(damaged.values()))


def _lone(root: Path) -> list[Shard]:
    """One file of rows."""
    found = [shard for shard in shards_below(root.parent) if shard.path == root] if root.is_file() else []
    if not found:
        existing_folder(root)
        raise DataError(f"{root} is no Parquet or Arrow file; give one, or the folder of the dataset.")
    return found


def _of_folder(root: Path, media: Any, splitting: Splitting, label: str | None, group: str | None) -> Plan:
    found = media_folder(root, label=label, group=group)
    items, told = splitting.placed(found.items)
    source = {"dataset": DATASET.name, "root": str(root), **_card(root), **told, "tables": list(found.tables)}
    source |= {"missing": len(found.missing), "remarks": [*told["remarks"], *found.remarks]}
    return Plan(root, items, media(found.kind).files, source, found.missing)


def _features(root: Path, shards: Sequence[Shard]) -> tuple[Features, dict[Path, str]]:
    """What the first whole file says of the columns, and why others cannot be opened."""
    damaged: dict[Path, str] = {}
    features: Features | None = None
    for shard in shards:
        try:
            schema = open_rows(shard.path).schema
        except DataError as error:
            damaged[shard.path] = str(error)
            continue
        if features is None:
            features = Features(schema, stated_in(schema) or _info(root, shard.path).get("features", {}))
        elif schema.names != features.schema.names:
            raise DataError(
                f"{shard.path} has other columns ({', '.join(schema.names)}) than {shards[0].path} "
                f"({', '.join(features.schema.names)}); give one of the datasets."
            )
    if features is None:
        raise DataError(f"none of its {len(shards)} files can be read; the first: {next(iter(damaged.values()))}")
    return features, damaged


def _items(root: Path, shard: Shard, features: Features, label: str | None, group: str | None) -> Iterator[Item]:
    file = open_rows(shard.path)
    labels = features.names(label, file.column(label)) if label else [None] * file.rows
    groups = features.names(group, file.column(group)) if group else [None] * file.rows
    path, size = shard.path.relative_to(root).as_posix(), file_size(shard.path) // max(file.rows, 1)
    for row in range(file.rows):
        yield Item(path, size, labels[row], groups[row], shard.split, (row, row + 1))


def _kind(features: Features, column: str, shards: Sequence[Shard]) -> Kind:
    """Whether the files in a column are recordings or pictures; by the first one where nothing says it."""
    kinds: dict[str, Kind] = {SOUND: "audio", PICTURE: "images"}
    stated = kinds.get(features.type_of(column))
    if stated is not None:
        return stated
    for shard in shards:
        file = open_rows(shard.path)
        for row in range(min(file.rows, _SHOWN)):
            held = _held(file, column, row)
            if held.get("bytes"):
                return kind_of(held["bytes"])
            if held.get("path"):
                return "images" if str(held["path"]).lower().endswith(PICTURES) else "audio"
    return "audio"


def _held(file: RowFile, column: str, row: int) -> Mapping[str, Any]:
    """The bytes and the path that a row holds, or one of them.

    Raises:
        DataError: it holds something else, whatever its dataset states.
    """
    held = file.value(column, row)
    if held is not None and not isinstance(held, dict):
        kind = type(held).__name__
        raise DataError(f"{file.path} row {row} holds {kind} in its column {column}, where bytes and path are read.")
    return held or {}


def _read_row(path: Path, row: int, *, column: str, media: Media) -> Reading:
    """A row's sound or picture, and in the column `file` what the dataset calls it."""
    held = _held(open_rows(path), column, row)
    stated = held.get("path")
    name = f"{path} row {row}" + (f" ({stated})" if stated else "")
    data = held.get("bytes")
    if data is None and not stated:
        raise DataError(f"{name} holds nothing in its column {column}; leave it out.")
    if data is None:
        place = PurePosixPath(str(stated))
        if place.is_absolute() or ".." in place.parts:
            raise DataError(f"{name} names a file elsewhere instead of holding it; save_to_disk embeds the files.")
        data = read_bytes(path.parent / place)
    columns, blocks = media.read(data, name)
    columns["file"] = stated
    return columns, blocks


def _unlabelled(features: Features, label: str | None) -> list[str]:
    if label is not None:
        return []
    return [f"nothing is labelled; --label names a column of {', '.join(features.schema.names)}"]


def _about(root: Path, shards: Sequence[Shard]) -> dict[str, Any]:
    """The dataset's own words: its description beside the files, its card, the state that identifies its contents."""
    folders = list(dict.fromkeys(shard.path.parent for shard in shards))
    states = [read_json(folder / STATE) for folder in folders if (folder / STATE).is_file()]
    told = {name: value for name, value in _info(root, shards[0].path).items() if name in _TOLD and value}
    prints = [state["_fingerprint"] for state in states if state.get("_fingerprint")]
    rows = Counter(shard.split or "none" for shard in shards)
    return {**_card(root), **told, "fingerprints": prints, "files": dict(rows)}


def _info(root: Path, path: Path) -> dict[str, Any]:
    found = next((folder / INFO for folder in (path.parent, root) if (folder / INFO).is_file()), None)
    return read_json(found) if found is not None else {}


def _card(root: Path) -> dict[str, Any]:
    """Licence and name by the first block of README.md; empty where it says none."""
    try:
        head, front, _ = (root / "README.md").read_text(encoding="utf-8").split("---", 2)
        found = yaml.safe_load(front) if not head.strip() else None
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return {name: found[name] for name in _CARD if name in found} if isinstance(found, dict) else {}


DATASET = Dataset(
    name="hf",
    title="a Hugging Face dataset",
    licence="as the dataset's card says",
    source="https://huggingface.co/docs/datasets",
    tree="data/train-00000-of-00002.parquet\ntrain/data-00000-of-00001.arrow, train/state.json (save_to_disk)\n"
    "train/<class>/<file> or metadata.csv (audiofolder, imagefolder)",
    marks=("dataset_dict.json", "state.json", "dataset_info.json", "**/*.parquet", "**/*.arrow"),
    plan=plan_hf,
    by_hand="dataset.save_to_disk(FOLDER) writes such a folder; so does: hf download OWNER/NAME --repo-type dataset",
)
