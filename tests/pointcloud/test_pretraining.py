"""What the training loop is given: subsets of stored points, neighbourhoods once, views."""

from pathlib import Path

import numpy as np
import pytest
import torch

from randquant.data.store import Store, StoreWriter
from randquant.errors import DataError, UsageError
from randquant.packed import PackedBatch
from randquant.pointcloud.cloud_batch import CloudBatch
from randquant.pointcloud.cloud_views import CloudViews
from randquant.pointcloud.encoders.dgcnn import DGCNN
from randquant.pointcloud.encoders.pointnet_lite import PointNetLite
from randquant.pointcloud.points.geometry import unit_sphere
from randquant.pointcloud.points.layout import XYZ_NORMALS
from randquant.pointcloud.pretraining import build_task, knn_monitor
from randquant.pointcloud.settings import PointPretraining
from randquant.pointcloud.stored_clouds import StoredClouds, WholeClouds
from randquant.views import ViewSet, embedded


def write_store(path: Path, *, items: int = 12, points: int = 64, channels: int = 6, ragged: bool = False) -> Store:
    generator = np.random.default_rng(3)
    writer = StoreWriter(path, kind="points", plan="test")
    with writer.begin(), writer.shard(0) as shard:
        for item in range(items):
            split = ("train", "train", "valid", "test")[item % 4]
            size = 1 + (7 * item) % points if ragged else points
            rows = generator.normal(size=(size, channels)).astype("<f4")
            shard.append([rows], {"path": f"{item}.off", "label": "ab"[item // 4 % 2], "split": split})
    names = XYZ_NORMALS.channels[:channels]
    return writer.finish(1, {"channels": list(names), "up": "z", "points": points, "source": {}})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return write_store(tmp_path / "store")


def settings(store: Store, **changes: object) -> PointPretraining:
    fixed: dict[str, object] = {"data": [store.path], "d": 16, "points": 32, "batch_size": 4, "accelerator": "cpu"}
    return PointPretraining(Path("run"), **{**fixed, **changes})  # type: ignore[arg-type]


def test_test_shapes_are_not_learnt_from_unless_asked_for(store: Store) -> None:
    assert len(StoredClouds([store], settings(store), None)) == 9
    assert len(StoredClouds([store], settings(store, splits=["train"]), None)) == 6
    assert len(StoredClouds([store], settings(store, splits=["train", "valid", "test"]), None)) == 12


def test_one_subset_is_the_first_points_for_both_views(store: Store) -> None:
    source = StoredClouds([store], settings(store), None)
    batch = source.fetch(np.array([0, 2]), epoch=5)
    assert isinstance(batch, torch.Tensor)
    assert batch.shape == (1, 2, 32, 3)
    for row, item in enumerate((0, 2)):
        assert bool((batch[0, row].numpy() == store.rows(item)[:32, :3]).all())


def test_subsets_are_disjoint_and_drawn_by_seed_epoch_and_shape_alone(store: Store) -> None:
    source = StoredClouds([store], settings(store, subsets=2, normals=True), None)
    clouds = [source.cloud(0, subset) for subset in (0, 1)]
    assert bool((np.sort(np.concatenate(clouds), axis=0) == np.sort(store.rows(0), axis=0)).all())
    positions = np.arange(9)
    whole, part = source.fetch(positions, 3), source.fetch(positions[4:6], 3)
    assert isinstance(whole, torch.Tensor)
    assert isinstance(part, torch.Tensor)
    assert whole.shape == (2, 9, 32, 6)
    assert bool((whole[:, 4:6] == part).all())
    assert not bool((whole == torch.as_tensor(source.fetch(positions, 4))).all())


def test_parts_are_subsets_of_the_points_that_are_taken(store: Store) -> None:
    wanted = settings(store, parts=4, points=32)
    source = StoredClouds([store], wanted)
    assert (wanted.part, wanted.view_points) == (8, 8)
    dealt = np.stack([source.cloud(0, part) for part in range(4)], axis=1)  # (8, 4, 3)
    assert bool((dealt.reshape(32, 3) == store.rows(0)[:32, :3]).all())
    task = build_task(wanted, torch.device("cpu"))
    assert isinstance(task.encoder, PointNetLite)
    assert task.encoder.part == 8
    views = task.make_views(torch.as_tensor(source.fetch(np.arange(4), 0)), generator=torch.Generator().manual_seed(0))
    assert isinstance(views, list)
    assert [CloudBatch(*view).points.shape for view in views] == [(4, 8, 3)] * 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"parts": 5}, "should divide --points"),
        ({"parts": 32}, "at least two points"),
        ({"parts": 2, "points": "any"}, "should divide --points"),
        ({"parts": 2, "subsets": 2}, "give one of them"),
        ({"parts": 2, "augment": "resample+rq"}, "give one of them"),
    ],
)
def test_parts_that_cannot_be(store: Store, changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        settings(store, **changes)


def test_one_deviation_of_the_noise_or_the_ends_of_a_range(store: Store) -> None:
    assert settings(store, jitter=[0.02]).jitter == settings(store, jitter=0.02).jitter == 0.02
    assert settings(store, jitter=[0, 0.06]).policy()[-1].sigma == (0.0, 0.06)
    for wrong in ([0.06, 0.01], [0.1, 0.2, 0.3]):
        with pytest.raises(ValueError, match="--jitter"):
            settings(store, jitter=wrong)


@pytest.mark.parametrize("subsets", [2, 4])
def test_two_views_never_share_a_point(store: Store, subsets: int) -> None:
    source = StoredClouds([store], settings(store, subsets=subsets, points=16), None)
    drawn = set()
    for epoch in range(12):
        first, second = torch.as_tensor(source.fetch(np.arange(9), epoch))
        assert not bool((first[:, :, None] == second[:, None]).all(dim=-1).any())
        drawn |= {tuple(cloud[0].tolist()) for cloud in (*first, *second)}
    assert len(drawn) == 9 * subsets


def test_resampling_takes_as_many_as_all_shapes_have(store: Store, tmp_path: Path) -> None:
    longer = write_store(tmp_path / "longer", points=80)
    source = StoredClouds([longer, store], settings(store, augment="resample+rq"), None)
    clouds = torch.as_tensor(source.fetch(np.arange(18), 0))
    assert clouds.shape == (1, 18, 64, 3)
    views = CloudViews([settings(store, augment="resample").policy()])(clouds, generator=torch.Generator())
    assert views[0].points.shape == (18, 32, 3)


def test_neighbours_are_clean_where_they_can_be(store: Store) -> None:
    assert settings(store).neighbours == "clean"
    assert settings(store, encoder="DGCNN").neighbours == "clean"
    assert settings(store, encoder="PointNeXt").neighbours == "view"
    assert settings(store, augment="resample+rq").neighbours == "view"
    for changes in ({"encoder": "PointNet"}, {"augment": "resample"}):
        with pytest.raises(ValueError, match="--neighbours clean"):
            settings(store, neighbours="clean", **changes)


def test_the_first_graph_of_dgcnn_is_that_of_the_clean_points(store: Store) -> None:
    chosen = settings(store, encoder="DGCNN", d=16, augment="rq", rq_bins=[2])
    task = build_task(chosen, torch.device("cpu"))
    batch = task.source.fetch(np.arange(4), 0)
    assert isinstance(batch, torch.Tensor)
    assert isinstance(task.encoder, DGCNN)
    for view in ViewSet.of(task.make_views(batch, generator=torch.Generator().manual_seed(0))).views:
        assert isinstance(view, CloudBatch)
        assert view.neighbours is not None
        assert view.points.unique().numel() < batch.unique().numel() / 4
        assert torch.equal(view.neighbours, task.encoder.neighbourhoods(unit_sphere(batch[0])))


def test_neighbourhoods_found_once_are_those_of_the_clean_points(store: Store) -> None:
    encoder = PointNetLite(d=16, centres=(8, 4), neighbours=4)
    source = StoredClouds([store], settings(store, subsets=2), encoder.neighbourhoods)
    points, neighbours = source.fetch(np.array([1, 7]), 0)
    for view in range(2):
        assert bool((neighbours[view] == encoder.neighbourhoods(points[view])).all())


def test_views_keep_the_clean_neighbourhoods_and_move_the_points(store: Store) -> None:
    encoder = PointNetLite(d=16, centres=(8, 4), neighbours=4)
    chosen = settings(store, augment="geo+rq", rq_bins=[4], points=64)
    batch = StoredClouds([store], chosen, encoder.neighbourhoods).fetch(np.arange(4), 0)
    first, second = CloudViews([chosen.policy()] * 2)(batch, generator=torch.Generator().manual_seed(0))
    assert first.neighbours is not None
    assert first.kept is not None
    assert bool((first.neighbours == batch[1][0]).all())
    assert not bool((first.points == second.points).all())
    assert bool((first.kept.sum(dim=1) < 64).any())
    plain = CloudViews([settings(store, augment="none").policy()] * 2)(batch, generator=torch.Generator())
    assert bool((plain[0].points == plain[1].points).all())
    assert float(plain[0].points.norm(dim=-1).amax()) == pytest.approx(1.0, abs=1e-5)


def test_augmentations_are_applied_in_their_own_order(store: Store) -> None:
    def names(**changes: object) -> list[str]:
        return [type(each).__name__ for each in settings(store, **changes).policy()]

    geo = ["RandomCrop", "RandomDropout", "RandomAnisotropicScale", "PointQuantization", "RandomJitter"]
    assert names(augment="rq+geo") == geo
    assert names(augment="rq+rotate", rq_first=True) == ["PointQuantization", "RandomRotation"]
    assert names(augment="none") == []
    normals = settings(store, augment="rq", normals=True).policy()[0]
    assert normals.normals is not None
    assert settings(store, augment="rq", normals=True, rq_normals_bins=[0]).policy()[0].normals is None


@pytest.mark.parametrize("changes", [{}, {"neighbours": "view"}, {"augment": "resample+rq"}, {"normals": True}])
def test_a_task_trains_a_step(store: Store, changes: dict) -> None:
    task = build_task(settings(store, **changes), torch.device("cpu"))
    views = ViewSet.of(
        task.make_views(task.source.fetch(np.arange(4), 0), generator=torch.Generator().manual_seed(0))
    ).views
    embedding = embedded(task.encoder, views[0])
    assert embedding.shape == (4, task.embedding_size)
    embedding.sum().backward()


@pytest.mark.parametrize(("lies", "expected"), [("none", 1.0), ("test", 1.0), ("valid", 0.0)])
def test_the_monitor_is_knn_on_the_validation_split(tmp_path: Path, lies: str, expected: float) -> None:
    """Flat shapes and thin ones, told by their extents; in one split the labels are swapped."""
    writer = StoreWriter(tmp_path / "store", kind="points", plan="monitor")
    with writer.begin(), writer.shard(0) as shard:
        for item in range(24):
            split, kind = ("train", "train", "valid", "test")[item % 4], item // 4 % 2
            rows = np.random.default_rng(item).normal(size=(16, 3)) * ((1, 1, 0.1), (0.1, 0.1, 1))[kind]
            label = "ab"[kind != (split == lies)]
            shard.append([rows.astype("<f4")], {"path": f"{item}.off", "label": label, "split": split})
    writer.finish(1, {"channels": ["x", "y", "z"]})

    class Extents(torch.nn.Module):
        def forward(self, clouds: torch.Tensor) -> torch.Tensor:
            return clouds.std(dim=1)

    settings = PointPretraining(out=Path("run"), data=[tmp_path], monitor=tmp_path / "store", points=16)
    assert knn_monitor(settings, torch.device("cpu"))(Extents(), torch.device("cpu"))["knn_valid"] == expected


def test_stores_that_do_not_fit_are_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="shapes of 64"):
        build_task(settings(store, points=64, subsets=2), torch.device("cpu"))
    bare = write_store(tmp_path / "bare", channels=3)
    with pytest.raises(DataError, match="--normals"):
        build_task(settings(bare, normals=True), torch.device("cpu"))
    with pytest.raises(DataError, match="--splits"):
        StoredClouds([write_store(tmp_path / "tiny", items=2)], settings(store, splits=["test"]), None)


@pytest.mark.parametrize(
    "changes",
    [
        {"augment": "geo+crop"},
        {"augment": "geo+magic"},
        {"rq_bins": [1]},
        {"rq_bins": [64, 16]},
        {"stretch": 0.5},
        {"points": 1},
        {"subsets": 2, "augment": "resample"},
        {"method": "moco", "bn_splits": 2},
        {"data": []},
    ],
)
def test_settings_out_of_range_are_named(store: Store, changes: dict) -> None:
    with pytest.raises(ValueError, match="--"):
        settings(store, **changes)


def test_short_shapes_are_repeated_and_counted(tmp_path: Path) -> None:
    store = write_store(tmp_path / "ragged", ragged=True)
    source = StoredClouds([store], settings(store))
    assert source.notes == [f"7 shapes of {store.path} with fewer than 32 points: theirs are repeated"]
    batch = source.fetch(np.array([1]), epoch=0)
    assert isinstance(batch, torch.Tensor)
    rows = store.rows(1)[:, :3]
    assert len(rows) == 8
    np.testing.assert_array_equal(batch[0, 0].numpy(), np.tile(rows, (4, 1)))
    with pytest.raises(DataError, match=r"65 points a shape .* shapes of 64 at most"):
        StoredClouds([write_store(tmp_path / "store")], settings(store, points=65))


@pytest.mark.parametrize("subsets", [1, 3])
def test_whole_clouds_are_all_points_of_every_shape(tmp_path: Path, subsets: int) -> None:
    store = write_store(tmp_path / "ragged", ragged=True)
    source = WholeClouds([store], settings(store, points="any", subsets=subsets))
    positions = np.array([4, 0, 7])
    raw = source.fetch(positions, epoch=1)
    assert len(raw) == (2 if subsets == 1 else 4)
    for rows, offsets in zip(raw[::2], raw[1::2], strict=True):
        for cloud, position in zip(PackedBatch(rows, offsets).split(), positions, strict=True):
            stored = store.rows(source.items[position][1])[:, :3]
            parts = [stored[part::subsets].tolist() for part in range(subsets)]
            assert cloud.tolist() in parts


def test_whole_clouds_that_are_too_large_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = write_store(tmp_path / "ragged", ragged=True)
    monkeypatch.setattr("randquant.pointcloud.stored_clouds._MOST", 100)
    with pytest.raises(UsageError, match=r"two views of the 4 largest shapes have .* lower --batch_size"):
        WholeClouds([store], settings(store, points="any"))
    monkeypatch.setattr(DGCNN, "most_points", 50)
    with pytest.raises(DataError, match=r"\.off in .*: DGCNN takes clouds of at most 50 points"):
        WholeClouds([store], settings(store, points="any", encoder="DGCNN"))


def test_packed_views_are_augmented_clouds_in_their_unit_spheres(tmp_path: Path) -> None:
    store = write_store(tmp_path / "ragged", ragged=True)
    asked = settings(store, points="any", augment="none")
    task = build_task(asked, torch.device("cpu"))
    views = ViewSet.of(
        task.make_views(task.source.fetch(np.arange(4), 0), generator=torch.Generator().manual_seed(0))
    ).views
    for view in views:
        assert isinstance(view, PackedBatch)
        for cloud, stored in zip(view.split(), (0, 1, 2, 4), strict=True):
            torch.testing.assert_close(cloud, unit_sphere(torch.from_numpy(store.rows(stored)[:, :3])))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"augment": "resample+rq"}, "resample chooses among them"),
        ({"encoder": "PointNeXt"}, "PointNeXt trains on clouds of one size"),
        ({"neighbours": "clean"}, "neighbourhoods are found in each view"),
    ],
)
def test_what_clouds_of_any_size_cannot_have(store: Store, changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        settings(store, points="any", **changes)
