"""Splits of a dataset by the names it gives them: those of the store, kept, renamed, or made where there are none."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from randquant.cli.terminal import printable
from randquant.data.store import SPLITS, is_fold
from randquant.data_prep.engine.plan import Item
from randquant.data_prep.own_files.labelled import groups_across
from randquant.data_prep.own_files.pictures import SPELLINGS
from randquant.data_prep.validation import SHARE, TEST_SHARE, check_share, class_remarks, with_validation
from randquant.errors import DataError, UsageError

_FIRST_WORDS: Mapping[str, str] = {
    **SPELLINGS,
    **dict.fromkeys(("dev", "development"), "valid"),
    **dict.fromkeys(("eval", "evaluation"), "test"),
}
_PARTS = re.compile(r"[._\-\s\[]+")
_ONE_CLASS = "name another --label"


def split_named(name: str) -> str | None:
    """The store's name of a split that a dataset calls `name`; None where its first word tells nothing.

    >>> split_named("train.clean.100"), split_named("dev_other"), split_named("fold3"), split_named("all")
    ('train', 'valid', 'fold3', None)
    """
    return name if is_fold(name) else _FIRST_WORDS.get(_PARTS.split(name.lower())[0])


@dataclass(frozen=True)
class Splitting:
    """What the flags say of splits.

    Attributes:
        wanted: names of splits to take, `NAME` or `train=NAME`, …; all where None.
        validation: share of each class of train that becomes valid, where there is none.
        test: share of each class that becomes test, where nothing is parted.
    """

    wanted: Sequence[str] | None = None
    validation: float = SHARE
    test: float = TEST_SHARE

    def __post_init__(self) -> None:
        check_share(self.validation)
        check_share(self.test, flag="--test")

    def placed(self, items: Sequence[Item]) -> tuple[list[Item], dict[str, Any]]:
        """The items in the splits of a store, and what a plan's `source` says of that.

        Args:
            items: whose `split` is what the dataset calls it, None where it says none.

        Raises:
            DataError: nothing is left.
            UsageError: --split names a split that is not there.
        """
        if not items:
            raise DataError("the dataset holds nothing to prepare; check that it is whole.")
        names = list(dict.fromkeys(item.split for item in items if item.split is not None))
        targets = self._targets(names)
        taken = [item for item in items if item.split in targets] if self.wanted is not None else list(items)
        if not taken:
            raise DataError(f"nothing is in the split {', '.join(self.wanted or ())}; give another --split.")
        placed = [replace(item, split=targets.get(item.split or "")) for item in taken]
        remarks = _renamed(targets, Counter(item.split for item in taken))
        left_out = [name for name in names if name not in targets]
        if left_out:
            remarks.append(f"splits left out: {', '.join(map(printable, left_out))}")
        if not any(item.label is not None for item in placed):
            found = "the dataset's own" if any(targets.values()) else None
            return placed, {"split_source": found, "remarks": remarks}
        return self._labelled(placed, remarks)

    def _labelled(self, items: list[Item], remarks: list[str]) -> tuple[list[Item], dict[str, Any]]:
        """Valid and test of what is labelled, made where the dataset has none."""
        there = {item.split for item in items}
        parted = bool(there - {None, "train"})
        if there == {None}:
            items = [replace(item, split="train") for item in items]
        folds = any(map(is_fold, there))
        for split, share, made in (("test", self.test, not parted), ("valid", self.validation, not folds)):
            if split in there or not made:
                continue
            if share:
                known = [item for item in items if item.label is not None]  # others train, unlabelled
                moved = {item.name: item for item in with_validation(known, share, split=split)}
                items = [moved.get(item.name, item) for item in items]
            if any(item.split == split for item in items):
                remarks.append(f"no split {split}: {100 * share:g} % of each class of train was taken for it")
        if not folds and "test" not in {item.split for item in items}:
            remarks.append("no split test, so nothing can be scored on it; --split test=NAME names one")
        made_here = "made here" if not parted else "the dataset's own"
        remarks += [] if folds else class_remarks(items, _ONE_CLASS)
        return items, {"split_source": made_here, "remarks": remarks, **groups_across(items)}

    def _targets(self, names: Sequence[str]) -> dict[str, str | None]:
        """The store's split by the dataset's name of it."""
        if self.wanted is None:
            return {name: split_named(name) for name in names}
        targets: dict[str, str | None] = {}
        for entry in self.wanted:
            target, equals, name = entry.partition("=")
            name = name if equals else target
            if name not in names:
                there = ", ".join(map(printable, names)) or "none"
                raise UsageError(f"--split {entry} names no split of the dataset; it has: {there}.")
            if equals and target not in SPLITS and not is_fold(target):
                raise UsageError(f"--split {entry} should begin with one of {'=, '.join(SPLITS)}= or fold1=, ….")
            targets[name] = target if equals else split_named(name)
        return targets


def _renamed(targets: Mapping[str, str | None], counts: Mapping[str | None, int]) -> list[str]:
    """Splits that the store calls otherwise, and those it has no name for."""
    told = [f"{printable(name)} is {split}" for name, split in targets.items() if split not in (None, name)]
    unnamed = [name for name, split in targets.items() if split is None]
    lines = [f"splits by other names: {', '.join(told)}"] if told else []
    if unnamed:
        count = sum(counts[name] for name in unnamed)
        named = ", ".join(map(printable, unnamed))
        lines.append(f"in no split of a store, as they are called {named}: {count:,}; --split test=NAME names one")
    return lines
