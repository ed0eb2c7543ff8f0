"""Own rows beside published ones, counts beside published ones, and tables of text."""

import pytest

from randquant.data.coverage import coverage
from randquant.results.published import OwnRow, PublishedRow, beside_published
from randquant.results.text_table import text_table

COLUMNS = {"a": "A", "b": "B"}
ROWS = [
    PublishedRow("context", {"a": 90.0, "b": 80.0}, "new", "page", "with labels"),
    PublishedRow("rival", {"a": 50.25, "b": 60.0}, "old", "paper"),
    PublishedRow("half a rival", {"a": 50.0}, "old", "paper"),
]


def test_rivals_come_before_context() -> None:
    header, rows = beside_published([OwnRow("mine", {"a": 70.0}, "old", {"a": " ± 1.0"})], ROWS, COLUMNS)
    assert header == ["% accuracy", "A", "B", "average", "protocol", "row"]
    assert rows == [
        ["mine", "70.0 ± 1.0", "-", "-", "old", "ours"],
        ["rival", "50.2", "60.0", "55.1", "old", "published"],
        ["half a rival", "50.0", "-", "-", "old", "published"],
        ["context (with labels)", "90.0", "80.0", "85.0", "new", "other protocol"],
    ]


def test_a_table_lines_up() -> None:
    plain = text_table(["name", "n"], [["a", "1"], ["long name", "22"]])
    assert plain == ["name        n", "a           1", "long name  22"]
    markdown = text_table(["name", "n"], [["a|b", "1"]], markdown=True)
    assert markdown == ["| name |   n |", "| ---- | --: |", "| a\\|b |   1 |"]


@pytest.mark.parametrize(
    ("source", "counts", "complete", "differs"),
    [
        (None, {"train": 1}, None, None),
        ({"published": {}}, {"train": 1}, None, None),
        ({"published": {"train": 1, "test": 2}}, {"train": 1, "valid": 0, "test": 2, "unused": 0}, True, None),
        ({"published": {"train": 1, "test": 2000}}, {"train": 1, "test": 2}, False, "test 2 of 2,000"),
        ({"published": {"train": 1}}, {"train": 3}, False, "train 3 of 1"),
        ({"published": {"all": 20}}, {"fold1": 10, "fold2": 10, "unused": 0}, True, None),
        ({"published": {"all": 20}}, {"fold1": 10, "unused": 0}, False, "all 10 of 20"),
        ({"published": {"fold1": 3}}, {"fold2": 3}, False, "fold1 0 of 3"),
    ],
)
def test_coverage(source: dict | None, counts: dict[str, int], complete: bool | None, differs: str | None) -> None:
    found = coverage(source, counts)
    assert (found.complete, found.differs) == (complete, differs)
