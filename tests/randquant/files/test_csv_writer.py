"""A spreadsheet reads what was written, and calculates nothing."""

import csv
import io

import pytest

from randquant.files.csv_writer import csv_cell, csv_text


@pytest.mark.parametrize("formula", ["=1+1", "+cmd", "-cmd", "@SUM(A1)", "\t=1", "\r=1", "-1+cmd", "+1-1", "\uff1d1"])
def test_formulas_become_text(formula: str) -> None:
    assert csv_cell(formula) == f"'{formula}"


@pytest.mark.parametrize("value", ["-1.5", "+3", "-1e-9", "-.5", "-3.5%", -2, -0.25, "dog", "a=b", "", None])
def test_numbers_and_words_stay(value: object) -> None:
    assert csv_cell(value) == ("" if value is None else str(value))


def test_rows_come_back() -> None:
    rows: list[list[object]] = [["path", "n"], ['a,"b"\nc', -1], ["", None]]
    assert list(csv.reader(io.StringIO(csv_text(rows)))) == [["path", "n"], ['a,"b"\nc', "-1"], ["", ""]]
