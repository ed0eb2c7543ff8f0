"""CSV files in any common separator and encoding, which the header decides without guessing.

A file's separator is the one that makes the expected columns appear in its header, or the one that a first line
`sep=;` names. An ambiguous file is refused.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from randquant.errors import DataError
from randquant.files.first_bytes import is_lfs_pointer, is_utf16

Row = tuple[int, dict[str, str]]

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_DECLARED = re.compile(r"""["']?sep=(.|\\t)["']?[,;\t|\s]*""", re.IGNORECASE)
# First bytes of other files that are saved under the name of a table.
_OTHERS = (
    (b"PK\x03\x04", "a spreadsheet or an archive; save the sheet as CSV UTF-8"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file; save the sheet as CSV UTF-8"),
    (b"PAR1", "a Parquet file; write it as CSV"),
    (b"\x1f\x8b", "compressed with gzip; unpack it"),
)


def read_csv(
    path: Path, columns: Sequence[str], what: str, *, optional: Sequence[str] = (), remedy: str = "download it again"
) -> Iterator[Row]:
    """The rows of a table with a header, each with the number of its first line.

    Commas, semicolons, tabs or bars between the cells; UTF-8 with or without byte order mark, or UTF-16 with one; any
    line ends; an Excel line `sep=;` before the header; quoted cells; blank lines and rows of empty cells, which are
    ignored. White space around a cell does not count, nor does the case of a column's name. Cells are text and
    stay as they are: a decimal comma is the reader's to understand.

    Args:
        path: the file.
        columns: those that have to be there, with a value in every row.
        what: what the table should be, for the error messages.
        optional: further columns that are known; they may be absent or empty. Unknown ones are kept by their own name.
        remedy: what to do about a table that is not as it should be.

    Yields:
        a row's first line, and its cells by the names in `columns` and `optional`.

    Raises:
        DataError: the file is missing, a folder, no text, or a web page; a column is missing or there twice; the
            separator could be one of several; a row has more or fewer cells than the header, or nothing in one of
            `columns`.
    """
    with _opened(path, what) as file:
        try:
            yield from _rows(file, path, columns, what, optional, remedy)
        except csv.Error as error:
            raise DataError(f"{path} is not a CSV file ({error}) where {what} is expected; {remedy}.") from None
        except UnicodeDecodeError:
            raise DataError(
                f"{path} line {_undecodable(path)} is not text in UTF-8 where {what} is expected; save it as CSV UTF-8."
            ) from None


def _rows(
    file: IO[str], path: Path, columns: Sequence[str], what: str, optional: Sequence[str], remedy: str
) -> Iterator[Row]:
    header, line, declared = _header(file)
    if "\0" in header:
        raise DataError(f"{path} holds NUL characters where {what} is expected; save it as CSV UTF-8.")
    if header.startswith("<"):
        raise DataError(f"{path} is a web page where {what} is expected; download it again.")
    separator, names = _separated(header, declared, path, columns, what, optional)
    reader = csv.reader(file, delimiter=separator, skipinitialspace=True, strict=True)
    first = line + 1
    for cells in reader:
        at, first = first, line + reader.line_num + 1
        cells = [cell.strip() for cell in cells]
        while len(cells) > len(names) and not cells[-1]:
            cells.pop()
        if not any(cells):
            continue
        where = f"{path} line {at}"
        if len(cells) != len(names):
            counts = f"{len(cells)} for {len(names)}, separated by {_SEPARATORS.get(separator, repr(separator))}"
            raise DataError(f"{where} has more or fewer cells than the header ({counts}); {remedy}.")
        row = {name: cell for name, cell in zip(names, cells, strict=True) if name}
        empty = [name for name in columns if not row[name]]
        if empty:
            raise DataError(f"{where} has no {empty[0]}; fill it in or remove the row.")
        yield at, row


def _header(file: IO[str]) -> tuple[str, int, str | None]:
    """The header's line, its number, and the separator that a line before it declares."""
    declared = None
    for number, text in enumerate(file, start=1):
        match = _DECLARED.fullmatch(text.strip(" \r\n")) if declared is None else None
        if match:
            declared = "\t" if match[1] == "\\t" else match[1]
        elif text.strip():
            return text.strip("\r\n"), number, declared
    return "", 1, declared


def _separated(
    header: str, declared: str | None, path: Path, columns: Sequence[str], what: str, optional: Sequence[str]
) -> tuple[str, list[str]]:
    """The separator and the names of the columns, known ones as `columns` and `optional` write them."""
    known = {name.casefold(): name for name in (*columns, *optional)}
    found = {separator: _names(header, separator, known) for separator in ([declared] if declared else _SEPARATORS)}
    fitting = {separator: names for separator, names in found.items() if set(columns) <= set(names)}
    if len({tuple(names) for names in fitting.values()}) > 1:
        ways = " or ".join(_SEPARATORS[separator] for separator in fitting)
        raise DataError(f"{path} could be separated by {ways}: its header reads {header!r}; keep one of them.")
    if not fitting:
        names = max(
            found.values(), key=lambda names: (len(known.keys() & {name.casefold() for name in names}), len(names))
        )
        missing = [name for name in columns if name not in names]
        free = f" ({', '.join(optional)} optional)" if optional else ""
        raise DataError(
            f"{path} lacks the column {', '.join(missing)}: {what} has {','.join((*columns, *optional))}{free}, got "
            f"{','.join(names) or 'an empty file'}; rename its columns or give the right file."
        )
    separator, names = next(iter(fitting.items()))
    doubled = [name for name in known.values() if names.count(name) > 1]
    if doubled:
        raise DataError(f"{path} has the column {doubled[0]} {names.count(doubled[0])} times; keep one of them.")
    return separator, names


def _names(header: str, separator: str, known: Mapping[str, str]) -> list[str]:
    cells = next(csv.reader([header], delimiter=separator, skipinitialspace=True), [])
    names = [known.get(cell.strip().casefold(), cell.strip()) for cell in cells]
    while names and not names[-1]:  # a separator at the end of the line
        names.pop()
    return names


def first_bytes(path: Path, what: str, *, allowed: Sequence[bytes] = ()) -> bytes:
    """The first 32 bytes of a file that is to hold a table.

    Args:
        path: the file.
        what: what the table should be, for the error messages.
        allowed: first bytes of other files that can be read too.

    Raises:
        DataError: it is missing, a folder, or another file saved under the name of a table.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(32)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist, but {what} is expected there; check the path.") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder where {what} is expected; check the path.") from None
    if is_lfs_pointer(head):
        raise DataError(f"{path} is a pointer of Git LFS where {what} is expected; run git lfs pull.")
    for magic, name in _OTHERS:
        if head.startswith(magic) and magic not in allowed:
            raise DataError(f"{path} is {name}, where {what} is expected.")
    return head


@contextmanager
def _opened(path: Path, what: str) -> Iterator[IO[str]]:
    head = first_bytes(path, what)
    # Newlines stay as they are: they may stand in quoted cells.
    with open(path, encoding="utf-16" if is_utf16(head) else "utf-8-sig", newline="") as text:
        yield text


def _undecodable(path: Path) -> int:
    """The first line that is not UTF-8."""
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        try:
            line.decode()
        except UnicodeDecodeError:
            return number
    return 1
