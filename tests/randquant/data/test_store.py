"""A store gives back what was written, whatever the order of writing, and refuses everything that is no store."""

import io
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from randquant.data.shard import npy_header
from randquant.data.store import Store, StoreWriter
from randquant.data.store_description import VERSION
from randquant.errors import DataError
from randquant.files import atomic
from randquant.files.store_folder import FORMAT
from randquant.kernels import file_runs

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "common")])}

Items = list[list[NDArray]]  # shards of items


def audio_items(lengths: list[list[int]], seed: int = 0) -> Items:
    random = np.random.default_rng(seed)
    return [[random.integers(-32768, 32768, n).astype(np.int16) for n in shard] for shard in lengths]


def write(path: Path, items: Items, *, kind: str = "audio", order: list[int] | None = None, cut: int = 7) -> Store:
    writer = StoreWriter(path, kind=kind, plan="a plan")
    with writer.begin() as complete:
        assert not complete
        for number in order or range(len(items)):
            with writer.shard(number) as shard:
                for place, rows in enumerate(items[number]):
                    columns = {"path": f"{number}/{place}.wav", "label": f"{place}", "split": "train", "rate": 8000}
                    shard.append([rows[i : i + cut] for i in range(0, len(rows), cut)], columns)
        return writer.finish(len(items), {"sample_rate": 16000, "source": {}})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return write(tmp_path / "store", audio_items([[5, 16], [1, 30, 8]]))


def test_rows_of_a_table_come_back(tmp_path: Path) -> None:
    rng, writer = np.random.default_rng(0), StoreWriter(tmp_path / "store", kind="tables", plan="x")
    parts = [rng.normal(size=(n, 3)).astype(np.float32) for n in (4, 5, 2)]
    names = [f"row {n}" for n in range(11)]
    with writer.begin():
        for number, (pieces, first) in enumerate([(parts[:2], 0), (parts[2:], 9)]):
            with writer.shard(number) as shard:
                for piece in pieces:
                    shard.extend(
                        piece, {"path": names[first : first + len(piece)], "target": [float(x) for x in piece[:, 0]]}
                    )
                    first += len(piece)
        store = writer.finish(2, {"source": {}})
    assert (store.every_row() == np.concatenate(parts)).all()
    assert (store.rows(9) == parts[2][:1]).all()
    assert store.column("path") == names
    assert store.column("label") == [None] * 11
    assert store.column("target") == pytest.approx(np.concatenate(parts)[:, 0])


def test_items_come_back(tmp_path: Path) -> None:
    items = audio_items([[5, 16], [1, 30, 8]])
    written = write(tmp_path / "store", items)
    opened = Store.open(tmp_path / "store", kind="audio")
    flat = [rows for shard in items for rows in shard]
    assert len(opened) == len(flat) == 5
    assert opened.lengths.tolist() == [len(rows) for rows in flat]
    for index, rows in enumerate(flat):
        np.testing.assert_array_equal(opened.rows(index), rows)
        np.testing.assert_array_equal(opened.rows(index, 3, 6), rows[3:6])
        np.testing.assert_array_equal(opened.rows(index, 3, 1000), rows[3:])
    assert opened.content_hash == written.content_hash
    assert opened.column("path")[2] == "1/0.wav"
    assert opened.column("group") == [None] * 5
    assert opened.column("rate") == [8000] * 5


def test_rows_are_copies_whatever_is_asked_for(store: Store) -> None:
    whole = store.rows(1)
    whole[:] = 7  # the file is not touched
    assert (store.rows(1) != 7).any()
    for start, stop in ((0, None), (3, 3), (5, 2), (-4, None), (-4, -1), (100, 200), (0, 0)):
        np.testing.assert_array_equal(store.rows(3, start, stop), store.rows(3)[start:stop])


@pytest.mark.parametrize("compiled", [True, False])
def test_gathered_rows_are_those_of_one_item_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: bool
) -> None:
    if not compiled:
        monkeypatch.setattr(file_runs, "_compiled", lambda: None)
    random = np.random.default_rng(0)
    lengths = np.arange(5, 45).reshape(4, 10)
    shards = [[random.random((n, 3), dtype=np.float32) for n in shard] for shard in lengths]
    store = write(tmp_path / "store", shards, kind="points")
    items = random.integers(0, 40, 100)
    starts = random.integers(0, store.lengths[items])
    counts = random.integers(0, store.lengths[items] - starts + 1)
    places = np.cumsum(counts + 2) - counts  # two rows between two runs
    out = np.full((int(places[-1] + counts[-1]) + 1, 3), -1, np.float32)
    store.gather(out, places, items, starts, counts)
    expected = np.full_like(out, -1)
    for place, item, start, count in zip(places, items, starts, counts, strict=True):
        expected[place : place + count] = store.rows(int(item), int(start), int(start + count))
    assert np.array_equal(out, expected)

    none = np.empty(0, np.int64)
    store.gather(out, none, none, none, none)
    one = np.ones(1, np.int64)
    for place, start, count in ((len(out), 0, 1), (-1, 0, 1), (0, -1, 1), (0, 0, 50), (0, 5, 2), (3, 0, -1)):
        with pytest.raises(ValueError, match="run of rows"):
            store.gather(out, place * one, one, start * one, count * one)
    shard = store.path / "shards" / "00003.npy"
    with shard.open("r+b") as file:
        file.truncate(shard.stat().st_size - 12)
    with pytest.raises(DataError, match="cut off"):
        store.gather(out, 0 * one, 39 * one, 0 * one, store.lengths[39] * one)


def test_a_store_of_many_shards_needs_few_open_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "flush", lambda path: None)  # which takes most of the time
    write(tmp_path / "store", [[np.full(3, number, np.int16)] for number in range(300)])
    program = """
import resource, sys
from randquant.data.store import Store
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
store = Store.open(sys.argv[1])
kept = [store.rows(index) for index in range(300)]
assert [rows[0] for rows in kept] == list(range(300))
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "store")], check=True, env=ENVIRONMENT)


def test_a_drafted_shard_is_not_written_until_it_is_placed(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "store", kind="audio", plan="p")
    with writer.begin():
        with writer.draft(0) as shard:
            shard.append([np.ones(3, np.int16)], {"path": "x"}, {"rate": 8000})
        assert not writer.is_written(0)
    with writer.begin(), pytest.raises(FileNotFoundError):
        writer.place(0)  # what a stopped run had drafted is gone
    with writer.begin():
        with writer.draft(0) as shard:
            shard.append([np.ones(3, np.int16)], {"path": "x"}, {"rate": 8000})
        writer.place(0)
        assert writer.is_written(0)
        store = writer.finish(1, {})
    assert (store.rows(0).tolist(), store.column("rate")) == ([1, 1, 1], [8000])


def test_threads_and_forks_read_at_once(tmp_path: Path) -> None:
    store = write(tmp_path / "store", [[np.full(5, number, np.int16)] for number in range(200)])

    def right(seed: int) -> bool:
        order = np.random.default_rng(seed).permutation(200).tolist()
        return all((store.rows(index) == index).all() for index in order)

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(right, range(8)))
    assert not joblib.Parallel(2)(joblib.delayed(_wrong)(store, seed) for seed in range(2)).count(True)


def _wrong(store: Store, seed: int) -> bool:
    order = np.random.default_rng(seed).permutation(200).tolist()
    return any((store.rows(index) != index).any() for index in order)


def test_points(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    items = [[random.random((n, 6), dtype=np.float32) for n in (4, 9)], [random.random((2, 6), dtype=np.float32)]]
    store = write(tmp_path / "store", items, kind="points", cut=4)
    np.testing.assert_array_equal(store.rows(1, 2, 8), items[0][1][2:8])
    np.testing.assert_array_equal(store.rows(2), items[1][0])


def test_shards_are_plain_npy_files(store: Store) -> None:
    shard = np.load(store.path / "shards" / "00001.npy")
    assert shard.dtype == np.int16
    assert shard.shape == (39,)


@pytest.mark.parametrize("shape", [(0,), (7,), (12345678901234,), (3, 6)])
def test_header_is_numpys(shape: tuple[int, ...]) -> None:
    header = io.BytesIO(npy_header(np.dtype("<i2"), shape))
    assert np.lib.format.read_magic(header) == (1, 0)
    assert np.lib.format.read_array_header_1_0(header) == (shape, False, np.dtype("<i2"))
    assert header.tell() == 128


def test_order_of_writing_and_cuts_do_not_matter(tmp_path: Path) -> None:
    items = audio_items([[5, 16], [1, 30, 8], [2]])
    first = write(tmp_path / "a", items)
    second = write(tmp_path / "b", items, order=[2, 0, 1], cut=100)
    names = sorted(p.relative_to(first.path) for p in first.path.rglob("*") if p.is_file())
    assert names == sorted(p.relative_to(second.path) for p in second.path.rglob("*") if p.is_file())
    names.remove(Path("verified.json"))  # which holds times
    assert all((first.path / name).read_bytes() == (second.path / name).read_bytes() for name in names)


def test_content_hash_sees_every_sample_and_every_label(tmp_path: Path) -> None:
    items = audio_items([[5, 16]])
    reference = write(tmp_path / "a", items).content_hash
    items[0][1][3] ^= 1
    assert write(tmp_path / "b", items).content_hash != reference
    items[0][1][3] ^= 1
    assert write(tmp_path / "c", items).content_hash == reference
    moved = [[items[0][0], items[0][1][:15]]]
    assert write(tmp_path / "d", moved).content_hash != reference


def test_select(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "store", kind="audio", plan="")
    with writer.begin(), writer.shard(0) as shard:
        for split in ("train", "test", None, "train"):
            shard.append([np.ones(3, np.int16)], {"path": "x", "split": split})
    store = writer.finish(1, {})
    assert store.select("train").tolist() == [0, 3]
    assert store.select("test").tolist() == [1]
    assert store.select("valid").dtype == np.int64
    assert len(store.select("valid")) == 0
    with pytest.raises(ValueError, match="train, valid, test"):
        store.select("dev")


def test_pickled_store_is_small_and_reads_the_same(tmp_path: Path) -> None:
    store = write(tmp_path / "store", audio_items([[500_000]]), cut=1 << 20)
    expected = store.rows(0).copy()
    pickled = pickle.dumps(store)
    assert len(pickled) < 20_000
    np.testing.assert_array_equal(pickle.loads(pickled).rows(0), expected)


def test_an_item_that_fails_half_way_leaves_no_trace(tmp_path: Path) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield np.full(10, 7, np.int16)
        raise DataError("half of it is missing")

    good = audio_items([[5, 16]])
    clean = write(tmp_path / "clean", good)
    writer = StoreWriter(tmp_path / "store", kind="audio", plan="a plan")
    with writer.begin(), writer.shard(0) as shard:
        for place, rows in enumerate(good[0]):
            columns = {"path": f"0/{place}.wav", "label": f"{place}", "split": "train", "rate": 8000}
            shard.append([rows], columns)
            with pytest.raises(DataError, match="half"):
                shard.append(broken(), {"path": "broken.wav"})
            shard.skip("broken.wav", "half of it is missing")
    store = writer.finish(1, {"sample_rate": 16000, "source": {}})
    assert store.content_hash == clean.content_hash
    assert (store.path / "shards/00000.npy").read_bytes() == (clean.path / "shards/00000.npy").read_bytes()
    assert store.info["skipped"] == [{"path": "broken.wav", "reason": "half of it is missing"}] * 2


def test_a_shard_that_fails_does_not_appear(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "store", kind="audio", plan="")

    def fail() -> None:
        with writer.shard(0) as shard:
            shard.append([np.ones(3, np.int16)], {"path": "x"})
            raise OSError(28, "No space left on device")

    with writer.begin():
        with pytest.raises(OSError, match="No space"):
            fail()
        assert not writer.is_written(0)
        assert list((tmp_path / "store" / "shards").iterdir()) == []


def test_wrong_rows_are_a_type_error(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "store", kind="audio", plan="")
    with writer.begin(), writer.shard(0) as shard:
        with pytest.raises(TypeError, match="1-D int16"):
            shard.append([np.ones(3, np.float32)], {"path": "x"})
        with pytest.raises(DataError, match="no rows"):
            shard.append([], {"path": "x"})
    with pytest.raises(ValueError, match="audio, points"):
        StoreWriter(tmp_path, kind="video", plan="")


def test_taking_up_an_unfinished_store(tmp_path: Path) -> None:
    path = tmp_path / "store"
    writer = StoreWriter(path, kind="audio", plan="a plan")
    with writer.begin(), writer.shard(1) as shard:
        shard.append([np.ones(3, np.int16)], {"path": "x"})
    (path / ".manifest.123.partial.parquet").write_text("left by a killed run")
    (path / "shards" / ".00000.123.partial.npy").write_text("left by a killed run")
    with writer.begin() as complete:
        assert not complete
        assert (writer.is_written(0), writer.is_written(1)) == (False, True)
        assert not [*path.glob(".*"), *path.glob("shards/.*")]
    with pytest.raises(DataError, match="unfinished"):
        Store.open(path)
    with (
        pytest.raises(DataError, match="an unfinished store of other files"),
        StoreWriter(path, kind="audio", plan="another").begin(),
    ):
        pass


def test_a_complete_store_is_kept(store: Store) -> None:
    with StoreWriter(store.path, kind="audio", plan="a plan").begin() as complete:
        assert complete
    with (
        pytest.raises(DataError, match="a complete store of other files"),
        StoreWriter(store.path, kind="audio", plan="another").begin(),
    ):
        pass


def test_other_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("important")
    with pytest.raises(DataError, match="not empty"), StoreWriter(tmp_path, kind="audio", plan="").begin():
        pass
    with (
        pytest.raises(DataError, match="is a file"),
        StoreWriter(tmp_path / "thesis.txt", kind="audio", plan="").begin(),
    ):
        pass
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    writer = StoreWriter(tmp_path / "store", kind="audio", plan="")
    with writer.begin(), pytest.raises(DataError, match="another run"), writer.begin():
        pass
    with writer.begin():
        pass


def test_nothing_left(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "store", kind="audio", plan="")
    with writer.begin():
        with writer.shard(0) as shard:
            shard.skip("a.wav", "a.wav is empty (0 bytes); leave it out.")
        with pytest.raises(DataError, match=r"none of the 1 files could be read \(the first: a.wav is empty"):
            writer.finish(1, {})
    with writer.begin() as complete:  # a fresh start, so that a repaired file is read
        assert not complete
        assert not writer.is_written(0)


def edit(store: Store, **changes: object) -> None:
    info = json.loads((store.path / "store.json").read_text())
    (store.path / "store.json").write_text(json.dumps({**info, **changes}))


def test_what_is_no_store(tmp_path: Path, store: Store) -> None:
    with pytest.raises(DataError, match="there is no store"):
        Store.open(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no store\.json"):
        Store.open(tmp_path)
    with pytest.raises(DataError, match="no store"):
        Store.open(store.path / "manifest.parquet")
    with pytest.raises(DataError, match="holds audio where points"):
        Store.open(store.path, kind="points")
    edit(store, version=VERSION + 1)
    with pytest.raises(DataError, match=f"version {VERSION + 1}, this program reads version {VERSION}"):
        Store.open(store.path)
    edit(store, format="something else")
    with pytest.raises(DataError, match="not a store's description"):
        Store.open(store.path)
    (store.path / "store.json").write_text("{")
    with pytest.raises(DataError, match="JSON"):
        Store.open(store.path)


def test_damaged_stores(tmp_path: Path, store: Store) -> None:
    edit(store, items=99)
    with pytest.raises(DataError, match="5 rows where there are 99 items"):
        Store.open(store.path)
    edit(store, format=FORMAT, items=5)
    shard = store.path / "shards" / "00001.npy"
    shard.write_bytes(shard.read_bytes()[:-2])
    with pytest.raises(DataError, match=r"00001\.npy"):
        Store.open(store.path).rows(4)
    shard.unlink()
    with pytest.raises(DataError, match=r"00001\.npy"):
        Store.open(store.path).rows(4)
    (store.path / "manifest.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"manifest\.parquet"):
        Store.open(store.path)


def change(store: Store, **columns: object) -> None:
    """Write another table, as a store of before, which knows no hash of it."""
    table = pq.read_table(store.path / "manifest.parquet")
    for name, values in columns.items():
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(values) if values is not None else pa.nulls(len(table)))
    pq.write_table(table, store.path / "manifest.parquet")


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ({"offset": [0, 5, 0, 1, 32]}, "offsets and lengths do not fit the 39 rows of shard 1"),
        ({"offset": [0, 4, 0, 1, 31]}, "rows of shard 0"),
        ({"offset": [-1, 5, 0, 1, 31]}, "rows of shard 0"),
        ({"length": [5, 15, 1, 30, 8]}, "rows of shard 0"),
        ({"length": [5, 16, 1, 30, 1 << 62]}, "rows of shard 1"),
        ({"length": [5, 16, 1, 30, 0]}, "items without rows"),
        ({"length": [5, 16, 1, 30, None]}, "where every item lies"),
        ({"length": ["5", "16", "1", "30", "8"]}, "column length is string"),
        ({"offset": [0.0, 5.0, 0.0, 1.0, 31.0]}, "column offset is double"),
        ({"shard": pa.array([0, 0, 1, 1, 2], pa.int32())}, "shards other than the 2"),
        ({"shard": pa.array([0, 0, 1, 1, -1], pa.int32())}, "shards other than the 2"),
        ({"shard": pa.array([0, 0, 1, 1, 0], pa.int32())}, "rows of shard 0"),
        ({"path": [1, 2, 3, 4, 5]}, "column path is int64"),
    ],
)
def test_a_table_that_does_not_fit_the_shards(store: Store, columns: dict[str, object], what: str) -> None:
    known = json.loads((store.path / "store.json").read_text())["manifest_sha256"]
    change(store, **columns)
    with pytest.raises(DataError, match="its SHA-256 is another"):
        Store.open(store.path)
    edit(store, manifest_sha256=None)
    with pytest.raises(DataError, match=what):
        Store.open(store.path)
    assert len(known) == 64


def test_a_table_in_another_order_with_gaps(store: Store) -> None:
    before = [store.rows(number) for number in range(5)]
    table = pq.read_table(store.path / "manifest.parquet").take([4, 1, 0, 3, 2])
    pq.write_table(table, store.path / "manifest.parquet")
    change(store, split=["test", None, "train", None, "train"], label=None)
    edit(store, manifest_sha256=None)
    opened = Store.open(store.path)
    assert all((opened.rows(new) == before[old]).all() for new, old in enumerate([4, 1, 0, 3, 2]))
    assert opened.select("train").tolist() == [2, 4]
    assert opened.select("valid").tolist() == []
    assert opened.column("split") == ["test", None, "train", None, "train"]
    assert opened.column("label") == [None] * 5


def test_texts_are_one_object_across_shards(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "store", kind="audio", plan="p")
    with writer.begin():
        for number, texts in enumerate(("ab", "b-", "ca")):
            with writer.shard(number) as shard:
                for label in (None if text == "-" else text for text in texts):
                    shard.append([np.ones(3, np.int16)], {"path": "x", "label": label})
        store = writer.finish(3, {})
    labels = store.column("label")
    assert labels == ["a", "b", "b", None, "c", "a"]
    assert labels[0] is labels[5]
    assert labels[1] is labels[2]


@pytest.mark.parametrize("dtype", ["<u2", ">i2", "<f2", "<i4"])
def test_a_shard_of_another_dtype_or_shape(store: Store, dtype: str) -> None:
    path = store.path / "shards" / "00000.npy"
    content = path.read_bytes()
    path.write_bytes(npy_header(np.dtype(dtype), (21,)) + content[128:])
    with pytest.raises(DataError, match=r"00000\.npy holds 1-D .* where 1-D int16 was written"):
        Store.open(store.path)
    path.write_bytes(npy_header(np.dtype("<i2"), (3, 7)) + content[128:])
    with pytest.raises(DataError, match="holds 2-D int16 where 1-D"):
        Store.open(store.path)
    path.write_bytes(npy_header(np.dtype("<i2"), (20,)) + content[128:])
    with pytest.raises(DataError, match="has 20 rows where 21"):
        Store.open(store.path)
    for wrong in (content + b"\0\0", content[:-1]):
        path.write_bytes(wrong)
        with pytest.raises(DataError, match="bytes where 170 were written"):
            Store.open(store.path)


@pytest.mark.parametrize(
    "changes",
    [
        {"shards": [{"rows": 21, "sha256": "x"}]},
        {"shards": 7},
        {"shards": [7, 7]},
        {"shards": [{"rows": "21"}] * 2},
        {"items": "5"},
        {"kind": "video"},
        {"kind": None},
        {"content_hash": 3},
    ],
)
def test_a_damaged_description(store: Store, changes: dict[str, object]) -> None:
    edit(store, **changes)
    with pytest.raises(DataError):
        Store.open(store.path)


def zero(store: Store, *, time: bool) -> None:
    path = store.path / "shards" / "00001.npy"
    status = path.stat()
    with open(path, "r+b") as file:
        file.seek(128)
        file.write(bytes(2 * 39))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns) if time else (0, 0))


def test_a_zeroed_shard_is_refused_wherever_it_is_asked_for(store: Store) -> None:
    zero(store, time=False)
    opened = Store.open(store.path)
    assert len(opened.rows(0)) == 5  # another shard's
    with pytest.raises(DataError, match=r"00001\.npy does not hold what was written"):
        opened.rows(2)
    with pytest.raises(DataError, match=r"00001\.npy does not hold what was written"):
        _ = opened.content_hash  # what features are kept by, so that none of before hide the damage


def test_what_left_the_time_as_it_was_is_found_by_hashing_all(store: Store) -> None:
    assert Store.open(store.path).verification.damaged() == []
    zero(store, time=True)
    (found,) = Store.open(store.path).verification.damaged()
    assert "00001.npy does not hold what was written" in found


def test_a_copy_is_hashed_once(store: Store, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(store.path, copy, copy_function=shutil.copyfile)
    for path in (copy / "shards").iterdir():
        os.utime(path, (1, 1))
    opened = Store.open(copy)
    assert opened.verification.known == [False, False]
    opened.rows(0)
    assert opened.verification.known == [True, False]
    assert opened.content_hash == store.content_hash
    assert Store.open(copy).verification.known == [True, True]
    (copy / "verified.json").write_text("[1]")
    assert Store.open(copy).content_hash == store.content_hash


def test_a_shard_that_changes_before_the_store_is_finished(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "store", kind="audio", plan="p")
    with writer.begin():
        with writer.shard(0) as shard:
            shard.append([np.ones(3, np.int16)], {"path": "x"})
        path = tmp_path / "store" / "shards" / "00000.npy"
        path.write_bytes(path.read_bytes()[:-1] + b"\7")
        os.utime(path, (1, 1))
        with pytest.raises(DataError, match="changed while the store was written"):
            writer.finish(1, {})
        assert not writer.is_written(0)
