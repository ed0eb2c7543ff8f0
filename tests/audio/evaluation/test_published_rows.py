"""Published rows: complete, in range, with averages that follow from the six numbers."""

import pytest

from randquant.audio.evaluation.published_rows import PUBLISHED_ROWS, SIX_TASKS
from randquant.audio.evaluation.tasks import PROTOCOLS, UNIT_SECONDS
from randquant.results.published import average

NAMED = {row.name: row for row in PUBLISHED_ROWS}


def test_the_six_tasks_are_known_to_the_protocols() -> None:
    assert set(SIX_TASKS) == set(UNIT_SECONDS)


def test_every_row_is_whole() -> None:
    assert len(NAMED) == len(PUBLISHED_ROWS)
    for row in PUBLISHED_ROWS:
        assert set(row.numbers) <= set(SIX_TASKS)
        assert all(0 < number < 100 for number in row.numbers.values())
        assert row.protocol in PROTOCOLS
        assert row.source


@pytest.mark.parametrize(
    ("name", "mean"), [("BYOL-A: RRC + Mixup", 77.78), ("RQ: RRC + RQ", 79.62), ("BYOL-A ablation: RRC alone", 68.35)]
)
def test_averages_are_those_of_the_six(name: str, mean: float) -> None:
    found = average(NAMED[name].numbers, SIX_TASKS)
    assert found == pytest.approx(mean, abs=0.006)


def test_no_average_without_all_six() -> None:
    """Nobody reports the 12-class task under EVAR, so those rows have none."""
    for row in PUBLISHED_ROWS:
        assert (average(row.numbers, SIX_TASKS) is None) == (row.protocol == "evar")
