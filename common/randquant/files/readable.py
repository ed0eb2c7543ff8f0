"""Skip unreadable files and list them, or stop at the first."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from randquant.errors import DataError
from randquant.files.file_names import utf8_name

Content = TypeVar("Content")


class Readable:
    """Yields what could be read and collects what could not.

    Args:
        strict: whether the first that cannot be read is an error.

    Attributes:
        skipped: name in UTF-8 -> reason.
    """

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.skipped: dict[str, str] = {}

    def only(self, named: Iterable[tuple[str, Content | DataError]]) -> Iterator[tuple[int, Content]]:
        """Position and content of every file that could be read.

        Raises:
            DataError: one could not, and `strict`.
        """
        for position, (name, outcome) in enumerate(named):
            if not isinstance(outcome, DataError):
                yield position, outcome
            elif self.strict:
                raise outcome
            else:
                self.skipped[utf8_name(name)] = str(outcome)

    def require_some(self, names: Sequence[str], kind: str) -> None:
        """Raise an error if nothing could be read.

        Args:
            names: of all files.
            kind: what they are, in the plural.

        Raises:
            DataError: every one was skipped.
        """
        if all(utf8_name(name) in self.skipped for name in names):
            reason = self.skipped[utf8_name(names[0])]
            raise DataError(f"None of the {len(names)} {kind} could be read, the first because: {reason}")

    def listed(self) -> list[dict[str, str]]:
        """The skipped files, JSON-ready, sorted by name."""
        return [{"path": path, "reason": reason} for path, reason in sorted(self.skipped.items())]
