"""Checksums of a file, computed while its bytes pass by."""

import hashlib
from pathlib import Path

from data_prep.dataset import Download
from randquant.cli.progress import bar

_BLOCK = 1 << 20
_MEGABYTE = 10**6


class Checksums:
    """The published checksums of one file against those of the bytes seen so far.

    >>> from data_prep.dataset import Download
    >>> checksums = Checksums(Download("http://example.org/a", "a", md5="5d41402abc4b2a76b9719d911017c592"))
    >>> checksums.update(b"hel"), checksums.update(b"lo"), checksums.wrong()
    (None, None, None)
    """

    def __init__(self, download: Download) -> None:
        published = {"sha256": download.sha256, "md5": download.md5}
        self.published = {kind: value.lower() for kind, value in published.items() if value is not None}
        self.clear()

    def clear(self) -> None:
        """Forget the bytes seen."""
        self._running = {kind: hashlib.new(kind, usedforsecurity=False) for kind in self.published}

    def update(self, block: bytes) -> None:
        """See some more bytes."""
        for running in self._running.values():
            running.update(block)

    def update_from(self, path: Path) -> None:
        """See all bytes of a file, with a progress bar; its bytes are not read where no checksum is published."""
        if not self.published:
            return
        with open(path, "rb") as file, Megabytes(f"checking {path.name}", path.stat().st_size) as shown:
            while block := file.read(_BLOCK):
                self.update(block)
                shown.at(file.tell())

    def wrong(self) -> str | None:
        """What differs, in words; None where nothing does."""
        for kind, running in self._running.items():
            if running.hexdigest() != self.published[kind]:
                return f"its {kind} is {running.hexdigest()} instead of {self.published[kind]}"
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
