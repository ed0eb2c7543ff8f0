"""Names of numbered classes: as lists and names of shapes agree, and refused where they do not."""

from pathlib import Path

import pytest

from randquant.data_prep.class_names import agreed_names, by_number, implied_names
from randquant.errors import DataError

LIST = Path("shape_names.txt")


def test_names_that_agree() -> None:
    told = implied_names([(LIST, [1, 0, 1], ["bed", "bathtub", "bed"]), (LIST, [2], ["chair"])])
    assert told == {0: "bathtub", 1: "bed", 2: "chair"}
    assert agreed_names(LIST, [], told, [0, 2]) == ["bathtub", "bed", "chair"]
    assert agreed_names(LIST, ["bathtub", "bed", "chair", "desk"], told, [0, 2]) == ["bathtub", "bed", "chair", "desk"]
    assert agreed_names(LIST, [], {}, [0, 2]) == []
    assert by_number([2, 0]) == ["0", "1", "2"]


@pytest.mark.parametrize(("numbers", "classes"), [([0, 1, 0], ["bed", "chair", "chair"]), ([0, 1], ["bed", "bed"])])
def test_names_that_contradict_each_other(numbers: list[int], classes: list[str]) -> None:
    with pytest.raises(DataError, match="where others of that label are"):
        implied_names([(LIST, numbers, classes)])


def test_lists_that_contradict_the_shapes() -> None:
    with pytest.raises(DataError, match="calls the label 1 chair where the names of its shapes say bed"):
        agreed_names(LIST, ["bathtub", "chair"], {1: "bed"}, [0, 1])
    with pytest.raises(DataError, match="names 2 classes where the label 2 occurs"):
        agreed_names(LIST, ["bathtub", "chair"], {}, [0, 2])
    with pytest.raises(DataError, match="names the shapes of some labels but none of 2"):
        agreed_names(LIST, [], {1: "bed"}, [1, 2])
