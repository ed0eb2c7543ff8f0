"""Reading ahead: the order of the plan, whatever the number of processes."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from randquant.data_prep.engine import read_ahead as module
from randquant.data_prep.engine.plan import Item, Plan, Reader
from randquant.data_prep.engine.read_ahead import read_ahead
from randquant.errors import DataError


def read_number(path: Path) -> tuple[dict[str, Any], Iterable[NDArray]]:
    text = path.read_text()
    if not text.isdigit():
        raise DataError(f"{path} holds no number")
    return {}, [np.full((2, 1), int(text)), np.zeros((1, 1), dtype=np.int64)]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    for number in range(9):
        (tmp_path / f"{number}").write_text("no" if number == 4 else f"{number}")
    return Plan(tmp_path, [Item(f"{number}", 1) for number in range(9)], Reader("points", read_number, {}))


@pytest.mark.parametrize("workers", [1, 2])
def test_items_come_in_order_and_faults_in_their_place(
    plan: Plan, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SMALL", 2)
    monkeypatch.setattr(module, "_AHEAD", 4)
    outcomes = list(read_ahead(plan, workers=workers))
    assert isinstance(outcomes[4], DataError)
    rows = [outcome[:, 0].tolist() for outcome in outcomes if not isinstance(outcome, DataError)]
    assert rows == [[number, number, 0] for number in range(9) if number != 4]
