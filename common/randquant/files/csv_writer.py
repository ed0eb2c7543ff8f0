"""CSV tables whose cells a spreadsheet cannot take for formulas."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

_FORMULA = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"  # what begins a formula, in Chinese and Japanese settings too
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?%?", re.ASCII)


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows as the text of a CSV file, with line feeds.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front, which it hides; numbers stay
    numbers.

    >>> print(csv_text([["path", "x"], ["=cmd|'/c calc'!A0", -1.5]]), end="")
    path,x
    '=cmd|'/c calc'!A0,-1.5
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([csv_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def csv_cell(value: object) -> str:
    """One cell: "" for None, and an apostrophe before a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] and text[0] in _FORMULA and not _NUMBER.fullmatch(text) else text
