"""Published checksums of a file against those of its bytes."""

import hashlib
import io
from pathlib import Path
from typing import Any

from data_prep.dataset import Download
from randquant.cli.progress import bar

_MEGABYTE = 10**6


def published(download: Download) -> dict[str, str]:
    """The checksums that its authors publish, by kind."""
    values = {"sha256": download.sha256, "md5": download.md5}
    return {kind: value.lower() for kind, value in values.items() if value is not None}


def difference(download: Download, path: Path) -> str | None:
    """What differs between a file and the published one, in words; None where nothing does, or nothing is published.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     difference(Download("http://example.org/a", "a", md5="d41d8cd98f00b204e9800998ecf8427e"), Path(file.name))
    """
    for kind, value in published(download).items():
        with _Shown(path) as file:
            found = hashlib.file_digest(file, kind).hexdigest()
        if found != value:
            return f"its {kind} is {found} instead of {value}"
    return None


class Megabytes:
    """A progress bar over the bytes of one file, counted in whole megabytes; a context manager."""

    def __init__(self, label: str, total: int | None, done: int = 0) -> None:
        whole = None if total is None else total // _MEGABYTE
        self._bar = bar(label=label, unit="MB", total=whole, initial=done // _MEGABYTE)

    def at(self, done: int) -> None:
        """Show that `done` bytes are there."""
        if step := done // _MEGABYTE - int(self._bar.n):
            self._bar.update(step)

    def __enter__(self) -> "Megabytes":
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()


class _Shown(io.FileIO):
    """A file that shows how far it was read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._meter = Megabytes(f"checking {path.name}", path.stat().st_size)

    def readinto(self, buffer: Any) -> int:
        """As of any file."""
        count = super().readinto(buffer)
        self._meter.at(self.tell())
        return count

    def close(self) -> None:
        """Close the file and the bar."""
        self._meter.__exit__()
        super().close()
