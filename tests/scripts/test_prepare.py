"""The command from end to end: a store and a summary, or one sentence and an exit code."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

import randquant.data_prep.datasets.modelnet
import randquant.scripts.prepare
from randquant.cli.command import run
from randquant.data.shard import ShardWriter
from randquant.data.store import Store
from randquant.data_prep.dataset import Dataset
from randquant.data_prep.datasets.registry import DATASETS
from randquant.data_prep.synthetic.shapes.modelnet import write_modelnet_dat, write_modelnet_h5, write_modelnet_txt
from randquant.data_prep.synthetic.shapes.scanobjectnn import write_scanobjectnn
from randquant.data_prep.synthetic.shapes.shapenet import write_shapenet55, write_shapenetpart
from randquant.data_prep.synthetic.sounds.nsynth import write_nsynth
from randquant.data_prep.synthetic.sounds.speech_commands import write_speech_commands
from randquant.data_prep.synthetic.sounds.us8k import write_us8k
from randquant.data_prep.synthetic.sounds.voxceleb1 import write_voxceleb1
from randquant.data_prep.synthetic.sounds.voxforge import write_voxforge
from randquant.scripts.prepare import COMMANDS
from tests.data_prep.packing import pack

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data"


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    root = tmp_path / "recordings"
    for index, (suffix, rate, channels) in enumerate([("wav", 8000, 1), ("flac", 44100, 2), ("ogg", 22050, 1)]):
        (root / f"{index}").mkdir(parents=True)
        samples = 0.1 * np.random.default_rng(index).standard_normal((rate, channels))
        soundfile.write(root / f"{index}" / f"x.{suffix}", samples, rate)
    return root


def prepare(*arguments: object) -> int:
    return run(COMMANDS, [str(argument) for argument in arguments])


def test_folder(recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (recordings / "broken.wav").write_text("no sound")
    (recordings / "notes.txt").write_text("text")
    out = tmp_path / "store"
    assert prepare("folder", "--root", recordings, "--out", out, "--workers", 1) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{out}: 3 recordings, 0.00 hours, 1 skipped"
    assert lines[1] == "files of other kinds, left out: 1 (1 .txt)"
    assert lines[2].startswith("levels: 0 silent, 0 clipped")
    assert lines[3].startswith(f"skipped broken.wav: {recordings / 'broken.wav'} is not audio")
    store = Store.open(out, kind="audio")
    assert store.column("path") == ["0/x.wav", "1/x.flac", "2/x.ogg"]
    assert store.column("source_rate") == [8000, 44100, 22050]
    assert store.lengths.tolist() == [16000] * 3
    assert store.rows(0).dtype == np.int16
    assert prepare("folder", "--root", recordings, "--out", out) == 0
    assert "complete already; nothing was done" in capsys.readouterr().out


def test_labelled(recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "task.csv"
    table.write_text("path,label,split\n2/x.ogg,cat,train\n0/x.wav,dog,train\n1/x.flac,cat,test\n")
    assert prepare("labelled", "--csv", table, "--root", recordings, "--out", tmp_path / "store") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "label train valid test cat 1 0 1 dog 1 0 0 all 2 0 1" in printed
    store = Store.open(tmp_path / "store")
    assert store.column("label") == ["cat", "dog", "cat"]
    assert store.select("train").tolist() == [0, 1]


def test_synthetic_nsynth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare("synthetic-nsynth", "--out", tmp_path / "in", "--instruments", 1, "--notes_per_instrument", 1) == 0
    assert prepare("nsynth", "--root", tmp_path / "in", "--out", tmp_path / "store") == 0
    assert "31 recordings, 0.03 hours, 0 skipped" in capsys.readouterr().out
    store = Store.open(tmp_path / "store")
    assert [len(store.select(split)) for split in ("train", "valid", "test")] == [11, 10, 10]
    assert prepare("synthetic-nsynth", "--out", tmp_path / "other", "--instruments", 0) == 2


PUBLIC = {
    "nsynth": ("nsynth", "nsynth"),
    "us8k": ("us8k", "us8k"),
    "voxceleb1": ("voxceleb1", "voxceleb1"),
    "voxforge": ("voxforge", "voxforge"),
    "spcv2": ("spcv2", "speech_commands"),
    "spcv2-12": ("spcv2", "speech_commands"),
}


@pytest.fixture(scope="module")
def miniatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every dataset as a tree below `tree`, and as archives below `packed`."""
    folder = tmp_path_factory.mktemp("miniatures")
    sizes = {"train_instruments": 1, "held_out_instruments": 1, "notes_per_instrument": 1}
    write_nsynth(folder / "tree" / "nsynth", **sizes)
    write_us8k(folder / "tree", slices_per_class=1)
    write_voxceleb1(folder / "tree" / "voxceleb1", speakers=4)
    write_voxforge(folder / "tree" / "voxforge", speakers_per_language=2)
    write_speech_commands(folder / "tree" / "spcv2", train_speakers=1, held_out_speakers=1, test_clips=1)
    (folder / "tree" / "UrbanSound8K").rename(folder / "tree" / "us8k")
    for tree, name in set(PUBLIC.values()):
        pack(name, folder / "tree" / tree, folder / "packed" / name)
    return folder


@pytest.mark.parametrize("name", PUBLIC)
def test_trees_and_archives_make_the_same_store(
    name: str, miniatures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree, archives = PUBLIC[name]
    assert prepare(name, "--root", miniatures / "tree" / tree, "--out", tmp_path / "one", "--strict") == 0
    lines = capsys.readouterr().out.splitlines()
    one, dataset = Store.open(tmp_path / "one"), DATASETS[name]
    assert lines[0].endswith(" hours, 0 skipped")
    assert f"{len(one)} of {sum(dataset.items.values()):,} published recordings, " in lines[1]
    assert f" of {dataset.classes:,} classes; splits: {one.info['source']['split_source']}" in lines[1]
    assert lines[2].startswith("not the published numbers (")
    packed = miniatures / "packed" / archives
    assert prepare(name, "--root", packed, "--out", tmp_path / "two") == 0
    assert f"{tmp_path / 'two.unpacked'} holds what was unpacked" in capsys.readouterr().out
    two = Store.open(tmp_path / "two")
    assert two.column("label") == one.column("label")
    assert two.column("split") == one.column("split")
    assert [shard["sha256"] for shard in two.info["shards"]] == [shard["sha256"] for shard in one.info["shards"]]
    shutil.rmtree(tmp_path / "two.unpacked")
    assert prepare(name, "--root", packed, "--out", tmp_path / "two") == 0
    assert "is complete already; nothing was done" in capsys.readouterr().out
    assert not (tmp_path / "two.unpacked").exists()


def test_folds_in_the_summary(miniatures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(miniatures / "tree" / "us8k", tmp_path / "us8k")
    shutil.rmtree(tmp_path / "us8k" / "audio" / "fold4")
    (tmp_path / "us8k" / "audio" / "fold5" / "1-1-1-1.wav").write_bytes(b"x")
    assert prepare("us8k", "--root", tmp_path / "us8k", "--out", tmp_path / "store") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "named by the dataset's lists and not there: 10" in lines
    assert "recordings that no list names, left out: 1" in lines
    assert "parts that are not there: fold4" in lines
    header = next(line.split() for line in lines if line.split()[0] == "label")
    assert header[1:] == [f"fold{number}" for number in (1, 2, 3, 5, 6, 7, 8, 9, 10)]
    assert prepare("us8k", "--root", tmp_path / "us8k", "--out", tmp_path / "strict", "--strict") == 1
    assert "lacks 10 files" in capsys.readouterr().err


def test_options(miniatures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = miniatures / "tree" / "spcv2" / "speech_commands_v0.02"
    assert prepare("spcv2-12", "--root", root, "--out", tmp_path / "store", "--variant", "archive") == 0
    assert "test from testing_list.txt, without _silence_" in capsys.readouterr().out
    store = Store.open(tmp_path / "store")
    assert "_silence_" not in {store.column("label")[index] for index in store.select("test")}
    table = tmp_path / "iden_split.txt"
    shutil.move(miniatures / "tree" / "voxceleb1" / "iden_split.txt", table)
    root = miniatures / "tree" / "voxceleb1"
    assert prepare("voxceleb1", "--root", root, "--out", tmp_path / "vc1") == 1
    assert "--iden_split" in capsys.readouterr().err
    assert prepare("voxceleb1", "--root", root, "--out", tmp_path / "vc1", "--iden_split", table) == 0
    shutil.move(table, root)
    assert (
        prepare("voxforge", "--root", miniatures / "tree" / "voxforge", "--out", tmp_path / "vf", "--split", "evar")
        == 2
    )
    assert "--csv" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["audioset", "fsd50k"])
def test_for_pretraining(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare(f"synthetic-{name}", "--out", tmp_path / "in") == 0
    assert f"scripts.prepare {name} --root {tmp_path / 'in'}" in capsys.readouterr().out
    assert prepare(name, "--root", tmp_path / "in", "--out", tmp_path / "store") == 0
    assert " published recordings; splits: " in capsys.readouterr().out
    assert prepare(name, "--root", tmp_path / "in", "--out", tmp_path / "eval", "--parts", "eval") == 0
    assert len(Store.open(tmp_path / "eval")) == len(Store.open(tmp_path / "eval").select("test")) > 0


def test_bad_archives(miniatures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, out = tmp_path / "root", tmp_path / "store"
    root.mkdir()
    archive = root / "UrbanSound8K.tar.gz"
    whole = (miniatures / "packed" / "us8k" / archive.name).read_bytes()
    for content, words in ((whole[:-1000], "truncated or damaged"), (b"<html>", "a web page (HTML)")):
        archive.write_bytes(content)
        assert prepare("us8k", "--root", root, "--out", out) == 1
        sentence = capsys.readouterr().err.strip()
        assert f"{archive} is {words}" in sentence
        assert "\n" not in sentence
        assert not out.exists()
        assert [entry.name for entry in (tmp_path / "store.unpacked").iterdir()] == []
    archive.write_bytes(whole)
    assert prepare("us8k", "--root", root, "--out", out, "--unpack", tmp_path / "elsewhere") == 0
    assert (tmp_path / "elsewhere" / "UrbanSound8K" / "metadata").is_dir()


def test_download(
    miniatures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def fetch(dataset: Dataset, root: Path) -> None:
        asked.append(dataset.name)
        shutil.copytree(miniatures / "packed" / dataset.name, root, dirs_exist_ok=True)

    monkeypatch.setattr("randquant.data_prep.fetching.download.download", fetch)
    command = ("us8k", "--root", tmp_path / "root", "--out", tmp_path / "store", "--download")
    assert prepare(*command) == 0
    assert len(Store.open(tmp_path / "store")) == 100
    assert prepare(*command) == 0
    shutil.rmtree(tmp_path / "root")
    assert prepare(*command) == 0
    assert asked == ["us8k"]  # once the store is there nothing is needed
    assert prepare("us8k", "--root", miniatures / "tree" / "us8k", "--out", tmp_path / "x", "--download") == 2
    assert "unpacked already" in capsys.readouterr().err


def test_download_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare("voxceleb1", "--root", tmp_path / "root", "--out", tmp_path / "store", "--download") == 2
    printed = capsys.readouterr()
    assert "on request" in printed.out
    assert "VoxCeleb1 cannot be downloaded" in printed.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["folder", "--root", "absent", "--out", "store"], 1, "absent does not exist"),
        (["folder", "--root", "recordings", "--out", "task.csv"], 1, "task.csv is a file"),
        (["folder", "--root", "recordings", "--out", "recordings"], 1, "not empty"),
        (["folder", "--root", "recordings", "--out", "store", "--workers", "0"], 2, "--workers"),
        (["folder", "--root", "recordings", "--out", "store", "--wrokers", "2"], 2, "--workers"),
        (["folder", "--root", "recordings"], 2, "out"),
        (["labelled", "--csv", "task.csv", "--root", "recordings", "--out", "store"], 1, "lacks the column"),
        (["nsynth", "--root", "recordings", "--out", "store"], 1, "nsynth-train"),
        (["us8k", "--root", "recordings", "--out", "store"], 1, "metadata/UrbanSound8K.csv"),
        (["us8k", "--root", "absent", "--out", "store"], 1, "absent does not exist"),
        (["spcv2-12", "--root", "recordings", "--out", "store", "--variant", "tdfs"], 2, "tfds, archive"),
        (["audioset", "--root", "recordings", "--out", "store", "--parts", "test"], 2, "parts"),
        (["folder", "--root", "recordings", "--out", "store", "--dask", "x", "--workers", "2"], 2, "--dask"),
        (["synthetic-us8k", "--out", "us8k", "--seed", "-1"], 2, "--seed"),
        (["folders", "--root", "recordings", "--out", "store"], 2, "folder"),
    ],
)
def test_refusals(
    recordings: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    monkeypatch.chdir(recordings.parent)
    Path("task.csv").write_text("file,class\n")
    assert prepare(*arguments) == code
    sentence = capsys.readouterr().err.strip()
    assert words in sentence
    assert "\n" not in sentence


def test_strict(recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (recordings / "broken.wav").write_text("no sound")
    assert prepare("folder", "--root", recordings, "--out", tmp_path / "store", "--strict") == 1
    assert "broken.wav is not audio" in capsys.readouterr().err
    assert not Store.exists(tmp_path / "store")


def test_disk_full(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(ShardWriter, "_write", full)
        assert prepare("folder", "--root", recordings, "--out", tmp_path / "store") == 1
    assert "no space left" in capsys.readouterr().err.lower()
    assert prepare("folder", "--root", recordings, "--out", tmp_path / "store") == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission(recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    assert prepare("folder", "--root", recordings, "--out", tmp_path / "locked" / "store") == 1
    assert "permission" in capsys.readouterr().err.lower()


def test_as_typed(recordings: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "scripts.prepare", "folder", "--root"]
    command += [str(recordings), "--out", str(tmp_path / "store")]
    environment = {**os.environ, "PYTHONPATH": "common"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "3 recordings" in done.stdout


@pytest.mark.skipif(not REAL.is_dir(), reason="real recordings are not beside this repository")
def test_real_task(tmp_path: Path) -> None:
    table = tmp_path / "task.csv"
    lines = (REAL / "tasks" / "esc10.csv").read_text().splitlines()
    table.write_text("\n".join([lines[0], *lines[1::40]]) + "\n")
    assert prepare("labelled", "--csv", table, "--root", REAL, "--out", tmp_path / "store") == 0
    store = Store.open(tmp_path / "store", kind="audio")
    assert len(store) == 10
    assert all(60_000 < length < 100_000 for length in store.lengths)


# Shapes


def tetrahedron(path: Path, height: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    faces = "3 0 2 1\n3 0 1 3\n3 0 3 2\n3 1 2 3\n"
    path.write_text(f"OFF\n4 4 6\n0 0 0\n1 0 0\n0 1 0\n0 0 {height}\n{faces}")


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    """A ModelNet of two classes, twelve of train and three of test in each."""
    root = tmp_path / "data" / "ModelNet40"
    for label in ("car", "vase"):
        for number in range(1, 16):
            half = "train" if number <= 12 else "test"
            tetrahedron(root / label / half / f"{label}_{number:04d}.off", number)
    return root


def test_modelnet(shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shapes / "car" / "test" / "car_0015.off").write_text("OFF4 4 6\n0 0 0\n")
    out = tmp_path / "store"
    assert prepare("modelnet", "--root", shapes, "--out", out, "--points", 16) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        f"{out}: 29 shapes of 16 points (x y z nx ny nz), 1 skipped",
        "29 of 12,311 published shapes, 2 of 40 classes; splits: folders, valid is 10 % of each class of train",
        "not the published numbers (train 24 of 9,843, test 5 of 2,468); results on this store say so",
    ]
    assert [line.split() for line in lines[3:7]] == [
        ["label", "train", "valid", "test"],
        ["car", "11", "1", "2"],
        ["vase", "11", "1", "3"],
        ["all", "22", "2", "5"],
    ]
    assert lines[7].startswith("skipped car/test/car_0015.off: ")
    assert not any("recording" in line or "hours" in line for line in lines)
    assert prepare("modelnet", "--root", shapes, "--out", out, "--points", 16) == 0
    assert "complete already" in capsys.readouterr().out
    assert prepare("modelnet", "--root", shapes, "--out", out, "--points", 8) == 1
    assert "choose a new --out" in capsys.readouterr().err
    assert prepare("modelnet", "--root", shapes, "--out", tmp_path / "none", "--validation", 0, "--points", 8) == 0
    assert len(Store.open(tmp_path / "none").select("valid")) == 0
    assert prepare("modelnet", "--root", shapes, "--out", tmp_path / "s", "--strict", "--points", 8) == 1
    for flag, value in (("--points", 0), ("--validation", 1), ("--up", "w"), ("--sampling", "even")):
        assert prepare("modelnet", "--root", shapes, "--out", tmp_path / "t", flag, value) == 2


def test_a_whole_modelnet_is_as_published(
    shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The validation split is a part of what was published as train."""
    monkeypatch.setitem(randquant.data_prep.datasets.modelnet.PUBLISHED, 40, {"train": 24, "test": 6})
    assert prepare("modelnet", "--root", shapes, "--out", tmp_path / "store", "--points", 8) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("30 of 30 published shapes, 2 of 40 classes")
    assert lines[2].split() == ["label", "train", "valid", "test"]


def test_modelnet_in_an_archive(shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare("modelnet", "--root", shapes, "--out", tmp_path / "one", "--points", 8) == 0
    packed = tmp_path / "packed"
    packed.mkdir()
    shutil.make_archive(str(packed / "ModelNet40"), "zip", shapes.parent)
    assert prepare("modelnet", "--root", packed, "--out", tmp_path / "two", "--points", 8) == 0
    one, two = Store.open(tmp_path / "one"), Store.open(tmp_path / "two")
    assert one.content_hash == two.content_hash
    wrapped = tmp_path / "wrapped" / "archive"
    shutil.copytree(shapes, wrapped / shapes.name)
    (tmp_path / "kaggle").mkdir()
    shutil.make_archive(str(tmp_path / "kaggle" / "archive"), "zip", wrapped.parent)
    assert prepare("modelnet", "--root", tmp_path / "kaggle", "--out", tmp_path / "five", "--points", 8) == 0
    assert Store.open(tmp_path / "five").content_hash == one.content_hash
    shutil.copy(packed / "ModelNet40.zip", packed / "ModelNet10.zip")
    assert prepare("modelnet", "--root", packed, "--out", tmp_path / "three", "--points", 8) == 2
    assert "ModelNet40.zip and ModelNet10.zip; keep one" in capsys.readouterr().err
    assert prepare("modelnet", "--root", tmp_path / "new", "--out", tmp_path / "four", "--download") == 2
    streams = capsys.readouterr()
    assert "http://modelnet.cs.princeton.edu/ModelNet40.zip" in streams.out
    assert "cannot be downloaded" in streams.err


def test_meshes(shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shapes / "notes.txt").write_text("none of ours")
    assert prepare("meshes", "--root", shapes, "--out", tmp_path / "store", "--points", 8, "--up", "y") == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path / 'store'}: 30 shapes of 8 points (x y z nx ny nz), 0 skipped",
        "files of other kinds, left out: 1 (1 .txt)",
    ]
    assert Store.open(tmp_path / "store").info["file_up"] == "y"


def test_what_is_odd_in_meshes_closes_the_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases, root, out = (
        Path(__file__).parents[1] / "data_prep" / "cases" / "points",
        tmp_path / "meshes",
        tmp_path / "store",
    )
    root.mkdir()
    for name in ("star.obj", "l_shape.obj", "bin_count0.stl", "plain.gltf", "draco_half.gltf"):
        shutil.copy(cases / name, root)
    assert prepare("meshes", "--root", root, "--out", out, "--points", 8) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{out}: 4 shapes of 8 points (x y z nx ny nz), 1 skipped",
        "up in the files: y in glTF, z in others; --up X says that it is another axis in all of them",
        "2 shapes: 2 polygons that are not convex, cut into triangles by their ears",
        "1 shape: a binary STL file whose count of facets is wrong, read by its size",
        f"skipped draco_half.gltf: {root / 'draco_half.gltf'} requires KHR_draco_mesh_compression, which is not read; "
        "export it without.",
    ]
    store = Store.open(out)
    assert store.info["file_up"] == "by format"
    assert store.column("ear_polygons") == [None, 1, None, 1]


def test_own_clouds_and_labels(shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both kinds of shapes take a table, and all options reach the plan."""
    for number, rows in enumerate(np.random.default_rng(0).normal(size=(4, 20, 3))):
        np.save(shapes / f"{number}.npy", np.concatenate([rows, np.eye(3)[rows.argmax(axis=1)]], axis=1))
    flags = ["--root", shapes, "--points", 8, "--up", "y"]
    assert prepare("clouds", *flags, "--out", tmp_path / "clouds", "--normals") == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path / 'clouds'}: 4 shapes of 8 points (x y z nx ny nz), 0 skipped",
        "files of other kinds, left out: 30 (30 .off)",
    ]
    meshes = sorted(path.relative_to(shapes).as_posix() for path in shapes.rglob("*.off"))[:2]
    for name, paths in (("meshes", meshes), ("clouds", ["0.npy", "3.npy"])):
        rows = [f"{path},cup,,{split}" for path, split in zip(paths, ("train", "test"), strict=True)]
        (tmp_path / "task.csv").write_text("\n".join(["path,label,group,split", *rows]))
        assert prepare(name, *flags, "--out", tmp_path / "task", "--csv", tmp_path / "task.csv") == 0
        store = Store.open(tmp_path / "task")
        assert (store.column("path"), store.column("split")) == (paths, ["train", "test"])
        assert store.info["file_up"] == "y"
        shutil.rmtree(tmp_path / "task")
    assert prepare("clouds", "--root", tmp_path / "nowhere", "--out", tmp_path / "other") == 1
    assert "check --root" in capsys.readouterr().err


CLOUDS: dict[str, tuple[Callable[..., Path], dict[str, int], str]] = {
    "modelnet-txt": (write_modelnet_txt, {"train": 2, "test": 1, "points": 40}, "--no_normals"),
    "modelnet-h5": (write_modelnet_h5, {"train": 2, "test": 1, "points": 40}, "--normals"),
    "modelnet-dat": (write_modelnet_dat, {"train": 2, "test": 1, "points": 40}, "--no_normals"),
    "scanobjectnn": (write_scanobjectnn, {"train": 2, "test": 1, "points": 40}, "--variant=obj_bg"),
    "shapenet": (write_shapenet55, {"train": 1, "test": 1, "points": 40}, "--up=y"),
    "shapenetpart": (write_shapenetpart, {"train": 1, "valid": 1, "test": 1, "points": 40}, "--no_normals"),
}


@pytest.mark.parametrize("name", CLOUDS)
def test_clouds(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every option of a command reaches its plan."""
    write, sizes, flag = CLOUDS[name]
    root = write(tmp_path / "data", **sizes)
    assert prepare(name, "--root", root, "--out", tmp_path / "store", "--points", 24, "--strict", flag) == 0
    store = Store.open(tmp_path / "store")
    assert capsys.readouterr().out.startswith(
        f"{store.path}: {len(store)} shapes of 24 points ({' '.join(store.info['channels'])}), 0 skipped"
    )
    assert ("nx" in store.info["channels"]) == (flag == "--normals")
    assert store.info["points"] == 24
    assert prepare(name, "--root", tmp_path, "--out", tmp_path / "other") == 1
    assert "is not the root of" in capsys.readouterr().err


def test_points_of_many_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_shapenetpart(tmp_path / "data", train=1, valid=1, test=1, points=40)
    assert prepare("shapenetpart", "--root", root, "--out", tmp_path / "store") == 0
    lengths = Store.open(tmp_path / "store").lengths
    assert f"18 shapes of {lengths.min()} to {lengths.max()} points (x y z nx ny nz part)" in capsys.readouterr().out


def test_synthetic_shapes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare("synthetic-shapenetpart", "--out", tmp_path / "in") == 0
    assert "prepare it with python -m scripts.prepare shapenetpart --root" in capsys.readouterr().out
    assert prepare("synthetic-shapenetpart", "--out", tmp_path / "in", "--seed", -1) == 2


def test_made_up_shapes_need_no_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = ("made-up-shapes", "--out", tmp_path / "store", "--shapes", 3, "--points", 32, "--workers", 1)
    assert prepare(*typed) == 0
    assert "3 shapes of 32 points (x y z nx ny nz), 0 skipped" in capsys.readouterr().out
    assert prepare(*typed) == 0
    assert "is complete already" in capsys.readouterr().out
    assert prepare(*typed, "--seed", 1) == 1
    assert "its seed is 0, not 1" in capsys.readouterr().err
    assert prepare("made-up-shapes", "--out", tmp_path / "none", "--shapes", 0) == 2
