"""Planted repeats are found, and other members of the same family are not taken for them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from randquant.data.store import Store, StoreWriter
from randquant.data_prep.formats.meshes.mesh import Mesh
from randquant.data_prep.shapes import finished
from randquant.data_prep.surface import sample_surface
from randquant.data_prep.synthetic.solids.families import draw_shape, numpy_generator
from randquant.data_prep.synthetic.solids.solid import joined
from randquant.pointcloud.evaluation.repeats import TURNS, SurfaceSample, descriptor, nearest_in_train, repeats

POINTS = 2048
QUARTER = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
MIRROR = np.diag([-1.0, 1, 1])

Rows = NDArray[np.float32]
Written = Callable[[Sequence[Rows], Sequence[Rows]], Store]


def mesh(family: str, number: int) -> Mesh:
    solid = joined(draw_shape(family, generator=numpy_generator(7, family, number)).values())
    return Mesh(solid.vertices, solid.triangles())


def sample(mesh: Mesh, seed: int = 0, points: int = POINTS) -> Rows:
    return finished(sample_surface(mesh, points, seed=seed)[0], up="z")


def changed(mesh: Mesh, matrix: NDArray[np.float64]) -> Mesh:
    return Mesh(mesh.vertices @ matrix.T, mesh.faces)


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes a store of train (a third of it valid) and test."""

    def write(train: Sequence[Rows], test: Sequence[Rows]) -> Store:
        writer = StoreWriter(tmp_path / "store", kind="points", plan="plan")
        with writer.begin():
            with writer.shard(0) as shard:
                for split, clouds in (("train", train), ("test", test)):
                    for number, rows in enumerate(clouds):
                        name = "valid" if split == "train" and number % 3 == 2 else split
                        shard.append([rows], {"path": f"{split}/{number}", "split": name})
            return writer.finish(1, {"channels": ["x", "y", "z"], "points": POINTS})

    return write


FAMILIES = ("chair", "stool", "table", "bench", "vase", "bottle", "cup", "airplane", "lamp", "bookshelf")


@pytest.fixture(scope="module")
def train() -> list[Rows]:
    """Four members of each of ten families."""
    return [sample(mesh(family, number)) for family in FAMILIES for number in range(4)]


def test_planted_repeats_are_found_and_nothing_else(train: list[Rows], written: Written) -> None:
    resampled = [sample(mesh(family, 2), seed=1) for family in FAMILIES]
    rescaled = [sample(changed(mesh(family, 3), 0.02 * np.eye(3))) for family in FAMILIES]
    others = [sample(mesh(family, number)) for family in FAMILIES for number in (4, 5)]
    store = written(train, [*resampled, *rescaled, train[5], train[11], *others])
    found = nearest_in_train(store)
    assert [pair.test for pair in found] == list(range(40, 40 + 42))
    for place in range(10):
        assert found[place].train == 4 * place + 2
        assert found[place + 10].train == 4 * place + 3
        assert 0.9 < found[place].distance < 1.15
    assert [pair.train for pair in found[20:22]] == [5, 11]
    assert [pair.exact for pair in found] == [False] * 20 + [True] * 2 + [False] * 20
    assert [pair.repeats for pair in found] == [True] * 22 + [False] * 20
    assert repeats(store) == found[:22]


def test_turned_and_mirrored_copies_are_found_where_asked_for(train: list[Rows], written: Written) -> None:
    originals = [mesh(family, 0) for family in ("chair", "airplane", "bookshelf", "cup")]
    copies = [QUARTER, QUARTER @ QUARTER, MIRROR, MIRROR @ QUARTER]
    store = written(train, [sample(changed(*pair)) for pair in zip(originals, copies, strict=True)])
    assert repeats(store) == []
    assert [pair.train for pair in repeats(store, turned=True)] == [0, 28, 36, 24]


def test_the_same_points_in_another_order_repeat_but_not_point_by_point(train: list[Rows], written: Written) -> None:
    shuffled = train[0].copy()
    shuffled[:2] = shuffled[1::-1]
    (pair,) = repeats(written(train, [shuffled]))
    assert (pair.train, pair.exact) == (0, False)
    assert pair.distance < 1e-6


def scaled(rows: Rows) -> NDArray[np.float64]:
    points = rows - rows.mean(axis=0, dtype=np.float64)
    return points / np.sqrt(np.square(points).sum(axis=1).mean())


def test_all_pairs_compared_find_no_nearer_one(train: list[Rows], written: Written) -> None:
    test = [sample(mesh(family, 1), seed=1) for family in FAMILIES[::5]]
    clouds = [SurfaceSample(scaled(rows), 512) for rows in train]
    for pair, rows in zip(nearest_in_train(written(train, test)), test, strict=True):
        slow = [SurfaceSample(scaled(rows), 512).distances(other) for other in clouds]
        assert (pair.distance, pair.tail) == pytest.approx(min(slow))
        assert pair.train == slow.index(min(slow))


def test_rough_distances_are_those_of_every_point_to_its_nearest() -> None:
    one, other = np.random.default_rng(0).normal(size=(2, 90, 3))
    for turn in TURNS:
        between = np.linalg.norm(one[:40, None] - other[:40] @ turn, axis=-1)
        gaps = [np.sort(np.linalg.norm(x[:40, None] - x[:40], axis=-1), axis=1)[:, 1].mean() for x in (one, other)]
        expected = max(between.min(axis=0).mean() / gaps[0], between.min(axis=1).mean() / gaps[1])
        assert SurfaceSample(one, 40).rough(SurfaceSample(other, 40), turn) == pytest.approx(expected)


def test_a_shift_and_a_scale_are_undone() -> None:
    points = scaled(sample(mesh("chair", 0)))
    near, far = SurfaceSample(points, 512), SurfaceSample(1.03 * points + [0.02, 0, -0.03], 512)
    mean, tail = near.distances(far)
    assert max(mean, tail) < 0.05, "the same points, once they are laid on each other"
    assert far.distances(near) == pytest.approx((mean, tail), abs=0.05)
    assert near.turned(TURNS[1]).points[:, :2] == pytest.approx(points[:, :2] @ [[0, -1], [1, 0]])


def test_a_descriptor_does_not_change_when_a_shape_is_turned_or_mirrored() -> None:
    points = sample(mesh("airplane", 0)).astype(np.float64)
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    for matrix in (turn, MIRROR, turn @ MIRROR):
        np.testing.assert_allclose(descriptor(points @ matrix.T), descriptor(points), atol=1e-9)
    assert np.abs(descriptor(points * [1, 1, -1]) - descriptor(points)).max() > 0.05


def test_a_store_without_test_or_train_repeats_nothing(train: list[Rows], written: Written, tmp_path: Path) -> None:
    store = written(train[:3], [])
    assert nearest_in_train(store) == repeats(store) == []


def test_few_and_equal_points_break_nothing(written: Written) -> None:
    one, same = np.zeros((1, 3), dtype=np.float32), np.zeros((7, 3), dtype=np.float32)
    found = nearest_in_train(written([one, same, np.eye(3, dtype=np.float32)], [one, same + 1]))
    assert found[0].exact
    assert all(np.isfinite([pair.distance, pair.tail]).all() for pair in found)


def test_a_store_of_sound_is_refused(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "sound", kind="audio", plan="plan")
    with writer.begin():
        with writer.shard(0) as shard:
            shard.append([np.zeros(5, dtype=np.int16)], {"path": "a.wav", "split": "test"})
        store = writer.finish(1, {})
    with pytest.raises(ValueError, match="hold points, got audio"):
        nearest_in_train(store)
