"""Where a command's numbers go: into one JSON file, or into a results folder that grows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from randquant.errors import UsageError
from randquant.files.atomic import write_json
from randquant.files.store_folder import require_outside_stores
from randquant.results.folder import add, read_report, require_subject
from randquant.results.page import closing_lines
from randquant.results.record import Entry, Result, to_file

R = TypeVar("R", bound=Result)


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
        self.tasks.append([entry.result for entry in entries])
        if self.folder:
            add(self.path, self.subject, entries)
        else:
            write_json(self.path, to_file(self.tasks))

    def lines(self) -> list[str]:
        """What to print in the end: the results of this command, and where a folder has all of its own."""
        lines = closing_lines(self.tasks)
        if self.folder:
            held = len(read_report(self.path).results)
            lines.append(f"{self.path / 'table.md'} shows all {held} results of this folder")
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
