"""Cells as text or as numbers, with what is missing as null."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from randquant.data_prep.tables.layout import Decimal

# In small letters: what stands for a value that is not there.
MISSING = ("", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "nil", "?", "-", ".", "missing")
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAY = (
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
    rf"|\d{{1,2}}\.?[- ]{_MONTH}[- ]\d{{2,4}}|{_MONTH} \d{{1,2}},? \d{{2,4}}"
)
_TIME = r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|[+-]\d{2}:?\d{2}|AM|PM))?"
_DATE = rf"(?i)^(({_DAY})([ T]{_TIME})?|{_TIME})$"
_GROUPED = r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$"
_GROUPED_BY_POINTS = r"^[+-]?\d{1,3}(\.\d{3})+(,\d*)?$"


def normal(values: pa.Array) -> pa.Array | None:
    """Text without the white space around it, or float64; null where a value is missing or not finite.

    Returns:
        None for what is neither: times, lists, bytes.
    """
    kind = values.type
    if pa.types.is_dictionary(kind):
        return normal(values.dictionary_decode())
    if pa.types.is_boolean(kind):
        return values.cast(pa.string())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind):
        texts = pc.utf8_trim_whitespace(values.cast(pa.string()))
        missing = pc.is_in(pc.utf8_lower(texts), pa.array(MISSING))
        return pc.if_else(missing, pa.scalar(None, pa.string()), texts)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _finite(values.cast(pa.float64(), safe=False))
    return None


def as_numbers(cells: pa.Array, decimal: Decimal) -> pa.Array | None:
    """Cells of `normal` as float64, null where missing or not finite; None where one of them is no number.

    Args:
        cells: text or float64.
        decimal: which mark stands before the fraction; the other one is a mark of thousands. "auto": a point, or a
            comma where that makes no numbers.
    """
    if not pa.types.is_string(cells.type):
        return cells
    for texts in _readings(cells, decimal):
        try:
            return _finite(texts.cast(pa.float64()))
        except pa.ArrowInvalid:
            continue
    return None


def _readings(cells: pa.Array, decimal: Decimal) -> Iterator[pa.Array]:
    if decimal != "comma":
        yield cells
    if decimal == "point":
        if has_commas(cells) and not thousands(cells):
            return  # 41,5 is no number with marks of thousands
        yield pc.replace_substring(cells, ",", "")
    else:
        holds = pc.match_substring(cells, ".")
        if decimal == "auto":
            holds = pc.and_(holds, pc.match_substring(cells, ","))
        if not pc.all(pc.match_substring_regex(cells.filter(holds), _GROUPED_BY_POINTS), min_count=0).as_py():
            return  # neither 3.5 nor 1,234.5 is a number with a decimal comma
        yield pc.replace_substring(pc.if_else(holds, pc.replace_substring(cells, ".", ""), cells), ",", ".")


def _finite(numbers: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, pa.float64()))


def infinite_cells(values: pa.Array, numbers: pa.Array) -> int:
    """How many cells hold infinity, or a number too large for double precision; `numbers` are theirs as float64."""
    if pa.types.is_floating(values.type):
        return int(pc.sum(pc.is_inf(values.cast(pa.float64()))).as_py() or 0)
    texts = normal(values)
    assert texts is not None
    return int(numbers.null_count - texts.null_count)


def commas(cells: pa.Array) -> int:
    """How many cells of text hold a comma."""
    return int(pc.sum(pc.match_substring(cells, ",")).as_py() or 0) if pa.types.is_string(cells.type) else 0


def has_commas(cells: pa.Array) -> bool:
    """Whether a cell of text holds a comma."""
    return commas(cells) > 0


def has_points(cells: pa.Array) -> bool:
    """Whether a cell of text holds a point and no comma."""
    if not pa.types.is_string(cells.type):
        return False
    held = pc.and_(pc.match_substring(cells, "."), pc.invert(pc.match_substring(cells, ",")))
    return bool(pc.any(held).as_py())


def zeros_in_front(cells: pa.Array) -> str:
    """The first text of digits that begins with a zero, as postcodes and other codes do; empty where none is."""
    if not pa.types.is_string(cells.type):
        return ""
    found = cells.filter(pc.fill_null(pc.match_substring_regex(cells, r"^0\d+$"), False))
    return str(found[0]) if len(found) else ""


def thousands(cells: pa.Array) -> bool:
    """Whether every cell with a comma could hold marks of thousands, as 1,234 does."""
    held = cells.filter(pc.match_substring(cells, ","))
    return len(held) > 0 and bool(pc.all(pc.match_substring_regex(held, _GROUPED)).as_py())


def are_dates(cells: pa.Array) -> bool:
    """Whether all cells of text that are not missing are dates or times."""
    held = cells.drop_null()
    return len(held) > 0 and bool(pc.all(pc.match_substring_regex(held, _DATE)).as_py())


def first_text(cells: pa.Array, decimal: Decimal) -> tuple[int, str]:
    """The place and text of the first cell that is no number."""
    for place, cell in enumerate(cells.to_pylist()):
        if cell is not None and as_numbers(pa.array([cell]), decimal) is None:
            return place, cell
    return 0, ""


def to_numpy(numbers: pa.Array) -> NDArray[np.float64]:
    """(n,) with NaN where a value is missing."""
    return numbers.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
