"""Bytes, or a sentence."""

from collections.abc import Callable
from pathlib import Path

import pytest

from randquant.data_prep.engine.plan import Plan
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.engine.read_ahead import read_ahead
from randquant.data_prep.formats.clouds.cloud_file import CLOUDS
from randquant.data_prep.formats.meshes.mesh_file import MESHES
from randquant.data_prep.formats.whole_file import read_bytes, stand_in
from randquant.data_prep.own_files.clouds import plan_clouds
from randquant.data_prep.own_files.meshes import plan_meshes
from randquant.errors import DataError


def test_bytes_or_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\0\1")
    assert read_bytes(tmp_path / "a") == b"\0\1"
    with pytest.raises(DataError, match=r"b cannot be read \(No such file or directory\); check the path"):
        read_bytes(tmp_path / "b")
    with pytest.raises(DataError, match="embedded null byte"):
        read_bytes(tmp_path / "a\0b")
    with pytest.raises(DataError, match="Is a directory"):
        read_bytes(tmp_path)


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n"


def test_what_stands_in_for_a_file_is_named(tmp_path: Path) -> None:
    for name, content, words in (("a.off", LFS, "run git lfs pull"), ("b.npy", b"\n<!DOCTYPE HTML>", "web page")):
        (tmp_path / name).write_bytes(content)
        assert words in (stand_in(tmp_path / name) or "")
    with pytest.raises(DataError, match=r"a\.off is a Git LFS pointer"):
        read_bytes(tmp_path / "a.off")
    (tmp_path / "c").write_bytes(b"OFF")
    assert stand_in(tmp_path / "c") is None
    assert stand_in(tmp_path / "absent") is None


@pytest.mark.parametrize("plan", [plan_meshes, plan_clouds], ids=["meshes", "clouds"])
def test_every_reader_says_so(plan: Callable[..., Plan], tmp_path: Path) -> None:
    for suffix in MESHES if plan is plan_meshes else CLOUDS:
        (tmp_path / f"a{suffix}").write_bytes(LFS)
    outcomes = list(read_ahead(plan(tmp_path)))
    assert len(outcomes) > 3
    assert all("run git lfs pull" in str(outcome) for outcome in outcomes)
    with pytest.raises(DataError, match="run git lfs pull"):
        prepare(plan(tmp_path), tmp_path / "store")
