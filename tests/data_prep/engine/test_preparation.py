"""The store does not depend on workers, interruptions or the place of the files; what cannot be read is told."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from randquant.data.shard import ShardWriter
from randquant.data.store import Store
from randquant.data_prep.engine import cluster as preparation_cluster
from randquant.data_prep.engine import memory_budget, preparation
from randquant.data_prep.engine.cluster import run_on_cluster
from randquant.data_prep.engine.plan import Item, Plan, Reader
from randquant.data_prep.engine.preparation import prepare, read_item
from randquant.data_prep.own_files.folder import plan_folder
from randquant.data_prep.recordings import RECORDINGS
from randquant.errors import DataError, UsageError

ROOT = Path(__file__).parents[3]


def read_numbers(path: Path) -> tuple[Mapping[str, Any], Iterable[NDArray]]:
    """Text of one number a line; a word in it is an unreadable file."""
    try:
        rows = np.array([int(word) for word in path.read_text().split()], np.int16)
    except (ValueError, FileNotFoundError):
        raise DataError(f"{path} holds words; write numbers.") from None
    return {"source_rate": 8000}, [rows]


NUMBERS = Reader("audio", read_numbers, {"sample_rate": 16000})


def write_numbers(root: Path, count: int, bad: Sequence[int] = ()) -> Plan:
    root.mkdir(parents=True)
    for index in range(count):
        text = "word" if index in bad else " ".join(str(index) for _ in range(1 + index % 5))
        (root / f"{index:04d}.txt").write_text(text)
    items = [Item(path.name, path.stat().st_size) for path in sorted(root.iterdir())]
    return Plan(root, items, NUMBERS, {"dataset": "numbers"})


def contents(store: Path) -> dict[str, bytes]:
    """Every file's, but the times when its shards were written."""
    files = [path for path in sorted(store.rglob("*")) if path.is_file() and path.name != "verified.json"]
    return {path.relative_to(store).as_posix(): path.read_bytes() for path in files}


def test_rows_in_the_plans_order(tmp_path: Path) -> None:
    store = prepare(write_numbers(tmp_path / "in", 150), tmp_path / "out")
    assert len(store) == 150
    assert store.column("path") == [f"{index:04d}.txt" for index in range(150)]
    assert [store.rows(index).tolist() for index in (0, 77, 149)] == [[0], [77] * 3, [149] * 5]
    assert store.info["sample_rate"] == 16000
    assert store.info["source"] == {"dataset": "numbers"}
    names = ["manifest.parquet", "shards", "sources.parquet", "store.json", "verified.json"]
    assert sorted(entry.name for entry in store.path.iterdir()) == names
    assert sorted(entry.name for entry in (store.path / "shards").iterdir()) == [f"0000{n}.npy" for n in range(3)]


def plan_of_sizes(sizes: Sequence[int]) -> Plan:
    return Plan(Path(), [Item(f"{index}", size) for index, size in enumerate(sizes)], NUMBERS)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([1] * 130, [64, 64, 2]),
        ([1], [1]),
        ([1 << 30] * 3, [1, 1, 1]),  # long recordings spread over workers
        ([1 << 25] * 5, [2, 2, 1]),
        ([1 << 30, 1, 1], [1, 2]),
        ([1] * 30_000, [64] * 468 + [48]),
        ([1] * 100_000, [196] * 510 + [40]),
        ([1 << 10] * 300_000, [586] * 511 + [554]),
        ([1 << 20] * 64_000, [125] * 512),
    ],
)
def test_shards_cover_the_items_in_order(sizes: list[int], expected: list[int]) -> None:
    plan = plan_of_sizes(sizes)
    shards = plan.shards()
    assert [len(shard) for shard in shards] == expected
    assert [item for shard in shards for item in shard] == plan.items


def test_unreadable_files_are_listed_and_the_rest_is_there(tmp_path: Path) -> None:
    store = prepare(write_numbers(tmp_path / "in", 100, bad=(3, 70)), tmp_path / "out")
    assert len(store) == 98
    assert [entry["path"] for entry in store.info["skipped"]] == ["0003.txt", "0070.txt"]
    assert "holds words" in store.info["skipped"][0]["reason"]
    assert store.rows(69).tolist() == [71, 71]


def test_strict(tmp_path: Path) -> None:
    plan = write_numbers(tmp_path / "in", 100, bad=(70,))
    with pytest.raises(DataError, match=r"0070\.txt holds words"):
        prepare(plan, tmp_path / "out", strict=True)
    assert len(prepare(plan, tmp_path / "out")) == 99
    with pytest.raises(DataError, match=r"earlier run without --strict left 1 unreadable"):
        prepare(plan, tmp_path / "out", strict=True)


def test_nothing_readable_and_nothing_at_all(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none of the 2 files could be read"):
        prepare(write_numbers(tmp_path / "in", 2, bad=(0, 1)), tmp_path / "out")
    (tmp_path / "in" / "0000.txt").write_text("7777")  # as long as before: the plan is the same
    plan = Plan(tmp_path / "in", [Item("0000.txt", 4), Item("0001.txt", 4)], NUMBERS)
    assert prepare(plan, tmp_path / "out").rows(0).tolist() == [7777]
    with pytest.raises(DataError, match="nothing to prepare"):
        prepare(plan_of_sizes([]), tmp_path / "empty")


def test_complete_stores_are_opened_and_others_refused(tmp_path: Path) -> None:
    plan = write_numbers(tmp_path / "in", 5)
    first = prepare(plan, tmp_path / "out")
    before = contents(first.path)
    for path in (tmp_path / "in").iterdir():
        path.unlink()  # nothing is read again
    assert prepare(plan, tmp_path / "out").content_hash == first.content_hash
    assert contents(first.path) == before
    with pytest.raises(DataError, match="choose a new --out, or delete"):
        prepare(plan_of_sizes([1, 2]), tmp_path / "out")
    assert contents(first.path) == before


def test_fingerprint_sees_files_and_settings_but_not_the_place() -> None:
    items = [Item("a", 1, "x", None, "train"), Item("b", 2)]
    reference = Plan(Path("here"), items, NUMBERS).fingerprint()
    assert Plan(Path("there"), items, NUMBERS, {"root": "there"}).fingerprint() == reference
    changed = [
        Plan(Path("here"), items[::-1], NUMBERS),
        Plan(Path("here"), items[:1], NUMBERS),
        Plan(Path("here"), [Item("a", 3, "x", None, "train"), items[1]], NUMBERS),
        Plan(Path("here"), [Item("a", 1, "y", None, "train"), items[1]], NUMBERS),
        Plan(Path("here"), [Item("a", 1, "x", None, "test"), items[1]], NUMBERS),
        Plan(Path("here"), items, Reader("audio", read_numbers, {"sample_rate": 8000})),
    ]
    assert reference not in [plan.fingerprint() for plan in changed]


def test_bad_workers(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--workers"):
        prepare(plan_of_sizes([1]), tmp_path / "out", workers=0)


def test_file_names_that_are_not_utf8(tmp_path: Path) -> None:
    plan = write_numbers(tmp_path / "in", 2)
    try:
        os.rename(tmp_path / "in" / "0000.txt", os.fsencode(tmp_path / "in") + b"/\xff.txt")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    items = [Item(os.fsdecode(b"\xff.txt"), 1), plan.items[1]]
    store = prepare(Plan(plan.root, items, NUMBERS), tmp_path / "out")
    assert store.info["skipped"][0]["path"] == r"\xff.txt"
    assert "not valid UTF-8" in store.info["skipped"][0]["reason"]


def test_disk_full_keeps_finished_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = write_numbers(tmp_path / "in", 200)
    expected = contents(prepare(plan, tmp_path / "expected").path)
    original = ShardWriter._write

    def full(self: ShardWriter, block: NDArray) -> None:
        if block[0] == 130:
            raise OSError(28, "No space left on device")
        original(self, block)

    with monkeypatch.context() as patch:
        patch.setattr(ShardWriter, "_write", full)
        with pytest.raises(OSError, match="No space left"):
            prepare(plan, tmp_path / "out", workers=1)
    kept = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "out" / "shards").iterdir()}
    assert sorted(kept) == ["00000.json", "00000.npy", "00001.json", "00001.npy"]
    prepare(plan, tmp_path / "out", workers=1)
    assert contents(tmp_path / "out") == expected
    assert (tmp_path / "out/shards/00001.npy").stat().st_mtime_ns == kept["00001.npy"]


def test_threads_give_the_same_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = write_numbers(tmp_path / "in", 300, bad=(5, 299))
    expected = contents(prepare(plan, tmp_path / "one", workers=1).path)
    monkeypatch.setattr(preparation, "_SMALL_ITEMS", 0)
    with joblib.parallel_config(backend="threading"):
        assert contents(prepare(plan, tmp_path / "four", workers=4).path) == expected


def test_processes_give_the_same_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    for index in range(130):
        folder = tmp_path / "in" / f"{index % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        samples = 0.1 * random.standard_normal((index + 20, 1 + index % 2))
        soundfile.write(folder / f"{index}.wav", samples, (8000, 16000, 44100)[index % 3])
    (tmp_path / "in" / "1" / "broken.wav").write_text("no sound")
    expected = contents(prepare(plan_folder(tmp_path / "in"), tmp_path / "one", workers=1).path)
    monkeypatch.setattr(preparation, "_SMALL_ITEMS", 0)
    assert contents(prepare(plan_folder(tmp_path / "in"), tmp_path / "two", workers=2).path) == expected
    store = Store.open(tmp_path / "two")
    assert len(store) == 130
    assert set(store.column("source_rate")) == {8000, 16000, 44100}


@pytest.mark.parametrize("bad", [(), (0,)])
def test_what_processes_would_each_compile_is_compiled_here_before(
    bad: Sequence[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, out = write_numbers(tmp_path / "in", 200, bad), tmp_path / "out"
    here: list[str] = []

    def read(path: Path) -> tuple[Mapping[str, Any], Iterable[NDArray]]:
        here.append(path.name)
        return read_numbers(path)

    def in_processes(function: Any, tasks: Any, *_: Any, first: Any, **__: Any) -> Iterator[Any]:
        first()
        assert here == ["0000.txt"]
        yield from (function(*task) for task in tasks)

    monkeypatch.setattr(preparation, "in_processes", in_processes)
    assert len(prepare(replace(plan, reader=replace(NUMBERS, read=read)), out)) == 200 - len(bad)


def test_windows(tmp_path: Path) -> None:
    """Each is that part of the whole, whatever the rate and the format; one beyond the end is skipped."""
    random = np.random.default_rng(0)
    for name, rate, channels in (("a.wav", 16000, 1), ("b.flac", 44100, 2), ("c.wav", 8000, 1)):
        soundfile.write(tmp_path / name, 0.1 * random.standard_normal((3 * rate, channels)), rate)
    whole = prepare(plan_folder(tmp_path), tmp_path / "whole")
    windows = [(0, 16000), (8000, 24000), (31_999, 32_001), (40_000, 48_000), (40_000, 48_001)]
    names = ("a.wav", "b.flac", "c.wav")
    items = [Item(name, 1, "x", name, "train", window) for name in names for window in windows]
    store = prepare(Plan(tmp_path, items, RECORDINGS), tmp_path / "store")
    kept = [(name, window) for name in names for window in windows[:-1]]
    assert store.column("path") == [f"{name}#{start}-{stop}" for name, (start, stop) in kept]
    assert store.column("source_rate") == [rate for rate in (16000, 44100, 8000) for _ in range(4)]
    for index, (name, (start, stop)) in enumerate(kept):
        expected = whole.rows(names.index(name), start, stop).astype(int)
        assert np.abs(store.rows(index) - expected).max() <= (1 if name != "a.wav" else 0)
    assert [entry["path"] for entry in store.info["skipped"]] == [f"{name}#40000-48001" for name in names]
    assert "ends before sample 48001" in store.info["skipped"][0]["reason"]


def test_a_window_makes_another_plan(tmp_path: Path) -> None:
    plans = [
        Plan(tmp_path, [Item("a.wav", 9, window=window)], RECORDINGS).fingerprint()
        for window in (None, (0, 5), (0, 6), (1, 5))
    ]
    assert len(set(plans)) == 4
    with pytest.raises(TypeError, match="read_window"):
        read_item(tmp_path, Item("0.txt", 1, window=(0, 1)), NUMBERS)


def test_strict_refuses_what_is_missing(tmp_path: Path) -> None:
    plan = replace(write_numbers(tmp_path / "in", 3), missing=["9998.txt", "9999.txt"])
    with pytest.raises(DataError, match=r"lacks 2 files that its lists name \(the first: 9998\.txt\).*--strict"):
        prepare(plan, tmp_path / "out", strict=True)
    assert len(prepare(plan, tmp_path / "out")) == 3


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    options = {"processes": False, "protocol": "tcp", "dashboard_address": ":0", "silence_logs": 50}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **options) as cluster:
        yield cluster


def test_a_cluster_gives_the_same_store(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = write_numbers(tmp_path / "in", 300, bad=(5, 299))
    expected = contents(prepare(plan, tmp_path / "local", workers=1).path)
    monkeypatch.chdir(tmp_path)
    here = replace(plan, root=Path("in"))  # relative paths are made absolute for the workers
    assert contents(prepare(here, "cluster", dask=cluster.scheduler_address).path) == expected
    shards = sorted(Path("cluster/shards").iterdir())
    assert len(prepare(here, "cluster", dask="tcp://nobody.invalid:1")) == 298  # complete: nobody is asked
    assert sorted(Path("cluster/shards").iterdir()) == shards


def test_a_cluster_fails_in_one_sentence(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, address = write_numbers(tmp_path / "in", 300, bad=(5, 299)), cluster.scheduler_address
    with pytest.raises(DataError, match=r"in/0(005|299)\.txt holds words"):
        prepare(plan, tmp_path / "strict", strict=True, dask=address)
    monkeypatch.setattr(preparation_cluster, "_SECONDS", 0.5)
    for wrong in ("tcp://127.0.0.1:9", "nonsense://x"):
        with pytest.raises(DataError, match="no Dask scheduler answers at") as caught:
            prepare(plan, tmp_path / "out", dask=wrong)
        assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match=r"worker .* does not see .*absent"):
        list(run_on_cluster(len, [("abc",)], address, folders=(tmp_path / "absent",)))
    assert sorted(run_on_cluster(len, [("abc",), ("",)], address, folders=(tmp_path,))) == [0, 3]
    with pytest.raises(UsageError, match="--workers"):
        prepare(plan, tmp_path / "out", workers=2, dask=address)


def test_a_killed_worker_is_told(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    options = {"processes": True, "dashboard_address": ":0", "silence_logs": 50}
    dask = pytest.importorskip("dask")
    once = dask.config.set({"distributed.scheduler.allowed-failures": 0})
    with once, distributed.LocalCluster(n_workers=1, threads_per_worker=1, **options) as cluster:  # noqa: SIM117
        with pytest.raises(DataError, match="killed again and again"):
            list(run_on_cluster(os._exit, [(1,)], cluster.scheduler_address))


SLOW_RUN = """
import sys, time
from pathlib import Path
from randquant.data_prep.engine.plan import Item, Plan, Reader
from randquant.data_prep.engine.preparation import prepare
import numpy as np

def read(path):
    time.sleep(0.004)
    return {"source_rate": 8000}, [np.array([int(w) for w in path.read_text().split()], np.int16)]

root, out = map(Path, sys.argv[1:])
items = [Item(path.name, path.stat().st_size) for path in sorted(root.iterdir())]
prepare(Plan(root, items, Reader("audio", read, {"sample_rate": 16000}), {"dataset": "numbers"}), out, workers=1)
"""


def test_kill_and_run_again(tmp_path: Path) -> None:
    plan = write_numbers(tmp_path / "in", 500)
    expected = contents(prepare(plan, tmp_path / "expected").path)
    out = tmp_path / "out"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "common")])}
    kept: dict[str, int] = {}
    for shards in (1, 3):
        run = subprocess.Popen(
            [sys.executable, "-c", SLOW_RUN, str(tmp_path / "in"), str(out)], env=environment, cwd=tmp_path
        )
        deadline = time.monotonic() + 60
        while len(list(out.glob("shards/[0-9]*.json"))) < shards and time.monotonic() < deadline:
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
        run.wait()
        assert not Store.exists(out), "killed too late to test anything"
        assert kept.items() <= written(out).items()  # what was there was not written again
        kept = written(out)
    assert len(kept) >= 3
    prepare(plan, out)
    assert kept.items() <= written(out, "npy").items()
    assert contents(out) == expected


def written(store: Path, by: str = "json") -> dict[str, int]:
    """Modification times of the finished shards."""
    return {p.stem: p.with_suffix(".npy").stat().st_mtime_ns for p in store.glob(f"shards/[0-9]*.{by}")}


def read_greedily(path: Path) -> tuple[Mapping[str, Any], Iterable[NDArray]]:
    columns, blocks = read_numbers(path)
    if path.name == "0001.txt":
        return columns, (np.ones(1 << 45, np.int16) for _ in blocks)
    if path.name == "0002.txt":
        return columns, (np.ones(1 << 30, np.int16) for _ in blocks)
    return columns, blocks


def test_a_file_that_needs_too_much_memory_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(memory_budget, "budget", lambda: 64 << 20)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    plan = replace(write_numbers(tmp_path / "in", 5), reader=replace(NUMBERS, read=read_greedily))
    store = prepare(plan, tmp_path / "out")
    assert store.column("path") == ["0000.txt", "0003.txt", "0004.txt"]
    assert [store.rows(index).tolist() for index in range(3)] == [[0], [3] * 4, [4] * 5]
    assert "0001.txt needs more memory than a file may take here (0.1 GiB)" in store.info["skipped"][0]["reason"]
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    with pytest.raises(DataError, match=r"0001\.txt needs more memory"):
        prepare(plan, tmp_path / "strict", strict=True)
