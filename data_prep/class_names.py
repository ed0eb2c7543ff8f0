"""Names of numbered classes: from lists in the folder, from the recognised release, otherwise the numbers."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from randquant.data_prep.listing import read_lines
from randquant.errors import DataError

SHAPE_NAMES = "shape_names.txt"
_HALVES = ("train", "test", "val", "valid")
_NUMBERED = re.compile(r"(.+)_[0-9]+")


def listed_names(path: Path) -> list[str]:
    """The names in a list of classes, in the order of the labels; empty if the list does not exist.

    Raises:
        DataError: it is empty or names a class twice.
    """
    if not path.exists():
        return []
    names = [line for line in read_lines(path, "the list of classes") if line]
    if not names or len(set(names)) < len(names):
        raise DataError(f"{path} should name each class once, in the order of the labels; restore it.")
    return names


def class_of(file: str) -> str:
    """The class of a shape by its file name, otherwise by its folder.

    >>> class_of("night_stand/night_stand_0001.ply"), class_of("bed/train/a.off"), class_of("sofa_0012.off")
    ('night_stand', 'bed', 'sofa')
    """
    path = PurePosixPath(file.replace("\\", "/"))
    folders = [part for part in path.parts[:-1] if part not in _HALVES]
    numbered = _NUMBERED.fullmatch(path.stem)
    if numbered and (not folders or numbered[1] in folders):
        return numbered[1]
    return folders[-1] if folders else path.stem


def implied_names(named: Iterable[tuple[Path, Sequence[int], Sequence[str]]]) -> dict[int, str]:
    """The name of each label, as implied by the names of shapes.

    Args:
        named: of each file the list that names its shapes, their labels and the classes in their names.

    Raises:
        DataError: one label goes by two names, or one name by two labels.
    """
    names: dict[int, str] = {}
    labels: dict[str, int] = {}
    for path, numbers, classes in named:
        for row, (label, name) in enumerate(zip(numbers, classes, strict=True)):
            if names.setdefault(label, name) != name or labels.setdefault(name, label) != label:
                raise DataError(
                    f"{path} calls shape {row}, whose label is {label}, {name}, where others of that label are "
                    f"{names[label]} and others of that name have the label {labels.get(name, label)}; restore them."
                )
    return names


def agreed_names(path: Path, listed: Sequence[str], told: Mapping[int, str], labels: Iterable[int]) -> list[str]:
    """The names of all classes up to the largest of `labels`; empty if the folder does not name every class.

    They are `listed` in the list of classes at `path`, or `told` by the names of shapes.

    Raises:
        DataError: the two contradict each other, or the list is shorter than the labels.
    """
    there = set(labels)
    last = max(there, default=-1)
    if listed and last >= len(listed):
        raise DataError(f"{path} names {len(listed)} classes where the label {last} occurs; restore it, or delete it.")
    for label, name in sorted(told.items()):
        if listed and listed[label] != name:
            raise DataError(
                f"{path} calls the label {label} {listed[label]} where the names of its shapes say {name}; restore the "
                "one that is wrong."
            )
    if listed:
        return list(listed)
    if told and not there <= told.keys():
        lacking = ", ".join(map(str, sorted(there - told.keys())[:5]))
        raise DataError(f"{path.parent} names the shapes of some labels but none of {lacking}; restore {path.name}.")
    return [told.get(label, str(label)) for label in range(last + 1)] if told else []


def by_number(labels: Iterable[int]) -> list[str]:
    """Numbers as names, where nothing else is known."""
    return [str(label) for label in range(max(labels, default=-1) + 1)]
