"""The lists that come with a dataset: found next to its recordings, read line by line."""

import json
from collections.abc import Iterator
from pathlib import Path

from randquant.errors import DataError
from randquant.files.first_bytes import is_lfs_pointer

_FOLDERS = ("", "meta", "metadata")


def find_list(root: Path, name: str) -> Path | None:
    """The file `name` at `root` or in its folder `meta` or `metadata`; None where there is none."""
    return next((path for folder in _FOLDERS if (path := root / folder / name).is_file()), None)


def read_lines(path: Path, what: str) -> Iterator[str]:
    """The lines of a text file, without the white space around them; empty ones too.

    Args:
        path: UTF-8, with or without byte order mark, any line ends.
        what: what it should be, for the error messages.

    Raises:
        DataError: it is missing, a folder, not text, or a web page or a pointer of Git LFS under that name.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            for number, line in enumerate(file):
                if number == 0 and line.lstrip().startswith("<"):
                    raise DataError(f"{path} is a web page where {what} is expected; download it again.")
                if number == 0 and is_lfs_pointer(line.encode()):
                    raise DataError(f"{path} is a pointer of Git LFS where {what} is expected; run: git lfs pull")
                yield line.strip()
    except FileNotFoundError:
        raise DataError(f"{path} does not exist, but {what} is expected there; check the path.") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder where {what} is expected; check the path.") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is not a text file where {what} is expected; download it again.") from None


def read_names(path: Path, what: str) -> list[str]:
    """A JSON file that is a list of texts; the arguments are those of `read_lines`.

    Raises:
        DataError: as `read_lines`, or it is no such list.
    """
    text = "\n".join(read_lines(path, what))
    try:
        names = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path} is not JSON ({error}) where {what} is expected; download it again.") from None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f"{path} should be a list of names, {what}, but holds something else; download it again.")
    return names
