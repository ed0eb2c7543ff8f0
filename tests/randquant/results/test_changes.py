"""What differs in a result that was run again: what a later version says besides is no change."""

from randquant.files.json_record import Json
from randquant.results.changes import differing

STATED: dict[str, Json] = {"kind": "rain", "severity": 1.0, "accuracy": 0.5}


def test_further_changes_of_items_and_further_facts_are_no_difference() -> None:
    again: list[dict[str, Json]] = [{**STATED, "predictions_sha256": "0"}]
    again.append({"kind": "rain", "severity": 2.0, "accuracy": 0.4})
    assert list(differing({"robustness": [STATED]}, {"robustness": again})) == []
    lower = [{**again[0], "accuracy": 0.25}, again[1]]
    (change,) = differing({"robustness": [STATED]}, {"robustness": lower})
    assert (change.name, change.stated, change.again) == ("robustness.rain 1.0.accuracy", 0.5, 0.25)
    assert [each.name for each in differing({"robustness": again}, {"robustness": [STATED]})] == ["robustness.rain 2.0"]
