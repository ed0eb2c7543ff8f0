"""A results folder: every number of one encoder under one protocol, with the predictions it was counted from.

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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from randquant.errors import DataError
from randquant.extras import needs
from randquant.files.atomic import atomic_path, read_json, write_json, write_text
from randquant.files.lock import locked
from randquant.results.predictions import SCHEMA, confusion, digest, per_class, select

with needs("train"):
    import pyarrow as pa
    import pyarrow.parquet as pq

FORMAT = "randquant-results"
VERSION = 1


@dataclass(frozen=True)
class Entry:
    """One probe on one task.

    Attributes:
        facts: JSON-ready; `task`, `probe`, `accuracy` and whatever else there is to say.
        predictions: its rows, as `randquant.results.predictions.prediction_table` makes them.
    """

    facts: Mapping[str, Any]
    predictions: pa.Table


@dataclass(frozen=True)
class Report:
    """A results folder as read.

    Attributes:
        path: the folder.
        subject: what all entries have in common.
        results: the facts of every entry, sorted by task, in the order their probes were added.
    """

    path: Path
    subject: dict[str, Any]
    results: list[dict[str, Any]]

    def predictions(self, facts: Mapping[str, Any]) -> pa.Table:
        """The predictions that an entry of `results` was counted from.

        Raises:
            DataError: they are missing, or they are another run's.
        """
        return self.all_predictions([facts])[0]

    def all_predictions(self, entries: Sequence[Mapping[str, Any]]) -> list[pa.Table]:
        """The predictions of several entries, as `predictions` gives them."""
        if not entries:
            return []
        everything = _read_predictions(self.path)
        return [self._checked(select(everything, facts["task"], facts["probe"]), facts) for facts in entries]

    def _checked(self, table: pa.Table, facts: Mapping[str, Any]) -> pa.Table:
        if digest(table) != facts["predictions_sha256"]:
            raise DataError(
                f"{self.path / 'predictions.parquet'} does not hold the predictions that results.json was counted "
                f"from ({facts['task']}, {facts['probe']}); run that probe again."
            )
        return table


def require_subject(folder: str | Path, subject: Mapping[str, Any]) -> None:
    """Refuse a folder that cannot take results of `subject`, before hours are spent.

    Raises:
        DataError: it holds the results of another subject, or something else.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file, but results go to a folder; choose another --out.")
    if not (folder / "results.json").is_file():
        return
    there = read_report(folder).subject
    for name, value in subject.items():
        if there.get(name) != value:
            raise DataError(
                f"{folder} holds results with {name} {_short(there.get(name))}, but these have {name} "
                f"{_short(value)}; a folder is for one of them, so choose another --out."
            )


def add(
    folder: str | Path,
    subject: Mapping[str, Any],
    entries: Sequence[Entry],
    page: Callable[[list[dict[str, Any]]], str],
) -> Report:
    """Add entries to a results folder, which is created where absent.

    Args:
        folder: where.
        subject: what all entries of a folder have in common, such as encoder and protocol.
        entries: to add; each takes the place of the one with its task and probe.
        page: writes table.md from the facts of all entries.

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
        _write_table(folder / "per_class.parquet", per_class(table))
        _write_table(folder / "confusion.parquet", confusion(table))
        record = {"format": FORMAT, "version": VERSION, "subject": dict(subject), "results": results}
        write_json(folder / "results.json", record)
        write_text(folder / "table.md", text)
    return Report(folder, dict(subject), results)


def read_report(folder: str | Path) -> Report:
    """Read the numbers of a results folder.

    Raises:
        DataError: there is none, or one of another version.
    """
    path = Path(folder) / "results.json"
    record = read_json(path)
    if record.get("format") != FORMAT or not isinstance(record.get("results"), list):
        raise DataError(f"{path} is not the file of a results folder; choose another folder.")
    if record.get("version") != VERSION:
        raise DataError(
            f"{path} has version {record.get('version')}, this program reads {VERSION}; probe again into a new folder."
        )
    results, subject = record["results"], record.get("subject")
    damaged = next((place for place, facts in enumerate(results) if not _is_entry(facts)), None)
    if damaged is not None or not isinstance(subject, dict):
        what = "no subject" if damaged is None else f"no task, probe, accuracy and digest in its entry {damaged + 1}"
        raise DataError(f"{path} is damaged ({what}); restore it, or probe again into a new folder.")
    return Report(Path(folder), subject, results)


def _is_entry(facts: Any) -> bool:
    """Whether an entry says what every one says."""
    if not isinstance(facts, dict):
        return False
    words = all(isinstance(facts.get(name), str) for name in ("task", "probe", "predictions_sha256"))
    accuracy = facts.get("accuracy")
    return words and isinstance(accuracy, int | float) and 0 <= accuracy <= 1


def _merged(folder: Path, entries: Sequence[Entry]) -> tuple[list[dict[str, Any]], pa.Table]:
    """The facts and predictions of the folder with `entries` in them."""
    new = {(str(entry.facts["task"]), str(entry.facts["probe"])): entry for entry in entries}
    old = read_report(folder) if (folder / "results.json").is_file() else Report(folder, {}, [])
    kept = [facts for facts in old.results if (facts["task"], facts["probe"]) not in new]
    parts = old.all_predictions(kept) + [entry.predictions for entry in new.values()]
    added = [{**entry.facts, "predictions_sha256": digest(entry.predictions)} for entry in new.values()]
    results = sorted([*kept, *added], key=lambda facts: facts["task"])
    return results, pa.concat_tables(parts)


def _read_predictions(folder: Path) -> pa.Table:
    path = folder / "predictions.parquet"
    try:
        return pq.read_table(path, schema=SCHEMA)
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run the probes again.") from None
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read ({' '.join(str(error).split())}); run the probes again.") from None


def _write_table(path: Path, table: pa.Table) -> None:
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary)


def _short(value: Any) -> str:
    text = str(value)
    return f"{text[:12]}…" if len(text) > 40 else text
