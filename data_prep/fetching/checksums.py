"""Published checksums of a file against those of its bytes."""

import hashlib
import io
from pathlib import Path
from typing import Any

from tqdm import tqdm

from data_prep.dataset import Download
from randquant.cli.progress import bar


def published_checksums(download: Download) -> dict[str, str]:
    """The checksums that its authors publish, by kind."""
    values = {"sha256": download.sha256, "md5": download.md5}
    return {kind: value.lower() for kind, value in values.items() if value is not None}


def difference(download: Download, path: Path) -> str | None:
    """What differs between a file and the published one, in words; None where nothing does, or nothing is published.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     difference(Download("http://example.org/a", "a", md5="d41d8cd98f00b204e9800998ecf8427e"), Path(file.name))
    """
    for kind, value in published_checksums(download).items():
        size = path.stat().st_size
        with bar(label=f"checking {path.name}", unit="B", total=size) as display, _Shown(path, display) as file:
            found = hashlib.file_digest(file, kind).hexdigest()
        if found != value:
            return f"its {kind} is {found} instead of {value}"
    return None


class _Shown(io.FileIO):
    """A file that shows how far it was read."""

    def __init__(self, path: Path, display: "tqdm[Any]") -> None:
        super().__init__(path)
        self._display = display

    def readinto(self, buffer: Any) -> int:
        """As of any file."""
        count = super().readinto(buffer)
        self._display.update(count)
        return count
