"""The doctor on whole and damaged copies of the synthetic datasets of shapes."""

import dataclasses
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from randquant.cli.command import run
from randquant.data_prep.datasets.registry import DATASETS
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.examine.doctor import examine
from randquant.data_prep.synthetic.shapes.modelnet import (
    write_modelnet,
    write_modelnet_dat,
    write_modelnet_h5,
    write_modelnet_txt,
)
from randquant.data_prep.synthetic.shapes.scanobjectnn import write_scanobjectnn
from randquant.data_prep.synthetic.shapes.shapenet import write_shapenet55, write_shapenetpart
from randquant.scripts.doctor import COMMANDS, flagged
from randquant.scripts.preparation.checks import check

WRITTEN = {"shapenet": "shapenet55"}
CLOUDS = {"train": 2, "test": 1, "points": 2048}


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One small copy of each dataset; what is to be given as --root."""
    base = tmp_path_factory.mktemp("doctor")
    return {
        "modelnet": write_modelnet(base / "modelnet", train=2, test=2),
        "modelnet-txt": write_modelnet_txt(base / "txt", **CLOUDS),
        "modelnet-h5": write_modelnet_h5(base / "h5", **CLOUDS),
        "modelnet-dat": write_modelnet_dat(base / "dat", **CLOUDS),
        "scanobjectnn": write_scanobjectnn(base / "scanobjectnn", **CLOUDS),
        "shapenet55": write_shapenet55(base / "shapenet55", **CLOUDS),
        "shapenetpart": write_shapenetpart(base / "shapenetpart", train=1, valid=1, test=1, points=50),
    }


@pytest.fixture
def modelnet(originals: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of ModelNet, to be damaged."""
    return Path(shutil.copytree(originals["modelnet"], tmp_path / "ModelNet40"))


def doctor(*arguments: object) -> int:
    return run(COMMANDS, [str(argument) for argument in arguments])


@pytest.mark.parametrize("name", [dataset.name for dataset in DATASETS.values() if dataset.kind == "points"])
def test_every_dataset(name: str, originals: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    root = originals[WRITTEN.get(name, name)]
    found = len(DATASETS[name].plan(root).items)
    published = sum(DATASETS[name].items.values())
    assert doctor(name, "--root", root) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{DATASETS[name].title} at {root}"
    assert [f"{found:,}", f"{published:,}" if published else "-"] in [
        line.split()[1:] for line in lines if line.startswith("  all ")
    ]
    if published:
        assert lines[-1] == f"partial: {found:,} of {published:,} shapes can be used"
    elif DATASETS[name].classes:
        assert lines[-1].startswith(f"partial: {found:,} of {found:,} shapes can be used (")
        assert lines[-1].endswith(f" of {DATASETS[name].classes} classes)")
    else:
        assert lines[-1] == f"whole: {found:,} shapes, all there are in its lists and folders, each read to the end"


def test_modelnets_counts_are_those_of_the_classes_that_are_there(
    modelnet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor("modelnet", "--root", modelnet) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["train", "30", "9,843"] in lines, "none of them is valid before it is prepared"
    assert ["test", "30", "2,468"] in lines
    for folder in modelnet.iterdir():
        if folder.is_dir() and folder.name not in ("bed", "chair", "night_stand", "table"):
            shutil.rmtree(folder)
    assert doctor("modelnet", "--root", modelnet) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["train", "8", "3,991"] in lines
    assert ["test", "8", "908"] in lines


def test_h5_has_three_shapes_less(originals: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor("modelnet-h5", "--root", originals["modelnet-h5"]) == 0
    assert ["train", "30", "9,840"] in [line.split() for line in capsys.readouterr().out.splitlines()]


def test_whole(originals: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    root, dataset = originals["modelnet"], DATASETS["modelnet"]
    plan = dataset.plan(root, validation=0)
    counted = dataclasses.replace(plan, source={**plan.source, "published": {"train": 30, "test": 30}})
    check(dataset, root, lambda: counted)
    assert capsys.readouterr().out.splitlines()[-1] == "whole: 60 shapes, as published, each read to the end"


def test_oddities_are_counted_and_listed(modelnet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    examination = examine(DATASETS["modelnet"], DATASETS["modelnet"].plan(modelnet, validation=0))
    assert set(examination.oddities) == {"merged header", "polygons", "faces without area", "stray vertices"}
    merged = examination.oddities["merged header"]
    assert all((modelnet / name).read_bytes()[3:4].isdigit() for name in merged)
    out = tmp_path / "odd.txt"
    assert doctor("modelnet", "--root", modelnet, "--out", out) == 0
    assert f"merged header: {len(merged)} (counts stuck" in capsys.readouterr().out
    listed = [line.removeprefix("merged header ") for line in out.read_text().splitlines() if "merged" in line]
    assert listed == merged


def test_damage_is_found(modelnet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(modelnet.glob("chair/t*/chair*.off"))
    whole = files[0].read_text()
    files[0].write_text(whole[: len(whole) // 2])
    files[1].write_text("OFF\n8 0 0\n" + "0 0 0\n" * 8)
    files[2].write_bytes(b"")
    files[3].write_text("<!DOCTYPE html>\n<html></html>\n")
    beds = sorted(modelnet.glob("bed/t*/bed*.off"))
    beds[0].write_text("OFF\n3 1 0\nnan 0 0\n1 0 0\n0 1 0\n3 0 1 2\n")
    beds[1].write_text("OFF\n3 1 0\n0 0 0\n1 1 1\n2 2 2\n3 0 1 2\n")
    out = tmp_path / "report.json"
    assert doctor("modelnet", "--root", modelnet, "--out", out) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1] == "partial: 54 of 12,311 shapes can be used (6 unreadable)"
    for words in ("truncated", "no faces", "is empty", "web page", "not finite", "none with an area"):
        assert words in printed, words
    report = json.loads(out.read_text())
    assert len(report["unreadable"]) == 6
    assert set(report["oddities"]) <= {"merged header", "polygons", "faces without area", "stray vertices"}


def test_equal_shapes_are_found_across_splits(
    modelnet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copyfile(modelnet / "cup/train/cup_0001.off", modelnet / "cup/test/cup_0009.off")
    shutil.copyfile(modelnet / "vase/train/vase_0001.off", modelnet / "vase/train/vase_0009.off")
    out = tmp_path / "report.json"
    assert doctor("modelnet", "--root", modelnet, "--out", out) == 0
    printed = capsys.readouterr().out
    assert "there twice: 2, 1 of them across splits" in printed
    assert "cup/test/cup_0009.off = cup/train/cup_0001.off" in printed
    assert "scripts.doctor repeats --store STORE" in printed
    report = json.loads(out.read_text())
    assert report["leaked"] == 1
    assert {"path": "vase/train/vase_0009.off", "of": "vase/train/vase_0001.off"} in report["copies"]


def test_the_variants_of_a_dataset(originals: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor("modelnet-txt", "--root", originals["modelnet-txt"], "--classes", 10) == 0
    assert ["train", "8", "3,991"] in [line.split() for line in capsys.readouterr().out.splitlines()]
    assert doctor("scanobjectnn", "--root", originals["scanobjectnn"], "--variant", "obj_only") == 0
    assert ["train", "16", "-"] in [line.split() for line in capsys.readouterr().out.splitlines()]
    assert doctor("scanobjectnn", "--root", originals["scanobjectnn"], "--variant", "other") == 2


@pytest.mark.parametrize("given", ["chair", "chair/train", ".."])
def test_a_level_off_names_the_right_folder(given: str, modelnet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor("modelnet", "--root", modelnet / given) == 1
    assert f"give --root {modelnet}" in capsys.readouterr().err


def test_processes_find_the_same(modelnet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = DATASETS["modelnet"]
    alone = examine(dataset, dataset.plan(modelnet)).record()
    monkeypatch.setattr("randquant.data_prep.examine.doctor._FEW", {False: 0, True: 0})
    monkeypatch.setattr("randquant.data_prep.examine.doctor._BATCH", 20)
    assert examine(dataset, dataset.plan(modelnet), workers=2).record() == alone


@pytest.fixture(scope="session")
def store(originals: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some classes, a scaled copy of one shape of train among those of test."""
    root = tmp_path_factory.mktemp("repeats") / "ModelNet40"
    for name in ("airplane", "chair", "night_stand"):
        shutil.copytree(originals["modelnet"] / name, root / name)
    lines = (root / "chair/train/chair_0001.off").read_text().splitlines()
    start = 2 if lines[0].strip() == "OFF" else 1
    count = int(lines[start - 1].removeprefix("OFF").split()[0])
    scaled = np.loadtxt(lines[start : start + count]) * 2.54
    rows = [" ".join(f"{value:.6g}" for value in row) for row in scaled]
    text = "\n".join([*lines[:start], *rows, *lines[start + count :]]) + "\n"
    (root / "chair/test/chair_0009.off").write_text(text)
    prepare(DATASETS["modelnet"].plan(root), root.parent / "store", workers=1)
    return root.parent / "store"


def test_near_repeats_are_found_in_a_store(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "repeats.csv"
    assert doctor("repeats", "--store", store, "--out", out) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("  chair/test/chair_0009.off repeats chair/train/chair_0001.off (distance ")
    assert lines[-1] == f"{store}: 1 of 7 shapes of test repeat one of train, 0 of them point by point"
    table = [line.split(",") for line in out.read_text().splitlines()]
    assert table[0] == ["test", "train", "distance", "repeats"]
    assert sum(row[3] == "1" for row in table) == 1
    assert len(table) == 1 + 7


def test_repeats_of_no_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor("repeats", "--store", tmp_path) == 1
    assert "no store" in capsys.readouterr().err


def test_a_store_is_held_against_what_was_written(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(store, copy)
    assert doctor(*flagged(["store", str(copy)])) == 0
    assert capsys.readouterr().out.startswith(f"{copy} is whole: ")
    shard = copy / "shards" / "00000.npy"
    status = shard.stat()
    shard.write_bytes(shard.read_bytes()[:-4] + b"\1\2\3\4")
    os.utime(shard, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert doctor("store", "--store", copy) == 1
    said = capsys.readouterr()
    assert "00000.npy does not hold what was written" in said.out
    assert "1 of 1 shards are damaged" in said.err
