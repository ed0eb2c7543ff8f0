"""A user's own pictures: folders of classes, with or without folders of splits; unlabelled; or a table of labels."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from randquant.cli.terminal import printable
from randquant.data.store import SPLITS
from randquant.data_prep.engine.plan import Item, Plan
from randquant.data_prep.own_files.labelled import plan_labelled
from randquant.data_prep.pictures import FOREIGN, KEEP, PICTURES, Keep, pictures_reader
from randquant.data_prep.scan import existing_folder, file_size, is_visible_folder, visible_files
from randquant.data_prep.validation import SHARE, TEST_SHARE, check_share, class_remarks, with_validation
from randquant.errors import DataError, UsageError

# What the folders of splits are called, in any case.
SPELLINGS: Mapping[str, str] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "validation", "val"), "valid"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_LITTER = ("thumbs.db", "desktop.ini")  # what Windows leaves
_KINDS = 20
_ONE_CLASS = "give the folder above it, or --unlabelled"


def plan_images(
    root: str | Path,
    *,
    csv: Path | None = None,
    unlabelled: bool = False,
    validation: float = SHARE,
    test: float = TEST_SHARE,
    keep: Keep = KEEP,
) -> Plan:
    """Prepare the pictures below a folder: classes by their folders, or as a CSV file names them, or unlabelled.

    The folders are train, valid (or val, validation) and test with a folder a class in each, or a folder a class; then
    valid and test are made here, by hashes of the names. A lone folder around them is entered.

    Args:
        root: folder of pictures at any depth, or a ZIP or TAR file of one; JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, …
        csv: table with the columns path,label,group,split, which says what to prepare and how it is labelled.
        unlabelled: take every picture, whatever its folder, without a label.
        validation: share of each class of train that becomes valid, where there is no folder of it; 0 for none.
        test: share of each class that becomes test, where there are no folders of splits; 0 for none.
        keep: raw, the pixels; encoded, the bytes of the files; auto, raw up to 128 x 128 pixels and else encoded.

    Raises:
        DataError: `root` is not a folder or holds no picture, two folders are the same split, or the table is not as
            it should be.
        UsageError: a share is out of range, or `csv` and `unlabelled` are both given.
    """
    check_share(validation)
    check_share(test, flag="--test")
    reader = pictures_reader(keep)
    if csv is not None and unlabelled:
        raise UsageError("--csv gives the labels and --unlabelled wants none; give one of them.")
    if csv is not None:
        return plan_labelled(csv, root, reader)
    root = existing_folder(root)
    top = root if unlabelled else _unwrapped(root)
    paths, source = _pictures(top)
    items = [Item(path, file_size(top / path)) for path in paths]
    if not unlabelled:
        items, found = _placed(top, items, validation, test)
        source |= found
        if top != root:
            source["remarks"] = [f"the folders are those of {printable(str(top))}", *source["remarks"]]
    return Plan(top, items, reader, source)


def _pictures(root: Path) -> tuple[list[str], dict[str, Any]]:
    """The pictures below `root`, sorted, and what else is there, counted."""
    hidden: Counter[str] = Counter()
    files = [path.relative_to(root).as_posix() for path in visible_files(root, hidden)]
    litter = [path for path in files if PurePosixPath(path).name.lower() in _LITTER]
    suffix_of = {path: PurePosixPath(path).suffix.lower() for path in files}
    wanted = {*PICTURES, *FOREIGN}
    pictures = sorted(path for path in files if suffix_of[path] in wanted)
    others = Counter(suffix_of[path] for path in files if suffix_of[path] not in wanted)
    others.subtract(suffix_of[path] for path in litter)
    if not pictures:
        raise DataError(f"{root} holds no pictures among its {len(files)} files; give one with .jpg or .png files.")
    most_common = sorted(
        ((suffix, count) for suffix, count in others.items() if count), key=lambda kind: (-kind[1], kind)
    )
    return pictures, {
        "dataset": "images",
        "root": str(root),
        "hidden_files": hidden.total() + len(litter),
        "other_files": others.total(),
        "other_kinds": {printable(suffix): count for suffix, count in most_common[:_KINDS]},
    }


def _unwrapped(root: Path) -> Path:
    """`root`, or the lone folder in it, or in that, that holds folders of splits or of two classes or more."""
    inside = [entry for entry in root.iterdir() if entry.name.lower() not in _LITTER]
    folders = [entry for entry in inside if is_visible_folder(entry)]
    lone = len(folders) == 1 and not any(entry.suffix.lower() in PICTURES for entry in inside)
    if not lone or folders[0].name.lower() in SPELLINGS:
        return root
    below = [entry for entry in folders[0].iterdir() if entry.name.lower() not in _LITTER]
    classes = sum(is_visible_folder(entry) for entry in below)
    if not classes or any(entry.suffix.lower() in PICTURES for entry in below):
        return root
    inner = _unwrapped(folders[0])
    return inner if classes > 1 or _splits(folders[0]) or inner != folders[0] else root


def _splits(root: Path) -> dict[str, str]:
    """The split of each folder that is one; empty where the folders are classes.

    Raises:
        DataError: two of them are the same split.
    """
    folders = sorted(entry.name for entry in root.iterdir() if is_visible_folder(entry))
    found = {name: SPELLINGS[name.lower()] for name in folders if name.lower() in SPELLINGS}
    if "train" not in found.values() and len(found) < len(folders):
        return {}  # a class may be called test
    for split in SPLITS:
        names = [name for name, of in found.items() if of == split]
        if len(names) > 1:
            raise DataError(f"{root} has {' and '.join(names)}, both of which are {split}; keep one of them there.")
    return found


def _placed(root: Path, items: Sequence[Item], validation: float, test: float) -> tuple[list[Item], dict[str, Any]]:
    """The items with the labels and splits of their folders, and what is to be said of it."""
    splits = _splits(root)
    every = list(_by_folder(items, splits))
    labelled = any(item.label is not None for item in every)
    placed = [item for item in every if not labelled or item.label is not None]
    parts = [item for item in placed if not splits or item.split is not None]
    if not splits:
        parts = [replace(item, split="train") for item in parts] if labelled else parts
    remarks, made = [], [split for split in ("test", "valid") if labelled and split not in splits.values()]
    for split, share in (("test", 0 if splits else test), ("valid", validation)):
        if split in made and share:
            parts = with_validation(parts, share, split=split)
            remarks.append(f"no folder of {split}: {100 * share:g} % of each class of train was taken for it")
        elif split in made:
            remarks.append(f"no folder of {split}, so nothing can be scored on it; rename a folder, or use --csv")
    beside = sorted({PurePosixPath(item.path).parts[0] for item in placed if splits and item.split is None})
    found = {
        "split_source": "folders" if splits else "made here" if labelled else None,
        "unplaced": len(every) - len(placed),
        "other_parts": beside,
        "remarks": [*remarks, *class_remarks(parts, _ONE_CLASS)]
        if labelled
        else ["no folders of classes, so nothing is labelled"],
    }
    return parts, found


def _by_folder(items: Sequence[Item], splits: Mapping[str, str]) -> Iterator[Item]:
    for item in items:
        folders = PurePosixPath(item.path).parts[:-1]
        split = splits.get(folders[0]) if splits and folders else None
        classes = folders[1:] if splits else folders
        yield replace(item, label=classes[0] if classes else None, split=split)
