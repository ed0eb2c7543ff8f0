"""What a plan left out or could not find, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from randquant.cli.terminal import printable

_COUNTS = {
    "missing": "named by the dataset's lists and not there: {:,}",
    "archives_missing": "archives of the list that are not there: {:,}",
    "archives_without_wav": "archives without .wav files, which count for nothing: {:,}",
    "unlisted": "recordings that no list names, left out: {:,}",
    "unnamed_classes": "classes that nothing in the folder names, called by their numbers: {:,}",
    "unlisted_shapes": "shapes that no list names, left out: {:,}",
    "doubled": "recordings that are there twice, one of each is used: {:,}",
}
_FOLDERS = {
    "other_folders": "folders without train or test, left out",
    "other_parts": "folders beside train and test, left out",
}
_SHOWN = 5  # names
_ABSENT = ("missing_splits", "missing_folds", "parts_absent")


def notes(source: Mapping[str, Any]) -> list[str]:
    """One line for each thing to know about a plan's, or a store's, `source`; none where all is well.

    >>> notes({"unlisted": 1200, "missing": 0, "missing_folds": ["fold3"]})
    ['recordings that no list names, left out: 1,200', 'absent: fold3']
    """
    lines = [text.format(source[key]) for key, text in _COUNTS.items() if source.get(key)]
    lines += other_kinds(source)
    lines += [f"{text}: {_some(source[key])}" for key, text in _FOLDERS.items() if source.get(key)]
    lines += _across(source.get("groups_across") or ())
    absent = [name for key in _ABSENT for name in source.get(key) or ()]
    return [*lines, f"absent: {', '.join(absent)}"] if absent else lines


def _across(groups: Sequence[str]) -> list[str]:
    if not groups:
        return []
    return [
        f"groups in more than one split: {len(groups):,} ({_some(groups)}); scores count on what was met in training"
    ]


def _some(names: Sequence[str]) -> str:
    return ", ".join(printable(name) for name in names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


def other_kinds(source: Mapping[str, Any]) -> list[str]:
    """The files that are none of those looked for, by suffix.

    >>> other_kinds({"other_files": 5, "other_kinds": {".jpg": 3, "": 1}})
    ['files of other kinds, left out: 5 (3 .jpg, 1 without a suffix, 1 of others)']
    """
    count = source.get("other_files", 0)
    if not count:
        return []
    kinds = source.get("other_kinds") or {}
    named = [f"{number:,} {printable(suffix) or 'without a suffix'}" for suffix, number in kinds.items()]
    rest = count - sum(kinds.values())
    if kinds and rest:
        named.append(f"{rest:,} of others")
    return [f"files of other kinds, left out: {count:,}" + (f" ({', '.join(named)})" if named else "")]
