"""Whole or absent, whatever happens in between."""

import os
import subprocess
from pathlib import Path

import pytest

from randquant.errors import DataError
from randquant.files import atomic
from randquant.files.atomic import atomic_path, read_json, write_json


def test_a_failure_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "sub" / "numbers.json"
    write_json(target, {"a": 1})
    with pytest.raises(ZeroDivisionError):
        _fail_halfway(target)
    assert read_json(target) == {"a": 1}
    assert [entry.name for entry in target.parent.iterdir()] == ["numbers.json"]


def _fail_halfway(target: Path) -> None:
    with atomic_path(target) as temporary:
        temporary.write_text("half of")
        raise ZeroDivisionError


def test_folders_appear_whole_too(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "folder") as temporary:
        temporary.mkdir()
        (temporary / "file").write_text("x")
        assert not (tmp_path / "folder").exists()
    assert (tmp_path / "folder" / "file").read_text() == "x"


@pytest.mark.parametrize("content", ["", "{", "[1]", "\ud800"])
def test_what_is_no_json_object_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(DataError, match=r"broken\.json"):
        read_json(path)
    with pytest.raises(DataError, match="does not exist"):
        read_json(tmp_path / "nowhere.json")


def test_nan_is_not_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    here, there = atomic._HOST, "0" * 8
    dead = f".a.{ended.pid}-{here}.partial.json"
    (tmp_path / dead).write_text("half")
    (tmp_path / f".b.{ended.pid}-{here}.partial").mkdir()
    old = tmp_path / f".c.{ended.pid}-{there}.partial.npy"
    old.write_text("another machine's, of long ago")
    os.utime(old, (0, 0))
    kept = {f".a.{os.getpid()}-{here}.partial.json", f".a.{ended.pid}-{there}.partial.json", ".hidden", "x.partial"}
    for name in kept:
        (tmp_path / name).write_text("somebody's")
    write_json(tmp_path / "b.json", {})
    assert {entry.name for entry in tmp_path.iterdir()} == {*kept, "b.json"}
