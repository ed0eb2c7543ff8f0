"""How many points are taken of clouds of different sizes."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from randquant.data.bounded_batches import bounded
from randquant.errors import DataError, UsageError
from randquant.pointcloud.points.first_points import filled, in_words, require_number, require_points
from tests.pointcloud.evaluation.test_shape_features import clouds, write


def test_short_clouds_are_counted_until_there_are_no_others(tmp_path: Path) -> None:
    store = write(tmp_path / "s", [clouds(1, points=size)[0] for size in (3, 40, 17)])
    assert [require_points(store, points) for points in ("any", 3, 4, 40)] == [0, 0, 1, 2]
    with pytest.raises(DataError, match=r"41 points .* the largest, 1.off .* has 40; lower --points"):
        require_points(store, 41)


def test_short_clouds_are_repeated_for_what_takes_one_size() -> None:
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert filled(rows, 2).tolist() == rows[:2].tolist()
    assert filled(rows, 7).tolist() == [*rows.tolist(), *rows.tolist(), rows[0].tolist()]


def test_words() -> None:
    assert (in_words("any"), in_words(1024), require_number(5, "it")) == ("all points", "1,024 points", 5)
    with pytest.raises(UsageError, match="--finetune takes clouds of one size"):
        require_number("any", "--finetune")


def test_bounded_batches_keep_order_and_hold_everything_once() -> None:
    sizes = np.random.default_rng(0).integers(1, 60, 200).tolist()
    batches = list(bounded(sizes, lambda size: size, 50))
    assert [size for batch in batches for size in batch] == sizes
    assert all(sum(batch) <= 50 or len(batch) == 1 for batch in batches)
    assert all(sum(one) + other[0] > 50 for one, other in itertools.pairwise(batches))
