"""Published checksums of a file against those of its bytes."""

import hashlib
from pathlib import Path

from randquant.cli.progress import bar
from randquant.data_prep.dataset import Download

_BLOCK = 1 << 20  # bytes read at once


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
        digest, size = hashlib.new(kind), path.stat().st_size
        with bar(label=f"checking {path.name}", unit="B", total=size) as display, open(path, "rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                display.update(len(block))
        if digest.hexdigest() != value:
            return f"its {kind} is {digest.hexdigest()} instead of {value}"
    return None
