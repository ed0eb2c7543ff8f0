"""Damaged lists of public datasets: a store holds what is in the good tree, or the command ends in one sentence."""

import json
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from randquant.data_prep.synthetic.shapes.hdf5 import write_h5
from randquant.data_prep.synthetic.sounds.noise import write_noise
from tests.campaign.child import Outcome
from tests.campaign.damage import damages, impostors
from tests.campaign.input import Input

Rows = set[tuple[str, str]]  # path and label


def list_inputs(draw: random.Random, each: int) -> Iterator[Input]:
    """`each` damages of every list, and files of other kinds in its place."""
    for name, (write, dataset, listing) in TREES.items():
        good = _content(write, listing)
        for kind, changed in [*impostors(), ("absent", None), *islice(damages(good, draw), each)]:
            make = partial(_damaged, write=write, listing=listing, content=changed)
            words = [dataset, "--root", "{folder}/path", "--out", "{folder}/out", "--workers", "1"]
            words += ["--points", "8"] if dataset in _SHAPES else []
            check = partial(_of_the_tree, write=write)
            yield Input(f"{name}: {kind}", f"list {name}", "prepare", words, refused=False, make=make, check=check)


def _content(write: Callable[[Path], Rows], listing: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        return (Path(folder) / listing).read_bytes()


def _damaged(path: Path, *, write: Callable[[Path], Rows], listing: str, content: bytes | None) -> None:
    path.mkdir()
    write(path)
    (path / listing).unlink()
    if content is not None:
        (path / listing).write_bytes(content)


def _of_the_tree(folder: Path, outcome: Outcome, *, write: Callable[[Path], Rows]) -> str | None:
    """Whether every stored item has the label that its own file has, and none is lost without a word."""
    whole = folder / "again"
    whole.mkdir()
    wanted = write(whole)
    shutil.rmtree(whole)
    rows = pq.read_table(folder / "out" / "manifest.parquet").to_pylist()
    found = {(row["path"], row["label"]) for row in rows}
    skipped = json.loads((folder / "out" / "store.json").read_text())["skipped"]
    odd = sorted(map(str, found - wanted))
    return f"stored {odd[0]}, which is not in the tree ({len(odd)} such, {len(skipped)} skipped)" if odd else None


def _us8k(path: Path) -> Rows:
    rows = ["slice_file_name,fsID,start,end,salience,fold,classID,class"]
    names = ("air_conditioner", "car_horn", "children_playing", "dog_bark", "drilling")
    stored = set()
    for place in range(10):
        label, fold, file = names[place % 5], place + 1, f"{100 + place}-{place % 5}-0-0.wav"
        rows.append(f"{file},{100 + place},0.0,0.5,1,{fold},{place % 5},{label}")
        _noise(path / "audio" / f"fold{fold}" / file)
        stored.add((f"fold{fold}/{file}", label))
    (path / "metadata").mkdir()
    (path / "metadata" / "UrbanSound8K.csv").write_text("\n".join(rows) + "\n")
    return stored | {(f"audio/{file}", label) for file, label in stored}


def _voxceleb1(path: Path) -> Rows:
    names = [f"id1{place % 2:04}/video{place % 3:06}/{place:05}.wav" for place in range(9)]
    for name in names:
        _noise(path / "wav" / name)
    (path / "iden_split.txt").write_text("".join(f"{1 + place % 3} {name}\n" for place, name in enumerate(names)))
    return {(f"{before}{name}", name[:7]) for name in names for before in ("", "wav/")}


def _spcv2(path: Path) -> Rows:
    names = [f"{word}/{speaker:08x}_nohash_0.wav" for word in ("yes", "no") for speaker in range(4)]
    for name in names:
        _noise(path / name)
    (path / "validation_list.txt").write_text("yes/00000001_nohash_0.wav\nno/00000001_nohash_0.wav\n")
    (path / "testing_list.txt").write_text("yes/00000002_nohash_0.wav\nno/00000002_nohash_0.wav\n")
    return {(name, name.split("/")[0]) for name in names}


def _nsynth(path: Path) -> Rows:
    stored = set()
    for number, split in enumerate(("train", "valid", "test")):
        notes = {}
        for family, name in ((0, "bass"), (3, "guitar")):
            note = f"{name}_acoustic_{number:03}-060-100"
            facts = {"instrument": number, "instrument_str": note[:-8], "note_str": note, "pitch": 60}
            notes[note] = {**facts, "instrument_family": family, "instrument_family_str": name, "velocity": 100}
            _noise(path / f"nsynth-{split}" / "audio" / f"{note}.wav")
            stored |= {(f"nsynth-{split}/audio/{note}.wav", name), (f"{split}/{note}.wav", name)}
        (path / f"nsynth-{split}" / "examples.json").write_text(json.dumps(notes, indent=1))
    return stored


def _modelnet_h5(path: Path) -> Rows:
    names = ("bed", "cup", "lamp")
    data = np.random.default_rng(0).normal(size=(3, 2048, 3)).astype("<f4")
    for part in ("train0", "test0"):
        write_h5(path / f"ply_data_{part}.h5", {"data": data, "label": np.arange(3, dtype="u1")[:, None]})
    (path / "shape_names.txt").write_text("\n".join(names) + "\n")
    for split in ("train", "test"):
        (path / f"{split}_files.txt").write_text(f"data/modelnet40_ply_hdf5_2048/ply_data_{split}0.h5\n")
    rows = list(enumerate(names))
    return {(f"ply_data_{part}.h5#{row}-{row + 1}", name) for part in ("train0", "test0") for row, name in rows}


def _noise(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_noise(path, seed=0, name=path.name)


_SHAPES = ("modelnet-h5",)
# By name: what writes a tree, the command, and the list that is damaged.
TREES: dict[str, tuple[Callable[[Path], Rows], str, str]] = {
    "UrbanSound8K.csv": (_us8k, "us8k", "metadata/UrbanSound8K.csv"),
    "iden_split.txt": (_voxceleb1, "voxceleb1", "iden_split.txt"),
    "validation_list.txt": (_spcv2, "spcv2", "validation_list.txt"),
    "testing_list.txt": (_spcv2, "spcv2", "testing_list.txt"),
    "examples.json": (_nsynth, "nsynth", "nsynth-valid/examples.json"),
    "train_files.txt": (_modelnet_h5, "modelnet-h5", "train_files.txt"),
    "ply_data_train0.h5": (_modelnet_h5, "modelnet-h5", "ply_data_train0.h5"),
}
