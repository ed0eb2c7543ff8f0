"""A store of made-up shapes is determined by its flags, and needs no files."""

from pathlib import Path

import numpy as np
import pytest

from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.synthetic.compositions.plan import family_of, plan_made_up_shapes
from randquant.data_prep.synthetic.solids.families import FAMILIES
from randquant.errors import DataError, UsageError


def test_shapes_are_clouds_and_a_smaller_store_is_the_beginning_of_a_larger(tmp_path: Path) -> None:
    few, more = (prepare(plan_made_up_shapes(shapes=n, points=64), tmp_path / str(n), workers=1) for n in (9, 12))
    assert few.lengths.tolist() == [64] * 9
    for row in range(9):
        points = few.rows(row)
        np.testing.assert_array_equal(points, more.rows(row))
        np.testing.assert_allclose(np.linalg.norm(points[:, :3], axis=1).max(), 1, atol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(points[:, 3:], axis=1), 1, atol=1e-5)
    other = prepare(plan_made_up_shapes(shapes=2, points=64, seed=1), tmp_path / "other", workers=1)
    assert not np.allclose(other.rows(0), few.rows(0))
    assert more.content_hash != few.content_hash


def test_all_families_are_drawn() -> None:
    drawn = [family_of(number) for number in range(80)]
    assert set(drawn) == {None, *FAMILIES}
    assert drawn.count(None) == 50


def test_numbers_out_of_range_are_refused() -> None:
    for flags in ({"shapes": 0}, {"seed": -1}, {"points": 0}):
        with pytest.raises(UsageError, match=f"--{next(iter(flags))}"):
            plan_made_up_shapes(**flags)


def test_a_store_of_other_shapes_is_refused(tmp_path: Path) -> None:
    prepare(plan_made_up_shapes(shapes=2, points=16), tmp_path / "store", workers=1)
    with pytest.raises(DataError, match="seed"):
        prepare(plan_made_up_shapes(shapes=2, points=16, seed=3), tmp_path / "store", workers=1)
