"""Whether a file can be written, found out before the work that it is to hold."""

import tempfile
from pathlib import Path

_TRIED = 65_536  # bytes: a full disk takes an empty file


def require_writable(path: str | Path) -> None:
    """Write some bytes where a file and its folders are to lie, without a name, so that nothing remains.

    Raises:
        OSError: they cannot be written, as the file could not; it names what stands in the way.
    """
    folder = next(each for each in Path(path).absolute().parents if each.exists())
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            file.write(bytes(_TRIED))
    except OSError as error:
        error.filename = str(path if folder.is_dir() else folder)
        raise
