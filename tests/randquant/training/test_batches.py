"""Batches that an epoch cannot fill are refused with a remedy that helps."""

from typing import Any

import numpy as np
import pytest

from randquant.errors import UsageError
from randquant.training.batches import Batches


@pytest.mark.parametrize(
    ("items", "world", "says"),
    [(3, 1, "the 3 items an epoch has; lower it"), (1, 1, "the 1 item an epoch has; give data of 2"), (3, 2, "of 4")],
)
def test_the_remedy_is_possible(items: int, world: int, says: str) -> None:
    source: Any = np.zeros(items)
    with pytest.raises(UsageError, match=says):
        Batches(source, 8, seed=0, rank=0, world=world, workers=0, pin=False)
