"""Views of clouds by policies: whole ones and patches."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from randquant.data.store import Store, StoreWriter
from randquant.packed import PackedBatch
from randquant.pointcloud.augment.local_patch import RandomLocalPatch
from randquant.pointcloud.cloud_batch import CloudBatch
from randquant.pointcloud.pretraining import build_task
from randquant.pointcloud.settings import PointPretraining
from randquant.training.setup import pretrain
from randquant.views import ViewSet

VIEWS: list[str | dict[str, Any]] = ["geo+rq", "random", {"augment": "rq", "rq_bins": [4, 8]}, "patch"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    generator = np.random.default_rng(3)
    writer = StoreWriter(tmp_path / "store", kind="points", plan="test")
    with writer.begin(), writer.shard(0) as shard:
        for item in range(8):
            rows = generator.normal(size=(64, 3)).astype("<f4")
            shard.append([rows], {"path": f"{item}.off", "label": "a", "split": "train"})
    return writer.finish(1, {"channels": ["x", "y", "z"], "up": "z", "points": 64, "source": {}})


def settings(store: Store, **changes: Any) -> PointPretraining:
    fixed: dict[str, Any] = {"data": [store.path], "d": 16, "points": 64, "batch_size": 4, "accelerator": "cpu"}
    return PointPretraining(**{"out": Path("run"), **fixed, "hidden_size": 16, "projection_size": 8, **changes})


def test_a_patch_is_the_nearest_points_to_one_of_them() -> None:
    points = torch.rand(3, 50, 3, generator=torch.Generator().manual_seed(1))
    whole = RandomLocalPatch(9).augment(CloudBatch(points), generator=torch.Generator().manual_seed(2))
    parts = RandomLocalPatch(9).augment_packed(PackedBatch.of(list(points)), generator=torch.Generator().manual_seed(2))
    assert whole.neighbours is None
    for cloud, patch, packed in zip(points, whole.points, parts.split(), strict=True):
        nearest = [cloud[row.argsort()[:9].sort().values] for row in torch.cdist(cloud, cloud)]
        assert any(torch.equal(patch, each) for each in nearest)
        assert torch.equal(packed, patch)


@pytest.mark.parametrize("changes", [{}, {"points": "any"}, {"subsets": 2, "points": 32}])
def test_views_are_whole_clouds_and_patches(store: Store, changes: dict[str, Any]) -> None:
    views: list[Any] = [*VIEWS[:3], {"augment": "none", "local": True, "points": 16}]
    task = build_task(settings(store, views=views, **changes), torch.device("cpu"))
    found = task.make_views(task.source.fetch(np.arange(4), 0), generator=torch.Generator().manual_seed(0))
    assert isinstance(found, ViewSet)
    assert len(found.views) == 3
    (local,) = found.local
    if isinstance(local, PackedBatch):
        assert local.sizes == [16] * 4
    else:
        assert isinstance(local, CloudBatch)
        assert local.points.shape == (4, 16, 3)


def test_neighbourhoods_are_those_of_views_where_one_resamples(store: Store) -> None:
    assert settings(store, views=VIEWS).neighbours == "clean"
    assert settings(store, views=[*VIEWS, "resample"], points=32).neighbours == "view"
    assert (
        settings(store, views=["geo", "geo", {"augment": "resample", "local": True}], points=32).neighbours == "clean"
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"views": ["rq", "rq", {"local": True, "points": 64}]}, "fewer than the 64"),
        ({"views": ["rq", "rq", {"local": True, "points": "any"}]}, "fewer than the 64"),
        ({"views": ["rq", "resample"], "neighbours": "clean"}, "resample takes other points"),
        ({"views": ["rq", {"augment": "resample"}], "points": "any"}, "resample"),
        ({"views": ["rq", {"stretch": 0}]}, "stretch should be"),
    ],
)
def test_what_does_not_go_together_is_refused(store: Store, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        settings(store, **changes)


@pytest.mark.parametrize("changes", [{"method": "moco", "queue_size": 8}, {"points": "any", "method": "byol"}])
def test_a_run_of_views_trains(store: Store, tmp_path: Path, changes: dict[str, Any]) -> None:
    chosen = settings(store, out=tmp_path / "run", views=VIEWS, steps=2, **changes)
    assert pretrain(chosen, lambda device: build_task(chosen, device)).exists()
    assert "patch" in (tmp_path / "run" / "config.yaml").read_text()
