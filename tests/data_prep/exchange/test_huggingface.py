"""Hugging Face datasets by pyarrow alone: splits, classes, sounds to the bits of the files, damage and odd layouts."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from randquant.audio.samples import read_samples
from randquant.data.store import Store
from randquant.data_prep.engine.plan import Item
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.exchange.hf_files import shards_below
from randquant.data_prep.exchange.huggingface import plan_hf
from randquant.data_prep.exchange.splits import Splitting
from randquant.data_prep.synthetic.exchange import WORDS
from randquant.data_prep.synthetic.small import small_hf
from randquant.data_prep.synthetic.sounds.noise import noise_file
from randquant.errors import DataError, UsageError


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_hf(tmp_path_factory.mktemp("hf") / "hub")


@pytest.fixture(scope="module")
def store(hub: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return prepare(plan_hf(hub, group="speaker"), tmp_path_factory.mktemp("hf") / "store")


def test_samples_are_those_of_the_files(hub: Path, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "sound.flac"
    for row in (0, 20, len(store) - 1):
        name, _, window = store.column("path")[row].partition("#")
        held = pq.read_table(hub / name).column("audio")[int(window.split("-")[0])].as_py()
        path.write_bytes(held["bytes"])
        assert np.array_equal(store.rows(row).reshape(-1), read_samples(path)[0])
        assert store.column("file")[row] == held["path"]


def test_splits_classes_and_card_are_the_datasets(store: Store) -> None:
    splits, labels = store.column("split"), store.column("label")
    assert set(labels) == set(WORDS)
    groups = zip(store.column("group"), splits, strict=True)
    assert {group for group, split in groups if split == "test"} == {"s4", "s5"}
    assert (splits.count("test"), splits.count("train") + splits.count("valid")) == (16, 32)
    assert store.info["source"]["license"] == "mit"
    assert store.info["skipped"] == []


def test_a_saved_folder_gives_the_same_items(hub: Path, tmp_path: Path) -> None:
    disk = plan_hf(small_hf(tmp_path / "disk", layout="disk"))
    assert sorted((i.label or "", i.split or "") for i in disk.items) == sorted(
        (i.label or "", i.split or "") for i in plan_hf(hub).items
    )
    assert disk.source["dataset_name"] == "words"


@pytest.mark.parametrize(
    ("name", "split", "config"),
    [
        ("data/train-00000-of-00002.parquet", "train", "default"),
        ("data/train.clean.100-00001-of-00004-0123456789abcdef.parquet", "train.clean.100", "default"),
        ("plain_text/test-00000-of-00001.parquet", "test", "plain_text"),
        ("plain_text/validation/0000.parquet", "validation", "plain_text"),
        ("words-train.arrow", "train", "default"),
        ("part-0.parquet", None, "default"),
    ],
)
def test_places_say_split_and_configuration(name: str, split: str | None, config: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
    (shard,) = shards_below(tmp_path)
    assert (shard.split, shard.config) == (split, config)


def test_damage_is_told(hub: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    held = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows: list[Any] = [
        {"bytes": noise_file(seed=0, name="a"), "path": None},
        None,
        {"bytes": None, "path": "/etc/passwd"},
    ]
    rows += [{"bytes": b"RIFF", "path": "cut.wav"}]
    pq.write_table(pa.table({"sound": pa.array(rows, held), "word": list("abcd")}), folder / "train-0.parquet")
    (folder / "train-1.parquet").write_bytes((folder / "train-0.parquet").read_bytes()[:-9])
    plan = plan_hf(tmp_path, label="word", validation=0, test=0)
    assert any("train-1.parquet is damaged" in remark for remark in plan.source["remarks"])
    store = prepare(plan, tmp_path / "store")
    reasons = " ".join(entry["reason"] for entry in store.info["skipped"])
    assert len(store) == 1
    assert all(part in reasons for part in ("holds nothing", "names a file elsewhere", "cut.wav"))
    with pytest.raises(UsageError, match=r"--label wrd is no column .did you mean word"):
        plan_hf(tmp_path, label="wrd")


def test_what_a_dataset_lacks_is_told_and_strict_stops(hub: Path, tmp_path: Path) -> None:
    (table,) = sorted((hub / "data").glob("test-*.parquet"))
    folder = tmp_path / "shards" / "data"
    folder.mkdir(parents=True)
    for name in ("train-00000-of-00003", "train-00002-of-00003"):
        (folder / f"{name}.parquet").write_bytes(table.read_bytes())
    plan = plan_hf(tmp_path / "shards", validation=0, test=0)
    assert plan.missing == ["data/train-00001-of-00003.parquet"]
    with pytest.raises(DataError, match="00001-of-00003"):
        prepare(plan, tmp_path / "store", strict=True)
    (folder / "train-00002-of-00003.parquet").write_bytes(table.read_bytes()[:-9])
    plan = plan_hf(tmp_path / "shards", validation=0, test=0)
    with pytest.raises(DataError, match=r"00002-of-00003\.parquet is damaged"):
        prepare(dataclasses.replace(plan, missing=()), tmp_path / "store", strict=True)


def test_a_stream_cut_between_two_batches_is_damaged(tmp_path: Path) -> None:
    held = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    sound = {"bytes": noise_file(seed=0, name="a"), "path": None}
    path = tmp_path / "words-train.arrow"
    with pa.ipc.new_stream(path, pa.schema([("audio", held)])) as stream:
        for _ in range(2):
            stream.write_batch(pa.record_batch([pa.array([sound], held)], ["audio"]))
    whole = path.read_bytes()
    assert len(plan_hf(tmp_path, validation=0, test=0).items) == 2
    path.write_bytes(whole[:-8])  # without the mark of its end, as where the writer was stopped
    with pytest.raises(DataError, match="the mark of its end is not there"):
        plan_hf(tmp_path)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ('{"file_name": "a.wav"}\n\n{"word": "yes"}\n', "row 2 has no file_name"),
        ('{"file_name": "a.wav"}\n{"file_name": \n', "metadata.jsonl line 2"),
    ],
)
def test_rows_of_a_folder_that_name_no_file(rows: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(noise_file(seed=0, name="a"))
    (tmp_path / "metadata.jsonl").write_text(rows)
    with pytest.raises(DataError, match=said):
        plan_hf(tmp_path)


def test_a_file_named_twice_counts_once_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(noise_file(seed=0, name="a"))
    (tmp_path / "metadata.jsonl").write_text(
        '{"file_name": "a.wav", "word": "no"}\n{"file_name": "a.wav", "word": "yes"}'
    )
    plan = plan_hf(tmp_path, label="word", validation=0, test=0)
    assert [item.label for item in plan.items] == ["yes"]
    assert any("name a file again" in remark for remark in plan.source["remarks"])


def test_folders_of_sounds(tmp_path: Path) -> None:
    for split, name in (("train", "a"), ("train", "b"), ("test", "c")):
        path = tmp_path / split / f"{name}.wav"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(noise_file(seed=0, name=name))
    rows = [{"file_name": "a.wav", "word": "yes"}, {"file_name": "b.wav", "word": "no"}, {"file_name": "x.wav"}]
    (tmp_path / "train" / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "test" / "metadata.csv").write_text("file_name,word\nc.wav,yes\n")
    plan = plan_hf(tmp_path, label="word", validation=0)
    assert [(i.path, i.label, i.split) for i in plan.items] == [
        ("test/c.wav", "yes", "test"),
        ("train/a.wav", "yes", "train"),
        ("train/b.wav", "no", "train"),
    ]
    assert plan.missing == ["train/x.wav"]


def test_splits_by_other_names() -> None:
    names = [(split, n) for split in ("train.100", "dev", "odd") for n in range(8)]
    items = [Item(f"{split}{n}", 1, "ab"[n % 2], None, split) for split, n in names]
    placed, told = Splitting().placed(items)
    assert [item.split for item in placed] == ["train"] * 8 + ["valid"] * 8 + [None] * 8
    assert any("odd: 8" in remark for remark in told["remarks"])
    placed, _ = Splitting(["test=odd", "train.100"], validation=0).placed(items)
    assert [item.split for item in placed] == ["train"] * 8 + ["test"] * 8
    with pytest.raises(UsageError, match="--split new names no split"):
        Splitting(["new"]).placed(items)


def test_nothing_to_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds none of Parquet files"):
        plan_hf(tmp_path)
    pq.write_table(pa.table({"x": [1.0], "y": [2]}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="prepare table --parquet"):
        plan_hf(tmp_path)


def test_files_of_the_real_package(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = {"audio": [{"bytes": noise_file(seed=0, name=str(n)), "path": f"{n}.wav"} for n in range(6)]}
    made = datasets.Dataset.from_dict({**rows, "label": [n % 2 for n in range(6)]})
    features = datasets.Features({"audio": datasets.Audio(), "label": datasets.ClassLabel(names=["no", "yes"])})
    made = made.cast(features)
    datasets.DatasetDict({"train": made, "test": made}).save_to_disk(tmp_path / "disk")
    made.to_parquet(tmp_path / "hub" / "data" / "train-00000-of-00001.parquet")
    for folder, count in (("disk", 12), ("hub", 6)):
        store = prepare(plan_hf(tmp_path / folder), tmp_path / f"{folder}-store")
        assert (len(store), set(store.column("label")), store.info["skipped"]) == (count, {"no", "yes"}, [])
