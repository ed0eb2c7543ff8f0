"""Embedding clouds: a row does not depend on what else is embedded with it."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from randquant.errors import DataError
from randquant.pointcloud import embedding
from randquant.pointcloud.embedding import Outcome, ShapeEmbedder, Summary
from randquant.pointcloud.encoders.weights import LoadedPointEncoder, untrained_encoder
from randquant.pointcloud.points.layout import XYZ_NORMALS

NAMES = [f"{letter}.off" for letter in "edcba"]


@pytest.fixture
def loaded() -> LoadedPointEncoder:
    return untrained_encoder("PointNetLite", 16, seed=0)


@pytest.fixture
def clouds() -> list[Outcome]:
    generator = np.random.default_rng(0)
    found: list[Outcome] = [generator.uniform(-1, 1, (64, 6)).astype(np.float32) for _ in NAMES]
    found[2] = DataError("c.off is broken")
    return found


def embed(loaded: LoadedPointEncoder, clouds: list[Outcome], out: Path, strict: bool = False) -> pa.Table:
    embedder = ShapeEmbedder(loaded, 32, strict=strict)
    embedder.write(
        out.parent, NAMES, lambda start: iter(clouds[start:]), XYZ_NORMALS, out, checkpoint="test", source={"up": "z"}
    )
    return pq.read_table(out)


def test_a_row_a_shape(loaded: LoadedPointEncoder, clouds: list[Outcome], tmp_path: Path) -> None:
    table = embed(loaded, clouds, tmp_path / "x.parquet")
    assert table["path"].to_pylist() == ["e.off", "d.off", "b.off", "a.off"]
    assert set(table["points"].to_pylist()) == {32}
    for row, index in enumerate((0, 1, 3, 4)):
        cloud = clouds[index]
        assert isinstance(cloud, np.ndarray)
        points = torch.from_numpy(cloud[:32, :3])
        points = points - points.mean(dim=0)
        with torch.no_grad():
            expected = loaded.encoder((points / points.norm(dim=1).max())[None])[0].numpy()
        np.testing.assert_allclose(table["embedding"][row].values.to_numpy(), expected, rtol=1e-4, atol=1e-5)
    facts = json.loads(table.schema.metadata[b"randquant"])
    assert facts["sha256"] == loaded.sha256
    assert facts["skipped"] == [{"path": "c.off", "reason": "c.off is broken"}]


def test_an_encoder_that_stands_on_y_sees_shapes_turned(
    loaded: LoadedPointEncoder, clouds: list[Outcome], tmp_path: Path
) -> None:
    upright = embed(loaded, clouds, tmp_path / "z.parquet")
    loaded.up = "y"
    turned = [
        cloud
        if isinstance(cloud, DataError)
        else cloud[:, [0, 2, 1, 3, 5, 4]] * np.array([1, -1, 1, 1, -1, 1], dtype=np.float32)
        for cloud in clouds
    ]
    again = embed(loaded, turned, tmp_path / "y.parquet")
    np.testing.assert_allclose(
        np.stack(again["embedding"].to_numpy()), np.stack(upright["embedding"].to_numpy()), rtol=1e-4, atol=1e-5
    )


def test_company_changes_nothing(
    loaded: LoadedPointEncoder, clouds: list[Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = embed(loaded, clouds, tmp_path / "x.parquet")
    monkeypatch.setattr(embedding, "batch_points", lambda device: 32)
    alone = embed(loaded, clouds, tmp_path / "y.parquet")
    np.testing.assert_allclose(
        np.stack(alone["embedding"].to_numpy()), np.stack(together["embedding"].to_numpy()), rtol=1e-4, atol=1e-5
    )


def test_strict_or_nothing_readable_leaves_nothing(
    loaded: LoadedPointEncoder, clouds: list[Outcome], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"c\.off is broken"):
        embed(loaded, clouds, tmp_path / "x.parquet", strict=True)
    with pytest.raises(DataError, match="None of the 5 shapes"):
        embed(loaded, [DataError("broken")] * 5, tmp_path / "x.parquet")
    assert not list(tmp_path.iterdir())


def test_a_run_that_is_stopped_goes_on_to_the_same_bytes(
    loaded: LoadedPointEncoder, clouds: list[Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "batch_points", lambda device: 32)
    monkeypatch.setattr(embedding, "_PART_BATCHES", 2)
    columns: list[Mapping[str, int]] = []

    def read(start: int, last: int = len(NAMES)) -> Iterator[Outcome]:
        for place in range(start, len(NAMES)):
            if place == last:
                raise KeyboardInterrupt
            if not isinstance(clouds[place], DataError):
                columns.append({"place": place})
            yield clouds[place]

    def write(out: Path, read: Callable[[int], Iterator[Outcome]]) -> Summary:
        columns.clear()
        embedder = ShapeEmbedder(loaded, 32)
        return embedder.write(tmp_path, NAMES, read, XYZ_NORMALS, out, checkpoint="test", source={}, columns=columns)

    whole, out = tmp_path / "whole.parquet", tmp_path / "x.parquet"
    write(whole, read)
    with pytest.raises(KeyboardInterrupt):
        write(out, lambda start: read(start, last=3))
    summary = write(out, read)
    assert (summary.rows, summary.resumed) == (4, 2)
    assert summary.skipped == [("c.off", "c.off is broken")]
    assert [row["place"] for row in columns] == [0, 1, 3, 4]
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["whole.parquet", "x.parquet"]
