"""A store is taken for another dataset's only where the files are the same, by content."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from randquant.data.shard import ShardWriter
from randquant.data.store import Store, StoreWriter
from randquant.data_prep.engine.plan import Item, Plan, Reader, Reading
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.engine.sources import compare_files, source
from randquant.data_prep.shapes import mesh_reader
from randquant.errors import DataError
from tests.data_prep.formats.meshes.gltf_writer import GltfWriter


def read_bytes(path: Path) -> Reading:
    return {}, [np.frombuffer(path.read_bytes(), np.uint8).astype(np.int16)]


BYTES = Reader("audio", read_bytes, {"sample_rate": 16000})


def plan_of(root: Path, count: int = 5, **changes: object) -> Plan:
    items = [Item(f"{index}.bin", 100, f"{index % 2}") for index in range(count)]
    return replace(Plan(root, items, BYTES, {"dataset": "bytes"}), **changes)  # type: ignore[arg-type]


def write_files(root: Path, seed: int = 0, count: int = 5) -> Path:
    root.mkdir()
    random = np.random.default_rng(seed)
    for index in range(count):
        (root / f"{index}.bin").write_bytes(random.bytes(100))
    return root


def shift_times(root: Path) -> None:
    for path in root.iterdir():
        os.utime(path, (1, 1))


def test_another_root_of_the_same_names_and_sizes_is_another_dataset(tmp_path: Path) -> None:
    prepare(plan_of(write_files(tmp_path / "one")), tmp_path / "store")
    other = plan_of(write_files(tmp_path / "two", seed=1))
    with pytest.raises(
        DataError, match=r"prepared from .*one, and below .*two now 5 of the 5 files.*choose a new --out"
    ):
        prepare(other, tmp_path / "store")
    assert len(Store.open(tmp_path / "store")) == 5


def test_a_file_that_was_written_over_is_seen(tmp_path: Path) -> None:
    root = write_files(tmp_path / "in")
    prepare(plan_of(root), tmp_path / "store")
    (root / "3.bin").write_bytes(bytes(100))
    with pytest.raises(DataError, match=r"1 of the 5 files that were compared has other content \(3\.bin\)"):
        prepare(plan_of(root), tmp_path / "store")


def test_one_of_many_files_written_over_with_its_time_kept(tmp_path: Path) -> None:
    plan = plan_of(write_files(tmp_path / "in", count=200), 200)
    prepare(plan, tmp_path / "store")
    path = tmp_path / "in" / "101.bin"
    kept = path.stat()
    path.write_bytes(bytes(100))
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    with pytest.raises(DataError, match=r"has other content \(101\.bin\)"):
        prepare(plan, tmp_path / "store")


def test_a_copy_is_the_same_and_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = prepare(plan_of(write_files(tmp_path / "one")), tmp_path / "store")
    prepare(plan_of(tmp_path / "one"), tmp_path / "store")
    assert capsys.readouterr().out == ""
    shutil.copytree(tmp_path / "one", tmp_path / "two", copy_function=shutil.copyfile)
    assert prepare(plan_of(tmp_path / "two"), tmp_path / "store").content_hash == first.content_hash
    assert "same files below" in capsys.readouterr().out
    shift_times(tmp_path / "one")
    prepare(plan_of(tmp_path / "one"), tmp_path / "store")
    said = capsys.readouterr().out
    assert "5 files have other times than when they were read; samples of the contents of 5 of 5" in said


def test_all_points_have_a_name(tmp_path: Path) -> None:
    root = write_files(tmp_path / "in")
    prepare(plan_of(root, reader=replace(BYTES, settings={"points": None})), tmp_path / "store")
    with pytest.raises(DataError, match="its points is any, not 256"):
        prepare(plan_of(root, reader=replace(BYTES, settings={"points": 256})), tmp_path / "store")


def test_what_changed_is_named(tmp_path: Path) -> None:
    root = write_files(tmp_path / "in", count=6)
    prepare(plan_of(root), tmp_path / "store")
    reader = replace(BYTES, settings={"sample_rate": 8000})
    items = plan_of(root).items
    for plan, what in (
        (plan_of(root, reader=reader), "its sample_rate is 16000, not 8000"),
        (plan_of(root, 6), r"1 files are not among them, as 5\.bin"),
        (plan_of(root, 4), r"1 files are gone, as 4\.bin"),
        (plan_of(root, items=[replace(items[0], label="x"), *items[1:]]), r"another label.*as 0\.bin"),
        (plan_of(root, items=[replace(items[0], size=99), *items[1:]]), r"of another size, as 0\.bin"),
        (plan_of(root, 6, source={"dataset": "other"}), "its dataset is bytes, not other"),
    ):
        with pytest.raises(DataError, match=rf"a complete store of other files or settings \(.*{what}"):
            prepare(plan, tmp_path / "store")


def unfinished(plan: Plan, out: Path, patch: pytest.MonkeyPatch) -> None:
    written: list[object] = []
    original = ShardWriter.close

    def stop_at_the_second(self: ShardWriter) -> None:
        written.append(self)
        if len(written) == 2:
            raise KeyboardInterrupt
        original(self)

    with patch.context() as inner:
        inner.setattr("randquant.data_prep.engine.plan._SHARD_ITEMS", 2)
        inner.setattr(ShardWriter, "close", stop_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            prepare(plan, out)


def test_unfinished_stores_likewise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, out = write_files(tmp_path / "one"), tmp_path / "store"
    unfinished(plan_of(root), out, monkeypatch)
    monkeypatch.setattr("randquant.data_prep.engine.plan._SHARD_ITEMS", 2)
    other = write_files(tmp_path / "two", seed=1)
    with pytest.raises(DataError, match=r"was begun from .*one, and below .*two now 2 of the 2 files"):
        prepare(plan_of(other), out)
    with pytest.raises(DataError, match=r"an unfinished store of other files or settings \(it has 5 items, not 4\)"):
        prepare(plan_of(root, 4), out)
    (root / "4.bin").write_bytes(bytes(100))  # not read yet
    assert prepare(plan_of(root), out).rows(4).tolist() == [0] * 100


def test_stores_of_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_files(tmp_path / "one")
    plan = plan_of(root, source={"dataset": "bytes", "root": str(root)})
    prepare(plan, tmp_path / "store")
    (tmp_path / "store" / "sources.parquet").unlink()
    prepare(plan, tmp_path / "store")
    assert "by an earlier version that kept no record" in capsys.readouterr().out
    shutil.copytree(root, tmp_path / "two")
    with pytest.raises(DataError, match=r"nobody can tell whether .*two holds the same"):
        prepare(replace(plan, root=tmp_path / "two"), tmp_path / "store")


@pytest.mark.parametrize("size", [0, 1, 16384, 49152, 49153, 300_000])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_samples_see_the_head_the_middle_and_the_tail(tmp_path: Path, size: int, share: float) -> None:
    content = bytearray(np.random.default_rng(0).bytes(size))
    (tmp_path / "a").write_bytes(content)
    before = source(tmp_path, "a")
    assert before is not None
    assert (before.size, len(before.sample)) == (size, 32)
    if size:
        content[round(share * (size - 1))] ^= 1
        (tmp_path / "a").write_bytes(content)
        assert source(tmp_path, "a").sample != before.sample  # type: ignore[union-attr]
    assert source(tmp_path, "absent") is None


def test_many_files_are_compared_by_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("randquant.data_prep.engine.sources._MOST", 10)
    monkeypatch.setattr("randquant.data_prep.engine.sources._SPOT", 3)
    root = write_files(tmp_path / "in", count=50)
    known = [each for index in range(50) if (each := source(root, f"{index}.bin")) is not None]
    assert compare_files(known, str(root), root) == compare_files(known, str(root), root)
    assert compare_files(known, str(root), root).compared == 3
    shift_times(root)
    (root / "17.bin").unlink()
    found = compare_files(known, str(root), root)
    assert (found.moved, found.others, found.changed) == (False, 49, [])
    assert 10 <= found.compared <= 13
    assert compare_files(known, "/elsewhere", root).moved


def test_points_too(tmp_path: Path) -> None:
    def write(out: Path, items: Sequence[str]) -> None:
        writer = StoreWriter(out, kind="points", plan="p")
        with writer.begin(), writer.shard(0) as shard:
            for name in items:
                shard.append([np.ones((3, 3), np.float32)], {"path": name})
        writer.finish(1, {"channels": ["x", "y", "z"]})

    write(tmp_path / "store", ["a"])
    with pytest.raises(DataError, match="its kind is points, not audio"):
        prepare(plan_of(write_files(tmp_path / "in")), tmp_path / "store")


def test_the_buffers_of_a_gltf_file_count_too(tmp_path: Path) -> None:
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    writer = GltfWriter()
    writer.mesh({"attributes": {"POSITION": writer.accessor(points, bounds=False)}})
    writer.scene({"mesh": 0})
    (tmp_path / "in").mkdir()
    path = writer.beside(tmp_path / "in" / "a.gltf", "a.bin")
    buffer = path.with_name("a.bin")
    plan = Plan(tmp_path / "in", [Item("a.gltf", path.stat().st_size)], mesh_reader(points=8))
    prepare(plan, tmp_path / "out")
    prepare(plan, tmp_path / "out")
    buffer.write_bytes(buffer.read_bytes().replace(np.float32(1).tobytes(), np.float32(2).tobytes()))
    shift_times(tmp_path / "in")
    with pytest.raises(DataError, match=r"1 of the 2 files that were compared has other content \(a\.bin\)"):
        prepare(plan, tmp_path / "out")
