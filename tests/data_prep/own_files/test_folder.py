"""Recordings are found at any depth, in a fixed order, and litter is not."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.notes import plan_notes
from randquant.data_prep.own_files.folder import plan_folder
from randquant.errors import DataError


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"12345")
    return path


def paths(root: Path) -> list[str]:
    return [item.path for item in plan_folder(root).items]


def test_any_depth_sorted_by_path(tmp_path: Path) -> None:
    for name in ("b/x.wav", "a.FLAC", "b/c/d/e.Mp3", "b.ogg", "B/y.opus"):
        touch(tmp_path / name)
    assert paths(tmp_path) == ["B/y.opus", "a.FLAC", "b.ogg", "b/c/d/e.Mp3", "b/x.wav"]
    assert plan_folder(tmp_path).items[0].size == 5


def test_litter_is_passed_over(tmp_path: Path) -> None:
    touch(tmp_path / "x.wav")
    for name in ("._x.wav", ".hidden/y.wav", "__MACOSX/z.wav", "notes.txt", "cover.jpg"):
        touch(tmp_path / name)
    plan = plan_folder(tmp_path)
    assert [item.path for item in plan.items] == ["x.wav"]
    assert plan.source["other_files"] == 2
    assert plan_notes(plan.source) == ["files of other kinds, left out: 2 (1 .jpg, 1 .txt)"]


def test_other_audio_is_planned_so_that_it_is_reported(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", np.zeros(100), 16000)
    (tmp_path / "y.m4a").write_bytes(b"\0\0\0 ftypM4A " + bytes(100))
    (tmp_path / "z.wav").symlink_to(tmp_path / "gone.wav")
    (tmp_path / "zz.wav").symlink_to(tmp_path / "zz.wav")
    store = prepare(plan_folder(tmp_path), tmp_path / "store")
    assert [entry["path"] for entry in store.info["skipped"]] == ["y.m4a", "z.wav", "zz.wav"]
    assert "not audio that FFmpeg can decode" in store.info["skipped"][0]["reason"]
    assert "does not exist" in store.info["skipped"][1]["reason"]
    assert "symbolic links" in store.info["skipped"][2]["reason"]


def test_every_kind_of_recording_is_planned(tmp_path: Path) -> None:
    for name in ("a.wave", "b.snd", "c.voc", "d.APE", "e.m4a", "f.webm", "g.mp4", "h.amr", "i.wv", "j.mid"):
        touch(tmp_path / name)
    touch(tmp_path / "k.xyz")
    touch(tmp_path / "README")
    plan = plan_folder(tmp_path)
    assert len(plan.items) == 10
    assert plan.source["other_kinds"] == {".xyz": 1, "": 1}
    assert plan_notes(plan.source) == ["files of other kinds, left out: 2 (1 without a suffix, 1 .xyz)"]


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere" / "x.wav")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "root")
    assert paths(tmp_path / "root") == ["link/x.wav"]


def test_a_store_inside_the_folder_changes_nothing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", np.zeros(100), 16000)
    first = plan_folder(tmp_path)
    prepare(first, tmp_path / "store")
    assert plan_folder(tmp_path).fingerprint() == first.fingerprint()


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist where a folder is expected"):
        plan_folder(tmp_path / "nowhere")
    with pytest.raises(DataError, match="is a file where a folder is expected"):
        plan_folder(touch(tmp_path / "x.wav"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no recordings among its 0 files"):
        plan_folder(tmp_path / "empty")
