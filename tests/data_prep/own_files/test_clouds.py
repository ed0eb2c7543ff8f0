"""A folder of clouds of any format, with and without labels."""

from pathlib import Path

import numpy as np
import pytest

from randquant.cli.command import run
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.own_files.clouds import plan_clouds
from randquant.data_prep.shapes import finished
from randquant.errors import DataError, UsageError
from randquant.scripts.prepare import COMMANDS
from tests.data_prep.formats.clouds.test_cloud_file import BOTH, POINTS, write


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "clouds"
    (root / "deep" / "er").mkdir(parents=True)
    write(root / "a.ply")
    write(root / "deep" / "B.NPY")
    write(root / "deep" / "er" / "c.pcd")
    np.save(root / "few.npy", BOTH[:10])
    np.save(root / "gaps.npy", np.where(np.arange(50)[:, None] % 5 == 0, np.nan, BOTH))
    (root / "scan.dwg").write_bytes(b"none of ours")
    (root / "._a.ply").write_bytes(b"litter")
    return root


@pytest.mark.parametrize("normals", [False, True])
def test_every_cloud(tree: Path, normals: bool, tmp_path: Path) -> None:
    plan = plan_clouds(tree, points=32, normals=normals, up="y")
    assert [item.path for item in plan.items] == ["a.ply", "deep/B.NPY", "deep/er/c.pcd", "few.npy", "gaps.npy"]
    assert plan.source["other_files"] == 1
    store = prepare(plan, tmp_path / "store")
    assert store.info["channels"] == ["x", "y", "z", "nx", "ny", "nz"][: 6 if normals else 3]
    assert not store.info["skipped"]
    assert store.lengths.tolist() == [32, 32, 32, 10, 32]
    assert store.column("short_clouds") == [None, None, None, 1, None]
    assert store.column("file_points") == [50, 50, 50, 10, 50]
    assert store.column("missing_points") == [0, 0, 0, 0, 10]
    assert np.allclose(store.rows(0), store.rows(1), atol=1e-6)
    assert np.allclose(store.rows(0), store.rows(2), atol=1e-6)
    expected = finished(POINTS, up="y", normals=BOTH[:, 3:] if normals else None, count=32)
    assert np.allclose(store.rows(0), expected, atol=1e-6)


def test_settings_make_another_plan(tree: Path) -> None:
    plans = [
        plan_clouds(tree),
        plan_clouds(tree, points=16),
        plan_clouds(tree, up="y"),
        plan_clouds(tree, normals=True),
    ]
    assert len({plan.fingerprint() for plan in plans}) == len(plans)


def test_every_point_of_clouds_of_any_size(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tree / "one.npy", BOTH[:1])
    np.save(tree / "none.npy", BOTH[:0])
    monkeypatch.setattr("randquant.data_prep.shapes.ORDERED", 40)
    plan = plan_clouds(tree, points="any")
    store = prepare(plan, tmp_path / "store")
    assert store.info["points"] is None
    assert store.lengths.tolist() == [50, 50, 50, 10, 40]
    reasons = {entry["path"]: entry["reason"] for entry in store.info["skipped"]}
    assert reasons.keys() == {"none.npy", "one.npy"}
    assert "there are no points" in reasons["none.npy"]
    assert "all points lie in one place" in reasons["one.npy"]
    whole = finished(POINTS, up="z", count=50)
    assert np.array_equal(store.rows(0, 0, 40), whole[:40])  # the farthest first, then the others
    assert sorted(store.rows(0).tolist()) == sorted(whole.tolist())
    assert plan.fingerprint() != plan_clouds(tree).fingerprint()


def test_labels_of_a_table(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "task.csv").write_text("path,label,group,split\ndeep/B.NPY,cup,,train\na.ply,cup,g,test\n")
    store = prepare(plan_clouds(tree, csv=tmp_path / "task.csv", points=16), tmp_path / "store", strict=True)
    assert [store.column(name) for name in ("path", "label", "group", "split")] == [
        ["deep/B.NPY", "a.ply"],
        ["cup", "cup"],
        [None, "g"],
        ["train", "test"],
    ]
    assert store.info["kind"] == "points"


def test_what_was_left_out_is_said_at_the_end(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savetxt(tree / "zeros.xyz", np.where(np.arange(60)[:, None] < 10, 0, np.resize(POINTS, (60, 3))))
    command = ["clouds", "--root", str(tree), "--points", "32", "--out", str(tmp_path / "store"), "--workers", "1"]
    assert run(COMMANDS, command) == 0
    said = capsys.readouterr().out
    assert "1 shape: 10 rows without a point (not a number, infinite), left out" in said
    assert "1 shape: 10 rows of zeros in place of a point, left out" in said


def test_refusals(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--points"):
        plan_clouds(tree, points=0)
    with pytest.raises(DataError, match="does not exist"):
        plan_clouds(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.off").write_text("x")
    with pytest.raises(DataError, match=r"holds no clouds among its 1 files; give one with \.npy"):
        plan_clouds(tmp_path / "empty")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (np.full((40, 3), 2.0), "all points lie in one place"),
        (np.where(np.eye(40, 3) > 0, np.inf, 1.0), "all points lie in one place"),
        (np.where(np.arange(40)[:, None] % 5 + [0, 1, 1] > 0, 1.0, np.inf), "8 rows of 40 with one coordinate"),
        (np.full((40, 3), np.nan), "no points"),
        (np.zeros((0, 3)), "no points"),
        (np.zeros((1, 3)), "all points lie in one place"),
    ],
)
def test_unusable_clouds(rows: np.ndarray, words: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", rows)
    write(tmp_path / "b.npy")
    store = prepare(plan_clouds(tmp_path, points=32), tmp_path / "store")
    assert words in store.info["skipped"][0]["reason"]
    assert "a.npy" in store.info["skipped"][0]["reason"]
