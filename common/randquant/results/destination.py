"""Where a command's numbers go: into one JSON file, or into a results folder that grows."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from randquant.errors import UsageError
from randquant.files.atomic import write_json
from randquant.files.store_folder import require_outside_stores
from randquant.results.folder import Entry, add, read_report, require_subject

Page = Callable[[list[dict[str, Any]]], str]


class Destination:
    """What `--out` names.

    Args:
        out: a file ending in .json, or a folder, new or of the same subject.
        subject: what all results of a folder have in common, such as encoder and protocol.
        page: writes a folder's table.md from the facts of all its entries.

    Raises:
        DataError: the folder holds other results.
        UsageError: neither a folder nor a .json file.
    """

    def __init__(self, out: str, subject: Mapping[str, Any], page: Page) -> None:
        self.path, self.folder = Path(out), is_folder(out)
        self.subject, self.page = subject, page
        self._results: list[dict[str, Any]] = []
        if self.folder:
            require_subject(out, subject)
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def add(self, facts: dict[str, Any], entries: Sequence[Entry]) -> dict[str, Any]:
        """Take the results of one task and write them, so that an error in the next one loses nothing.

        A file holds one result as it is, several under "results".

        Args:
            facts: of the first probe, with the others' numbers inside, as a file holds them.
            entries: one a probe, as a folder holds them.

        Returns:
            The facts.
        """
        if self.folder:
            add(self.path, self.subject, entries, self.page)
            return facts
        self._results.append(facts)
        write_json(self.path, facts if len(self._results) == 1 else {"results": self._results})
        return facts

    def shown(self) -> list[str]:
        """Lines to print: what the folder holds now, where it is one."""
        if not self.folder:
            return []
        return [f"{self.path / 'table.md'} shows all {len(read_report(self.path).results)} results of this folder"]


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
