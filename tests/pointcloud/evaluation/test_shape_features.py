"""From a store to features: which points, in which order, how scaled and how turned."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.data.store import Store, StoreWriter
from randquant.errors import DataError
from randquant.pointcloud.encoders.point_encoder import PointEncoder
from randquant.pointcloud.encoders.weights import LoadedPointEncoder, untrained_encoder
from randquant.pointcloud.evaluation.robustness import Corruption
from randquant.pointcloud.evaluation.shape_features import keeps_file_order, shape_features
from randquant.pointcloud.points.geometry import unit_sphere
from randquant.pointcloud.points.layout import Layout

XYZ = ("x", "y", "z")


class Shown(PointEncoder):
    """Gives the first point and the mean, so that a test sees what an encoder is given."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__(channels=channels, embedding_size=2 * channels, arguments={})
        self.calls = 0

    def forward_clouds(self, points: Tensor, neighbours: Tensor | None, kept: Tensor | None) -> Tensor:
        self.calls += 1
        return torch.cat([points[:, 0], points.mean(dim=1)], dim=1)


def loaded(channels: int = 3, *, up: str = "z") -> LoadedPointEncoder:
    return LoadedPointEncoder(Shown(channels), None, up, "unit_sphere", {}, "", f"shown {channels}")  # type: ignore[arg-type]


def clouds(count: int = 5, points: int = 40) -> list[NDArray[np.float32]]:
    generator = np.random.default_rng(0)
    return [generator.normal(size=(points, 3)).astype(np.float32) for _ in range(count)]


def write(folder: Path, shapes: list[NDArray[np.float32]], channels: tuple[str, ...] = XYZ) -> Store:
    writer = StoreWriter(folder, kind="points", plan="shapes")
    with writer.begin(), writer.shard(0) as shard:
        for index, cloud in enumerate(shapes):
            split = "test" if index % 2 else "train"
            shard.append([cloud], {"path": f"{index}.off", "label": "ab"[index % 2], "group": None, "split": split})
    with writer.begin():
        return writer.finish(1, {"channels": list(channels), "up": "z"})


def test_the_first_points_on_the_unit_sphere(tmp_path: Path) -> None:
    shapes = clouds()
    store = write(tmp_path / "s", shapes)
    features = shape_features(loaded(), store, points=16, cache=tmp_path / "c")
    expected = unit_sphere(torch.from_numpy(np.stack(shapes)[:, :16]))
    torch.testing.assert_close(torch.from_numpy(features.vectors[:, :3].copy()), expected[:, 0])
    np.testing.assert_allclose(features.vectors[:, 3:], 0, atol=1e-6)
    assert features.splits == ["train", "test"] * 2 + ["train"]
    kept = shape_features(loaded(), store, points=16, cache=tmp_path / "c", renormalise=False)
    np.testing.assert_array_equal(kept.vectors[:, :3], np.stack(shapes)[:, 0])


def test_up_and_normals_turn_together(tmp_path: Path) -> None:
    shapes = [np.concatenate([cloud, cloud[:, [2, 0, 1]]], axis=1) for cloud in clouds()]
    store = write(tmp_path / "s", shapes, (*XYZ, "nx", "ny", "nz"))
    features = shape_features(loaded(6, up="y"), store, points=40, cache=tmp_path / "c", renormalise=False)
    first = np.stack(shapes)[:, 0]
    for start in (0, 3):
        x, y, z = first[:, start : start + 3].T
        np.testing.assert_allclose(features.vectors[:, start : start + 3], np.stack([x, z, -y], axis=1), rtol=1e-6)


def test_the_order_of_the_file(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    rows = [generator.permutation(40).astype(np.float32) for _ in range(5)]
    shapes = [np.concatenate([cloud, row[:, None]], axis=1) for cloud, row in zip(clouds(), rows, strict=True)]
    known, unknown = write(tmp_path / "k", shapes, (*XYZ, "file_row")), write(tmp_path / "u", clouds())
    assert keeps_file_order(known)
    assert not keeps_file_order(unknown)
    features = shape_features(loaded(), known, points=10, cache=tmp_path / "c", order="file", renormalise=False)
    for cloud, row, vector in zip(clouds(), rows, features.vectors, strict=True):
        np.testing.assert_array_equal(vector[:3], cloud[row < 10][0])  # the chosen in the store's order
        np.testing.assert_allclose(vector[3:], cloud[row < 10].mean(axis=0), rtol=1e-4, atol=1e-6)


def test_features_are_read_from_the_cache(tmp_path: Path) -> None:
    store, encoder = write(tmp_path / "s", clouds()), loaded()
    shown = encoder.encoder
    assert isinstance(shown, Shown)
    one = shape_features(encoder, store, points=16, cache=tmp_path / "c")
    calls = shown.calls
    two = shape_features(encoder, store, points=16, cache=tmp_path / "c")
    assert shown.calls == calls > 0
    np.testing.assert_array_equal(one.vectors, two.vectors)
    shape_features(encoder, store, points=17, cache=tmp_path / "c")
    shape_features(encoder, store, points=16, cache=tmp_path / "c", renormalise=False)
    shape_features(encoder, store, points=16, cache=tmp_path / "c", corruption=Corruption("jitter", 0.1))
    assert shown.calls == 4 * calls


def test_sparser_and_denser_clouds_are_of_all_stored_points(tmp_path: Path) -> None:
    """And not of those that are taken, which are spread evenly."""
    shapes = clouds()
    store = write(tmp_path / "s", shapes)
    for count, expected in ((10.0, 10), (30.0, 16)):
        change = Corruption("points", count)
        assert change.fits(store)
        found = shape_features(
            loaded(), store, points=16, cache=tmp_path / "c", corruption=change, renormalise=False
        ).vectors
        for row, shape in enumerate(shapes):
            cloud = change(torch.from_numpy(shape)[None], [row], Layout(XYZ))[0, :16]
            assert len(cloud) == expected
            np.testing.assert_allclose(found[row], torch.cat([cloud[0], cloud.mean(dim=0)]), rtol=1e-4, atol=1e-6)
    assert not Corruption("points", 41.0).fits(store)
    assert Corruption("jitter", 0.1).fits(store)


def test_some_items_alone(tmp_path: Path) -> None:
    store = write(tmp_path / "s", clouds())
    test = shape_features(loaded(), store, points=16, cache=tmp_path / "c", rows=store.select("test"))
    assert list(test.ids) == ["1.off", "3.off"]
    every = shape_features(loaded(), store, points=16, cache=tmp_path / "c")
    np.testing.assert_array_equal(test.vectors, every.vectors[[1, 3]])


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda store, cache: shape_features(loaded(6), store, points=4, cache=cache), "prepare it with nx, ny"),
        (lambda store, cache: shape_features(loaded(), store, points=41, cache=cache), "0.off .* has 40; lower --poin"),
    ],
    ids=["channels", "points"],
)
def test_what_a_store_cannot_give(tmp_path: Path, ask: Callable[[Store, Path], object], says: str) -> None:
    with pytest.raises(DataError, match=says):
        ask(write(tmp_path / "s", clouds()), tmp_path / "c")


def test_a_store_that_does_not_say_its_channels(tmp_path: Path) -> None:
    store = write(tmp_path / "s", clouds(), ("x", "z", "y"))
    with pytest.raises(DataError, match="does not say what its columns mean"):
        shape_features(loaded(), store, points=4, cache=tmp_path / "c")
    assert Layout.of(XYZ).channels == XYZ


def test_features_of_clouds_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All points of every cloud, and all of short ones beside the first of others, whatever the batches."""
    sizes = (40, 3, 1, 200, 40, 17)
    shapes = [clouds(1, points=size)[0] for size in sizes]
    store = write(tmp_path / "s", shapes)
    encoder = untrained_encoder("PointNetLite", 16, seed=0)

    def expected(points: int) -> NDArray[np.float32]:
        with torch.no_grad():
            batch = [torch.from_numpy(shape[None, :points]) for shape in shapes]
            return torch.cat([encoder.encoder(unit_sphere(cloud)) for cloud in batch]).numpy()

    for number, most in enumerate((2**15, 45, 1)):
        monkeypatch.setattr(
            "randquant.pointcloud.evaluation.shape_features.batch_points", lambda device, most=most: most
        )
        for points, rows in (("any", 200), (40, 40)):
            cache = tmp_path / f"{number} {points}"
            found = shape_features(encoder, store, points=points, cache=cache)  # type: ignore[arg-type]
            np.testing.assert_allclose(found.vectors, expected(rows), rtol=1e-4, atol=1e-5)
