"""Where numbers go: a JSON file, or a folder of every number of one encoder under one protocol, with its predictions.

    results.json          the numbers and where they come from, one entry a task and probe
    predictions.parquet   task, probe, id, group, fold, label, seed, predicted
    per_class.parquet     task, probe, class, items, recall, precision
    confusion.parquet     task, probe, label, predicted, count, items, share
    table.md              the page to read

A folder grows: another task or probe is added, the same one again takes its old entry's place, and several
processes may add at once. Each file is replaced in one step, results.json after the Parquet files; an entry carries
the digest of its predictions, so files that do not belong together are noticed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

from randquant.cli.counted import counted
from randquant.data.parquet import read_parquet
from randquant.errors import DataError, UsageError
from randquant.extras import needs
from randquant.files.atomic import atomic_path, read_json, write_json, write_text
from randquant.files.lock import locked
from randquant.files.store_folder import require_outside_stores
from randquant.probes.outcome import R2
from randquant.results.page import closing_lines, results_page
from randquant.results.predictions import SCHEMA, confusion, digest, per_class, select
from randquant.results.record import Entry, Result, to_file
from randquant.results.text_table import shortened

with needs("train"):
    import pyarrow as pa
    import pyarrow.parquet as pq

FORMAT = "randquant-results"
VERSION = 1
_UNSAID = {"precision": "32"}  # of the subject where it does not say

R = TypeVar("R", bound=Result)


@dataclass(frozen=True)
class Report(Generic[R]):
    """A results folder as read.

    Attributes:
        path: the folder.
        subject: what all results have in common.
        results: sorted by task, in the order their probes were added.
    """

    path: Path
    subject: dict[str, str]
    results: list[R]

    def predictions(self, result: R) -> pa.Table:
        """The predictions that one of `results` was counted from.

        Raises:
            DataError: they are missing, or they are another run's.
        """
        table = select(self._everything, result.task, result.probe)
        if digest(table) != result.predictions_sha256:
            raise DataError(
                f"{self.path / 'predictions.parquet'} does not hold the predictions that results.json was counted "
                f"from ({result.task}, {result.probe}); run that probe again."
            )
        return table

    @cached_property
    def _everything(self) -> pa.Table:
        return _read_predictions(self.path)


class Destination(Generic[R]):
    """What `--out` names.

    Args:
        out: a file ending in .json, or a folder, new or of the same subject.
        subject: what all results of a folder have in common, such as encoder and protocol.

    Raises:
        DataError: the folder holds other results.
        UsageError: neither a folder nor a .json file.
    """

    def __init__(self, out: str, subject: Mapping[str, str]) -> None:
        self.path, self.folder, self.subject = Path(out), is_folder(out), subject
        self.tasks: list[list[R]] = []
        if self.folder:
            require_subject(out, subject)
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def add(self, entries: Sequence[Entry[R]]) -> None:
        """Take the results of one task and write them, so that an error in the next one loses nothing."""
        self.tasks.append([_with_digest(entry) for entry in entries])
        if self.folder:
            add(self.path, self.subject, entries)
        else:
            write_json(self.path, to_file(self.tasks))

    def lines(self) -> list[str]:
        """What to print in the end: the results of this command, and where a folder has all of its own."""
        lines = closing_lines(self.tasks)
        if self.folder:
            held = len(read_report(self.path).results)
            lines.append(f"{self.path / 'table.md'} shows the {counted(held, 'results')} of this folder")
        return lines


def is_folder(out: str) -> bool:
    """Whether `--out` says a results folder rather than a JSON file.

    Raises:
        UsageError: it says another kind of file, or lies in a store.
    """
    require_outside_stores(out)
    path = Path(out)
    if path.is_dir() or out.endswith("/") or not path.suffix:
        return True
    if path.suffix != ".json":
        raise UsageError(f"--out {out} should end in .json, or in / for a results folder; rename it.")
    return False


def require_distinct(names: Sequence[str], flag: str) -> None:
    """Refuse tasks of one name, which a folder holds once.

    Raises:
        UsageError: a name occurs twice.
    """
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{flag} names {twice} twice, but a results folder holds it once; use a folder for each.")


def require_subject(folder: str | Path, subject: Mapping[str, str]) -> None:
    """Refuse a folder that cannot take results of `subject`, before hours are spent.

    Raises:
        DataError: it holds the results of another subject, or something else.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file, but results go to a folder; choose another --out.")
    if not (folder / "results.json").is_file():
        return
    there, subject = _UNSAID | read_report(folder).subject, _UNSAID | dict(subject)
    for name, value in subject.items():
        if there.get(name) != value:
            raise DataError(
                f"{folder} holds results with {name} {shortened(there.get(name))}, but these have {name} "
                f"{shortened(value)}; a folder is for one of them, so choose another --out."
            )


def add(
    folder: str | Path,
    subject: Mapping[str, str],
    entries: Sequence[Entry[R]],
    page: Callable[[list[R]], str] = results_page,
) -> Report[R]:
    """Add entries to a results folder, which is created where absent.

    Args:
        folder: where.
        subject: what all results of a folder have in common, such as encoder and protocol.
        entries: to add; each takes the place of the one with its task and probe.
        page: writes table.md from all results.

    Raises:
        DataError: the folder is another subject's.
    """
    folder = Path(folder)
    require_subject(folder, subject)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, wait=True):
        require_subject(folder, subject)  # another process may have been first
        results, table = _merged(folder, entries)
        text = page(results)
        _write_table(folder / "predictions.parquet", table)
        of_classes = _of_classes(results, table)
        _write_table(folder / "per_class.parquet", per_class(of_classes))
        _write_table(folder / "confusion.parquet", confusion(of_classes))
        written = [result.to_json() for result in results]
        record = {"format": FORMAT, "version": VERSION, "subject": dict(subject), "results": written}
        write_json(folder / "results.json", record)
        write_text(folder / "table.md", text)
    return Report(folder, dict(subject), results)


@overload
def read_report(folder: str | Path) -> Report[Result]: ...
@overload
def read_report(folder: str | Path, kind: type[R]) -> Report[R]: ...
def read_report(folder: str | Path, kind: type[Any] = Result) -> Report[Any]:
    """Read the numbers of a results folder.

    Args:
        folder: where.
        kind: of the results.

    Raises:
        DataError: there is none, or one that is damaged or of another version.
    """
    path = Path(folder) / "results.json"
    record = read_json(path)
    results, subject = record.get("results"), record.get("subject")
    if record.get("format") != FORMAT or not isinstance(results, list):
        raise DataError(f"{path} is not the file of a results folder; choose another folder.")
    if record.get("version") != VERSION:
        raise DataError(
            f"{path} has version {record.get('version')}, this program reads {VERSION}; probe again into a new folder."
        )
    read: list[Any] = []
    try:
        for facts in results:
            read.append(kind.from_json(facts))
            if read[-1].predictions_sha256 is None:
                raise ValueError("no digest")
        if not isinstance(subject, dict):
            raise ValueError("no subject")
    except ValueError as error:
        where = f" in its entry {len(read) + 1}" if len(read) < len(results) else ""
        raise DataError(f"{path} is damaged ({error}{where}); restore it, or probe again into a new folder.") from None
    return Report(Path(folder), subject, read)


def _merged(folder: Path, entries: Sequence[Entry[R]]) -> tuple[list[R], pa.Table]:
    """The results and predictions of the folder with `entries` in them."""
    new = {(entry.result.task, entry.result.probe): entry for entry in entries}
    there = (folder / "results.json").is_file()
    old = read_report(folder, type(entries[0].result)) if there else Report[R](folder, {}, [])
    kept = [result for result in old.results if (result.task, result.probe) not in new]
    held = [old.predictions(each) for result in kept for each in _with_predictions(result)]
    parts = [*held, *(table for entry in new.values() for table in (entry.predictions, *entry.changed))]
    added = [_with_digest(entry) for entry in new.values()]
    return sorted([*kept, *added], key=lambda result: result.task), pa.concat_tables(parts)


def _with_digest(entry: Entry[R]) -> R:
    return replace(entry.result, predictions_sha256=digest(entry.predictions))


def _with_predictions(result: R) -> list[R]:
    """A result, and those of changed items whose predictions are kept: results of earlier versions lack them."""
    return [result, *(each for each in result.on_changed() if each.predictions_sha256 is not None)]


def _of_classes(results: Sequence[Result], table: pa.Table) -> pa.Table:
    """The predictions of clean items, without those of numbers, which no class is counted of."""
    kept = [select(table, result.task, result.probe) for result in results if result.measure != R2]
    return table if sum(map(len, kept)) == len(table) else pa.concat_tables([table.slice(0, 0), *kept])


def _read_predictions(folder: Path) -> pa.Table:
    path = folder / "predictions.parquet"
    try:
        return read_parquet(path, schema=SCHEMA)
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run the probes again.") from None
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read ({' '.join(str(error).split())}); run the probes again.") from None


def _write_table(path: Path, table: pa.Table) -> None:
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary)
