"""The header and the separator of a text table of points."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from randquant.data_prep.formats.clouds.columns import XYZ, plain
from randquant.data_prep.formats.text import excerpt, open_text
from randquant.errors import DataError

REMARKS = ("#", "//", "%")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*|,\d+)?|[.,]\d+)([ed][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)
_LOOKED_AT = 100  # rows


@dataclass(frozen=True)
class Head:
    """The header of a text table."""

    lines: int = 0  # how many lines that is
    names: Sequence[str] = ()  # of the columns, as written; empty where they have none
    count: int | None = None  # of the points that follow, as .pts files begin; None where it is not said
    separator: str | None = None  # between cells; None is white space
    width: int = 0  # cells of the first row; 0 where there is none
    texts: Sequence[str] = ()  # names in a line of their own that hold no x, y and z
    rows: Sequence[str] = ()  # the first lines of the table


def read_head(path: str | Path) -> Head:
    """Read the header of a text table: comments, column names, a point count, or none of those.

    A line names the columns where x, y and z, in capitals or as others write them, are among its cells; it may be a
    remark. A remark that holds more or fewer words than the rows have cells is only a remark.

    Raises:
        DataError: the file is missing or no text, its rows have more or fewer cells than its header has names, or
            decimal commas cannot be told from those between cells.
    """
    path = Path(path)
    above: list[str] = []
    count: int | None = None
    named, row = False, ""
    with open_text(path) as lines:
        for line in lines:
            if _is_remark(line) or not line.strip() or (not named and _is_header(line)):
                above.append(line)
                named = named or bool(_words_with_xyz(line))
            elif line.strip().isdecimal() and count is None:
                count = int(line)
                above.append(line)
            else:
                row = line
                break
        following = list(islice(lines, _LOOKED_AT))
    if count is not None and row.strip().isdecimal():
        raise DataError(f"{path} begins with two counts as .ptx files do; rename it to .ptx, or fix its first lines.")
    separator = separator_of(row)
    width = len(cells_of(row, separator)) if row.strip() else 0
    _refuse_decimal_commas(path, separator, [row, *following], named)
    names, texts = _names(path, above, width, separator)
    skip = len(above) + (not names and _are_places(cells_of(row, separator), next(iter(following), "")))
    return Head(skip, names, count, separator, width, texts, [row, *following])


def cells_of(line: str, separator: str | None) -> list[str]:
    """The cells of a line, without surrounding white space and quotation marks.

    >>> cells_of(' X Y  Z ', None), cells_of(',"x","a, b"', ",")
    (['X', 'Y', 'Z'], ['', 'x', 'a, b'])
    """
    line = line.strip(" \r\n")
    if separator and '"' in line:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator, skipinitialspace=True))]
    return [cell.strip().strip('"') for cell in line.split(separator)]


def separator_of(line: str) -> str | None:
    """The separator of a row: the one that gives three numbers or more; None for white space.

    >>> separator_of("1;2;3"), separator_of("1,5 2,5 3,5"), separator_of("1, 2, 3"), separator_of("a b\\t1\\t2\\t3")
    (';', None, ',', '\\t')
    """
    words = line.split()
    if len(words) >= 3 and all(is_number(word) for word in words):
        return None
    return next((sign for sign in (";", "\t", ",") if _fits(line, sign)), None) or next(
        (sign for sign in (";", ",") if sign in line and not line.strip(sign + " \r\n").count(" ")), None
    )


def is_number(cell: str) -> bool:
    """Whether a cell is a number, with a decimal point or comma, finite or not."""
    return _NUMBER.fullmatch(cell) is not None


def _fits(line: str, sign: str) -> bool:
    cells = cells_of(line, sign)
    return sign in line and sum(is_number(cell) and not (sign == "," and "," in cell) for cell in cells) >= 3


def _is_remark(line: str) -> bool:
    return line.lstrip().startswith(REMARKS) or line.lower().startswith("sep=")


def _is_header(line: str) -> bool:
    """Whether a line holds words and hardly any numbers, as column names do."""
    cells = next((cells for sign in (";", "\t", ",", None) if len(cells := cells_of(line, sign)) > 2), [])
    return len(cells) > 2 and not any(is_number(cell) for cell in cells) and any(cell[:1].isalpha() for cell in cells)


def _words_with_xyz(line: str) -> list[str]:
    text = line.strip().lstrip("#/%").strip(" \r\n")
    for sign in (";", "\t", ",", None):
        words = cells_of(text, sign)
        known = {plain(word) for word in words}
        if set(XYZ) <= known or {"easting", "northing"} <= known:
            return words
    return []


def _names(path: Path, above: Sequence[str], width: int, separator: str | None) -> tuple[list[str], list[str]]:
    """The column names, or other texts in their position."""
    lines = [line for line in above if _words_with_xyz(line)]
    if not lines:
        texts = [line for line in above if line.strip() and not _is_remark(line) and not line.strip().isdecimal()]
        return [], cells_of(texts[-1], separator) if texts else []
    names = _words_with_xyz(lines[-1])
    if width in (0, len(names)):
        return names, []
    if _is_remark(lines[-1]):
        return [], []
    raise DataError(
        f"{path} names {len(names)} columns ({', '.join(names)[:60]}) where its rows have {width} cells; fix the "
        "header, or put commas between cells."
    )


def _are_places(words: Sequence[str], following: str) -> bool:
    """Whether a line is 0, 1, 2, … (pandas' default column names) rather than a point like the one below it.

    >>> _are_places(["0", "1", "2"], "0.5,1.5,2.5"), _are_places(["0", "1", "2"], "0,1,3")
    (True, False)
    """
    return len(words) >= 3 and list(words) == [str(place) for place in range(len(words))] and "." in following


def _refuse_decimal_commas(path: Path, separator: str | None, rows: Sequence[str], named: bool) -> None:
    """Refuse comma-separated rows with decimal commas, such as 1,05,2,50,3,07."""
    if separator != "," or named or any("." in row for row in rows):
        return
    cells = [cells_of(row, ",") for row in rows if row.strip()]
    fractions = [cell for row in cells if len(row) > 5 and len(row) % 2 == 0 for cell in row[1::2]]
    if any(len(cell) > 1 and cell.startswith("0") and cell.isdecimal() for cell in fractions):
        raise DataError(
            f"{path} has rows such as {excerpt(rows[0])}, whose commas may be decimal ones; put points there, or other "
            "signs between cells."
        )
