"""What a store of a table will hold: the file, the parts its columns play, and the splits."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from randquant.cli.spelling import did_you_mean
from randquant.data.content_hash import file_sha256
from randquant.data_prep.tables.layout import Decimal
from randquant.data_prep.tables.splits import Rule, Shares
from randquant.data_prep.tables.table_file import TableFile
from randquant.errors import DataError, UsageError

MOST_CATEGORIES = 64


@dataclass(frozen=True)
class TablePlan:
    """A table and how it becomes rows of numbers.

    Attributes:
        file: the table.
        label, target, split, group: columns that say so; None where there is none.
        drop: columns to leave out.
        categories: columns of numbers that name categories.
        most_categories: different texts of a column that are categories; one with more is free text.
        decimal: how numbers are written.
        shares: of the splits, where no column and no rule gives them.
        rule: the published splits.
        rename: what classes are called instead.
        keep_constant: whether constant columns stay, in a table whose columns are known.
        blocks: of known columns, the parts that an encoder takes apart.
        source: goes into store.json.
    """

    file: TableFile
    label: str | None = None
    target: str | None = None
    split: str | None = None
    group: str | None = None
    drop: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    most_categories: int = MOST_CATEGORIES
    decimal: Decimal = "auto"
    shares: Shares = field(default_factory=Shares)
    rule: Rule | None = None
    rename: Callable[[str], str] | None = None
    keep_constant: bool = False
    blocks: tuple[int, ...] = ()
    source: Mapping[str, Any] = field(default_factory=dict)

    @property
    def features(self) -> list[str]:
        """Columns that may become numbers of a row."""
        return [name for name in self.file.names if name not in {*self.roles, *self.drop}]

    @property
    def roles(self) -> list[str]:
        """The columns of label, target, split and group, each once."""
        named = (self.label, self.target, self.split, self.group)
        return list(dict.fromkeys(name for name in named if name is not None))

    @property
    def separator(self) -> str:
        """Between the cells of a text; empty for other files."""
        layout = getattr(self.file, "layout", None)
        return "" if layout is None else layout.separator

    def require_columns(self) -> None:
        """Refuse columns that are not there or play two parts.

        Raises:
            DataError: the file lacks one, or nothing is left to learn from.
            UsageError: one is named for two.
        """
        flags = {"label": self.label, "target": self.target, "split": self.split, "group": self.group}
        asked = [(flag, name) for flag, name in flags.items() if name is not None]
        asked += [(flag, name) for flag in ("drop", "categories") for name in getattr(self, flag)]
        names = self.file.names
        for flag, name in asked:
            if name not in names:
                shown = ", ".join(list(names)[:12]) + (", …" if len(names) > 12 else "")
                near = did_you_mean(f"column {name}" if name.isdigit() else name, names)
                raise DataError(f"{self.file.path} has no column {name}{near} for --{flag}; it has {shown}.")
        twice = next((name for _, name in asked if [other for _, other in asked].count(name) > 1), None)
        if twice is not None and twice != self.group:
            raise UsageError(f"the column {twice} is named for two of --{', --'.join([*flags, 'drop', 'categories'])}.")
        if self.label is not None and self.target is not None:
            raise UsageError("--label is for classes and --target for a number to predict; give one of them.")
        if not self.features:
            raise DataError(f"{self.file.path} has no column left to learn from; give a table with more.")

    def fingerprint(self) -> str:
        """SHA-256 of the file's bytes and of all settings."""
        named = ("label", "target", "split", "group", "drop", "categories", "most_categories", "decimal")
        settings: dict[str, Any] = {name: getattr(self, name) for name in named}
        settings |= {"shares": vars(self.shares), "dataset": self.source.get("dataset"), "separator": self.separator}
        text = json.dumps(settings, sort_keys=True) + file_sha256(self.file.path)
        return hashlib.sha256(text.encode()).hexdigest()
