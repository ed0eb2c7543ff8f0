"""The rows of a result, run again command by command."""

import contextlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from randquant.errors import DataError, UsageError
from randquant.files.json_record import Json
from randquant.results.changes import Changes, changes
from randquant.results.command import CommandRecord
from randquant.results.folder import Report, read_report
from randquant.results.record import Result
from randquant.scripts.reproduction.commands import data_flag, probe_call
from randquant.scripts.reproduction.places import Places

_FOLDS = "fewshot_folds"  # the flag whose folder is a task of its own


@dataclass(frozen=True)
class Row:
    """A row, and what came of it.

    Attributes:
        stated: as it was kept.
        again: as it was run again; None where it was not.
        changes: what differs.
        reason: why it was not run, or what is wrong with its predictions; empty where all is well.
    """

    stated: Result
    again: Result | None = None
    changes: Changes | None = None
    reason: str = ""

    @property
    def state(self) -> str:
        """In a word or two."""
        if self.changes is None:
            return "not run"
        return "equal" if self.changes.equal and not self.reason else "differs"

    @property
    def predictions_are_equal(self) -> bool:
        """Whether both sides say their predictions, and these are the same."""
        digests = self.stated.predictions_sha256, self.again and self.again.predictions_sha256
        return self.stated.predictions_sha256 is not None and digests[0] == digests[1]


@dataclass(frozen=True)
class Group:
    """Rows of one command on one task.

    Attributes:
        command: whose rows they are.
        rows: as they are stated.
    """

    command: CommandRecord
    rows: list[Result]

    def settings(self, places: Places, out: Path, cache: Path) -> dict[str, Json]:
        """The flags of the command on this task alone.

        Args:
            places: where the data are.
            out: folder for its results.
            cache: of features.

        Raises:
            DataError: the store or the checkpoint is not there.
        """
        first, given, flag = self.rows[0], dict(self.command.settings), data_flag(self.command.name)
        given["checkpoint"] = places.found(first.checkpoint.path, "checkpoint")
        data = places.found(first.store.path, "store")
        listed = given.get(flag)
        if _FOLDS in given and given[_FOLDS] == first.store.path and isinstance(listed, list) and listed:
            # The command wants a store beside the folds.
            given |= {_FOLDS: data, flag: [places.found(str(listed[0]), "store")]}
        else:
            given |= {flag: [data]} | ({_FOLDS: None} if _FOLDS in given else {})
        given.pop("stores", None)  # the folder of a name, which is a path now
        return given | {"out": f"{out}/", "cache": str(cache)}

    def run(self, settings: dict[str, Json], out: Path) -> Report[Result]:
        """The results of the command, run again; what it would print is left out."""
        call = probe_call(self.command.name, settings)
        with contextlib.redirect_stdout(io.StringIO()):
            call()
        return read_report(out)


def groups(results: Sequence[Result]) -> list[Group]:
    """Rows that say their command, put together where one run gives them."""
    found: dict[str, Group] = {}
    for result in results:
        if result.command is not None:
            key = json.dumps([result.command.to_json(), result.checkpoint.path, result.store.path, result.task])
            found.setdefault(key, Group(result.command, [])).rows.append(result)
    return list(found.values())


def compared(group: Group, again: Report[Result], kept: Report[Result] | None) -> list[Row]:
    """The rows of a group beside those that were run again.

    Args:
        group: the rows as stated.
        again: the new results folder.
        kept: the folder they were kept in; None for a JSON file.
    """
    return [_compared(stated, again, kept) for stated in group.rows]


def _compared(stated: Result, again: Report[Result], kept: Report[Result] | None) -> Row:
    folds = stated.store.content_hash is None  # which are no store
    same = (each for each in again.results if each.probe == stated.probe and (each.store.content_hash is None) == folds)
    found = next(same, None)
    if found is None:
        return Row(stated, reason=f"the command gives no row {stated.probe} any more")
    table, reason = _kept(stated, kept)
    return Row(stated, found, changes(stated, found, table, again.predictions(found)), reason)


def _kept(stated: Result, kept: Report[Result] | None) -> tuple[pa.Table | None, str]:
    """The predictions a row was counted from, or what is wrong with them."""
    try:
        return (None if kept is None else kept.predictions(stated)), ""
    except DataError as error:
        return None, str(error)


def run_again(group: Group, places: Places, out: Path, cache: Path, kept: Report[Result] | None) -> list[Row]:
    """The rows of a group, run again; an error that a user can cause becomes their reason."""
    try:
        again = group.run(group.settings(places, out, cache), out)
    except (DataError, UsageError) as error:
        return [Row(stated, reason=str(error)) for stated in group.rows]
    return compared(group, again, kept)
