"""Where embeddings go: a new table, or the end of one that is there."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from randquant.cli.counted import counted
from randquant.cli.terminal import say
from randquant.data.parquet import open_parquet
from randquant.data_prep.engine.plan import Plan
from randquant.embedding.table_formats import KEY, format_of
from randquant.errors import UsageError
from randquant.files.lock import is_locked, lock_file
from randquant.results.record import Encoder

# What may differ between runs that fill one table: the name of the weights, what was read, and versions; the precision,
# which `require` has compared, since earlier versions did not say it.
_FREE = ("checkpoint", "report", "randquant", "torch", "skipped", "levels", "device", "colours", "precision")


@dataclass(frozen=True)
class Destination:
    """A table to write.

    Attributes:
        out: the table.
        append: keep the rows that are there and add those of other files.
        strict: try the files again that an earlier run could not read.
    """

    out: Path
    append: bool = False
    strict: bool = False

    @cached_property
    def appends(self) -> bool:
        """Whether there was a table to append to when this was asked first."""
        return self.append and self.out.exists()

    @property
    def target(self) -> Path:
        """What an embedder writes: the table, or a part to be appended, beside it."""
        return self.out.with_name(f".{self.out.stem}.appended.parquet") if self.appends else self.out

    def new(self, names: Sequence[str]) -> list[str]:
        """The files that the table does not have yet, in their order.

        Raises:
            DataError: it is damaged.
        """
        if not self.appends:
            return list(names)
        form = format_of(self.out)
        known, unread = form.paths(self.out), set() if self.strict else self._unread()
        left_out = sum(name in unread for name in names)
        if left_out:
            say(f"{counted(left_out, 'files')} could not be read for {self.out} before; --strict tries them again.")
        return [name for name in names if form.spelt(name) not in known and name not in unread]

    def new_items(self, plan: Plan) -> Plan:
        """The same of a plan."""
        left = set(self.new([item.path for item in plan.items]))
        return replace(plan, items=[item for item in plan.items if item.path in left])

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Appending runs take turns, so that each sees the rows of those before it."""
        if not self.append:
            yield
            return
        lock = self.out.with_name(f".{self.out.name}.lock")
        if is_locked(lock):
            say(f"Another run appends to {self.out}; this one waits for it.")
        with lock_file(lock):
            yield

    def nothing_new(self, files: int, left: int) -> bool:
        """Whether a table has all files already, which is said."""
        if self.appends and not left:
            say(f"{self.out} has all {counted(files, 'files')} already; nothing was added.")
        return self.appends and not left

    def require(self, loaded: Encoder) -> None:
        """Refuse a table of another encoder or precision before anything is embedded.

        Raises:
            UsageError: it is.
        """
        if not self.appends:
            return
        about = format_of(self.out).about(self.out)
        if about.get("sha256") != loaded.sha256:
            raise UsageError(f"{self.out} holds embeddings of another encoder; choose a new --out.")
        held = about.get("precision", "32")
        if held != loaded.precision:
            raise UsageError(
                f"{self.out} holds embeddings in precision {held}, and these would be in {loaded.precision}; give "
                f"--precision {held}, or a new --out."
            )

    def finish(self) -> None:
        """Put what was embedded behind what is there.

        Raises:
            UsageError: the settings were others; the table stays as it was.
        """
        if not self.appends:
            return
        form, part = format_of(self.out), self.target
        try:
            about = format_of(part).about(part)
            differing = sorted(_differing(form.about(self.out), about))
            if differing or form.columns(self.out) != format_of(part).columns(part):
                what = ", ".join(differing) or "columns"
                raise UsageError(
                    f"{self.out} was made with other settings ({what}); give the same ones, or a new --out."
                )
            with open_parquet(part) as file:
                rows = file.metadata.num_rows
                groups = (file.read_row_group(group) for group in range(file.num_row_groups))
                about["skipped"] = [*self._listed(), *about["skipped"]]
                schema = file.schema_arrow.with_metadata({KEY: json.dumps(about, ensure_ascii=False)})
                form.write(self.out, schema, groups, rows, behind=self.out)
        finally:
            part.unlink(missing_ok=True)
        say(f"{self.out}: added behind the rows that were there: {rows:,}")

    def _listed(self) -> list[dict[str, str]]:
        """Files that could not be read, with their reasons."""
        return list(format_of(self.out).about(self.out).get("skipped", ()))

    def _unread(self) -> set[str]:
        return {entry["path"] for entry in self._listed()}


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in old.keys() | new.keys():
        if name not in _FREE and _plain(name, old) != _plain(name, new):
            yield name


def _plain(name: str, about: Mapping[str, Any]) -> Any:
    """A setting to compare; of statistics and classifiers not where they came from."""
    value = about.get(name)
    if not isinstance(value, dict):
        return value
    return {key: each for key, each in value.items() if key not in ("source", "path")}
