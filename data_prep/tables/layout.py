"""The layout of a text file with a table in it: encoding, separator, header, all found from its beginning."""

import codecs
import csv
import gzip
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

from randquant.data_prep.formats.csv_reader import first_bytes
from randquant.errors import DataError
from randquant.files.first_bytes import text_encoding

Header = Literal["auto", "yes", "no"]
Decimal = Literal["auto", "point", "comma"]
Separator = Literal["auto", "comma", "semicolon", "tab", "bar"]

SEPARATORS = {"tab": "\t", "semicolon": ";", "bar": "|", "comma": ","}  # the first that fits; commas stand in numbers
_HEAD = 1 << 20  # bytes that the layout is found from
_LINES = 200
_BLOCK = 1 << 22
_GZIP = b"\x1f\x8b"
_DECLARED = re.compile(r"""["']?sep=(.|\\t)["']?[,;\t|\s]*""", re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """How a text file is to be read.

    Attributes:
        encoding: as Python calls it.
        separator: one character.
        skipped: lines before the first row of cells.
        names: of the columns; "column 1", ... where the file has no header.
        header: whether the file names them.
    """

    encoding: str
    separator: str
    skipped: int
    names: tuple[str, ...]
    header: bool

    def notes(self) -> list[str]:
        """What was found out rather than given, as lines to print."""
        name = next(name for name, mark in SEPARATORS.items() if mark == self.separator)
        header = "a header" if self.header else f"no header, so the columns are called {self.names[0]}, …"
        return [f"read as {self.encoding} with {name}s between the cells and {header}"]


def find_layout(path: Path, header: Header, separator: Separator, encoding: str) -> Layout:
    """Find how a file is to be read, with what is given of it.

    Raises:
        DataError: it is missing, no text, in no encoding, its rows have different numbers of cells, or its header
            names a column twice.
    """
    first_bytes(path, "a table", allowed=(_GZIP,))
    found = _encoding(path) if encoding == "auto" else encoding
    lines = _first_lines(path, found)
    skipped = 1 if lines and _DECLARED.fullmatch(lines[0].strip()) else 0
    mark, rows = _cells(path, lines[skipped:], separator)
    first, body = rows[0], rows[1:]
    has_header = _is_header(first, body) if header == "auto" else header == "yes"
    if not has_header:
        return Layout(found, mark, skipped, tuple(f"column {place + 1}" for place in range(len(first))), False)
    names = tuple(name.strip() or f"column {place + 1}" for place, name in enumerate(first))
    require_different(path, names, ", or give --header no")
    return Layout(found, mark, skipped + 1, names, True)


def require_different(path: Path, names: Sequence[str], otherwise: str = "") -> None:
    """Refuse names of columns that stand there twice.

    Raises:
        DataError: one does; `otherwise` says what can be done but to keep one.
    """
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise DataError(f"{path} has the column {twice} {names.count(twice)} times; keep one{otherwise}.")


def _encoding(path: Path) -> str:
    """UTF-8, UTF-16 or UTF-32 by its marks and bytes, else Windows-1252, which most other tables of text are in."""
    with unpacked(path) as file:
        found = text_encoding(file.read(_HEAD))
    if found is None:
        raise DataError(f"{path} holds zero bytes where a table of text is expected; save it as CSV UTF-8.")
    if found != "utf-8-sig":
        return found
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        with unpacked(path) as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


@contextmanager
def unpacked(path: Path) -> Iterator[BinaryIO]:
    """A file's bytes, unpacked where it is a gzip file, whatever its name.

    Raises:
        DataError: the gzip file is damaged.
    """
    with open(path, "rb") as plain:
        packed = plain.read(2) == _GZIP
    try:
        with cast(BinaryIO, gzip.open(path, "rb")) if packed else open(path, "rb") as file:
            yield file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a damaged or truncated gzip file ({error}); get it again.") from None


def _first_lines(path: Path, encoding: str) -> list[str]:
    with unpacked(path) as file:
        head = file.read(_HEAD)
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head)
    except LookupError:
        raise DataError(f"--encoding {encoding} is not known; give one such as utf-8, cp1252 or utf-16.") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text in {encoding} ({error.reason}); give another --encoding.") from None
    whole = len(head) < _HEAD
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    lines = lines if whole or len(lines) < 2 else lines[:-1]
    if not any(line.strip() for line in lines):
        raise DataError(f"{path} is an empty file where a table is expected; check the path.")
    return lines


def _cells(path: Path, lines: list[str], separator: Separator) -> tuple[str, list[list[str]]]:
    """The separator and the first rows, cut into cells."""
    marks = SEPARATORS if separator == "auto" else {separator: SEPARATORS[separator]}
    tried = {mark: _cut(path, lines, mark) for mark in marks.values()}
    for mark, rows in tried.items():
        if rows and len(rows[0]) > 1 and all(len(row) == len(rows[0]) for row in rows):
            return mark, rows
    mark, rows = max(tried.items(), key=lambda entry: len(entry[1][0]) if entry[1] else 0)
    if not rows or len(rows[0]) < 2:
        raise DataError(
            f"{path} has one column where a table of several is expected; it needs commas, semicolons, tabs or bars "
            "between the cells."
        )
    place = next(place for place, row in enumerate(rows) if len(row) != len(rows[0]))
    raise DataError(
        f"{path} has {len(rows[0])} cells in its first row and {len(rows[place])} in row {place + 1} "
        f"({''.join(rows[place])[:40]!r}, cut at {mark!r}); fix that row, or give --separator."
    )


def _cut(path: Path, lines: list[str], mark: str) -> list[list[str]]:
    """The first rows, without the last where the beginning of the file ends inside it."""
    try:
        return [row for row in csv.reader(lines[:_LINES], delimiter=mark, strict=True) if row]
    except csv.Error:  # a cell that goes on behind these lines, or quotes that do not fit this separator
        pass
    try:
        rows = [row for row in csv.reader(lines[:_LINES], delimiter=mark) if row]
    except csv.Error as error:
        raise DataError(f"{path} has cells too long for a table ({error}); leave such a column out.") from None
    return rows[:-1] if len(rows) > 1 else rows


def _is_header(first: list[str], body: list[list[str]]) -> bool:
    """Whether a first row names the columns: none of its cells is a number, and they differ or stand above numbers.

    One may be empty, as the numbers of rows have it in tables of pandas.
    """
    names = [name.strip() for name in first]
    if not any(names) or any(name and is_number(name) for name in names):
        return False
    return len(set(names)) == len(names) or any(is_number(cell) for row in body[:1] for cell in row)


def is_number(text: str) -> bool:
    """Whether a text is a number, with a decimal point or comma."""
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return "_" not in text
