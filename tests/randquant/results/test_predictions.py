"""Tables of predictions and what is counted from them, against counting by hand."""

from collections.abc import Sequence

import numpy as np
import pytest

from randquant.data.features import Items
from randquant.probes.outcome import Details, Outcome
from randquant.results.predictions import answers, confusion, digest, per_class, prediction_table, select
from tests.randquant.results.scored import scored

CLASSES = ["dog", "owl", "train|bus"]


def outcome(splits: Sequence[str] | None = None, *, repeats: int = 2) -> Outcome[Details]:
    """Six test items; rows 0 and 1 of the features are not among them."""
    truth = np.array([0, 0, 0, 1, 1, 1])
    predictions = np.array([[0, 0, 1, 1, 2, 1], [0, 1, 1, 1, 1, 1]])[:repeats]
    asked = items(splits).take(range(2, 8))
    return scored(truth, predictions, CLASSES, asked, seeds=[42, 43][:repeats], folds=splits is not None)


def items(splits: Sequence[str | None] | None = None) -> Items:
    groups = [None, None, "a", "a", "b", "b", None, "c"]
    return Items([f"{row}.wav" for row in range(8)], ["x"] * 8, groups, splits or ["test"] * 8)


def test_one_row_an_item_and_repeat() -> None:
    table = prediction_table("pets", "linear", outcome())
    assert table.num_rows == 12
    assert table.column_names == ["task", "probe", "id", "group", "fold", "label", "seed", "predicted"]
    row = table.slice(8, 1).to_pylist()[0]
    assert row == {
        "task": "pets",
        "probe": "linear",
        "id": "4.wav",
        "group": "b",
        "fold": None,
        "label": "dog",
        "seed": 43,
        "predicted": "owl",
    }


def test_answers_are_what_was_written() -> None:
    found = answers(prediction_table("pets", "linear", outcome()))
    assert found.ids == [f"{row}.wav" for row in range(2, 8)]
    assert found.groups == ["a", "a", "b", "b", None, "c"]
    assert found.seeds == [42, 43]
    np.testing.assert_array_equal(found.right, [[1, 1, 0, 1, 0, 1], [1, 0, 0, 1, 1, 1]])


def test_folds_are_kept_where_there_are_some() -> None:
    splits = ["fold1"] * 5 + ["fold2"] * 3
    assert answers(prediction_table("t", "p", outcome(splits))).folds == splits[2:]


def test_answers_refuse_a_table_with_a_row_missing() -> None:
    table = prediction_table("t", "p", outcome())
    with pytest.raises(ValueError, match="same items"):
        answers(table.slice(1))


def test_recall_and_precision_by_class() -> None:
    table = per_class(prediction_table("pets", "linear", outcome()))
    dog, owl, other = table.to_pylist()
    assert (dog["class"], dog["items"], dog["recall"], dog["precision"]) == ("dog", 3, pytest.approx(0.5), 1.0)
    assert (owl["items"], owl["recall"], owl["precision"]) == (3, pytest.approx(5 / 6), pytest.approx(5 / 8))
    assert (other["class"], other["items"], other["recall"], other["precision"]) == ("train|bus", 0, None, 0.0)


def test_confusion_adds_up() -> None:
    table = confusion(prediction_table("pets", "linear", outcome())).to_pylist()
    counts = {(row["label"], row["predicted"]): (row["count"], row["items"], row["share"]) for row in table}
    assert counts[("dog", "owl")] == (3, 3, 0.5)
    assert counts[("owl", "train|bus")] == (1, 3, pytest.approx(1 / 6))
    assert ("dog", "train|bus") not in counts
    assert sum(row["count"] for row in table) == 12


def test_tasks_do_not_mix() -> None:
    import pyarrow as pa

    one = prediction_table("one", "linear", outcome())
    other = prediction_table("two", "knn", outcome(repeats=1))
    both = pa.concat_tables([one, other])
    assert per_class(both).num_rows == per_class(one).num_rows + per_class(other).num_rows
    assert digest(select(both, "two", "knn")) == digest(other)
    assert confusion(both).filter(np.array(confusion(both)["task"].to_pylist()) == "two").num_rows == 4


def test_a_digest_follows_every_column() -> None:
    table = prediction_table("t", "p", outcome())
    changed = prediction_table("t", "p", outcome())
    assert digest(table) == digest(changed)
    other = outcome()
    other.predictions[0, 0] = 2
    assert digest(prediction_table("t", "p", other)) != digest(table)
    assert digest(prediction_table("t", "q", outcome())) != digest(table)
