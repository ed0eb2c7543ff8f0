"""Webdataset shards: read in place to the bits of the files; labels, splits, cut-off and odd archives."""

import gzip
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from randquant.audio.samples import read_samples
from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.exchange.webdataset import plan_webdataset
from randquant.data_prep.synthetic.exchange import WORDS, write_webdataset
from randquant.data_prep.synthetic.sounds.noise import noise_file
from randquant.errors import DataError, UsageError


def write_tar(path: Path, members: dict[str, bytes], **options: object) -> Path:
    with tarfile.open(path, "w", **options) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def test_samples_labels_and_splits(tmp_path: Path) -> None:
    root = write_webdataset(tmp_path / "shards")
    store = prepare(plan_webdataset(root, label="word", group="speaker.id"), tmp_path / "store")
    assert set(store.column("label")) == set(WORDS)
    assert {"s4", "s5"} == {
        group for group, split in zip(store.column("group"), store.column("split"), strict=True) if split == "test"
    }
    row = len(store) - 1
    shard, _, _ = store.column("path")[row].partition("#")
    with tarfile.open(root / shard) as archive:
        content = archive.extractfile(store.column("file")[row]).read()  # type: ignore[union-attr]
    (tmp_path / "a.flac").write_bytes(content)
    assert np.array_equal(store.rows(row).reshape(-1), read_samples(tmp_path / "a.flac")[0])
    numbers = plan_webdataset(f"{root}/train-{{000000..000001}}.tar", validation=0, test=0)
    assert {item.label for item in numbers.items} == set("0123")
    assert len(numbers.items) == 32


def test_cut_off_and_odd_shards_are_told(tmp_path: Path) -> None:
    sounds = {f"{n}.wav": noise_file(seed=0, name=str(n)) for n in range(8)}
    sounds |= {"0.json": json.dumps({"a": {"b": "x"}}).encode(), "only.json": b"{}", "bad.wav": b"no sound at all"}
    long = "very/" * 40 + "long.wav"  # needs an extended header
    whole = write_tar(tmp_path / "a.tar", {**sounds, long: noise_file(seed=0, name="l")}, format=tarfile.PAX_FORMAT)
    whole.with_name("b.tar").write_bytes(whole.read_bytes()[:1800])
    whole.with_name("c.tar").write_bytes(b"x" * 600)
    with tarfile.open(whole) as archive:
        last = archive.getmembers()[-1]
    whole.with_name("d.tar").write_bytes(whole.read_bytes()[: last.offset])  # without the mark of its end
    plan = plan_webdataset(tmp_path, media="wav")
    told = " ".join(plan.source["remarks"])
    assert "shards that are not whole, of which all that can be read is taken: 3" in told
    assert "keys without a sound or a picture, left out" in told
    store = prepare(plan, tmp_path / "store")
    assert long in store.column("file")
    assert any("bad.wav" in entry["reason"] for entry in store.info["skipped"])
    assert len(store) + len(store.info["skipped"]) == len(plan.items)


def test_several_media_have_to_be_chosen(tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", {f"1.mic{n}.wav": noise_file(seed=0, name=str(n)) for n in (1, 2)})
    with pytest.raises(UsageError, match=r"choose one by --media, of mic1.wav, mic2.wav"):
        plan_webdataset(tmp_path)
    assert len(plan_webdataset(tmp_path, media="mic2.wav").items) == 1
    with pytest.raises(UsageError, match="--label speaker is in no key"):
        plan_webdataset(tmp_path, media="mic2.wav", label="speaker")


def test_compressed_shards_are_refused(tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", {"1.wav": noise_file(seed=0, name="1")})
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress((tmp_path / "a.tar").read_bytes()))
    (tmp_path / "a.tar").unlink()
    with pytest.raises(DataError, match="is compressed"):
        plan_webdataset(tmp_path)


def test_shards_of_the_real_package(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    with webdataset.ShardWriter(str(tmp_path / "train-%06d.tar"), maxcount=3, verbose=0) as writer:
        for n in range(6):
            writer.write({"__key__": f"k/{n}", "wav": noise_file(seed=0, name=str(n)), "cls": n % 2})
    store = prepare(plan_webdataset(tmp_path), tmp_path / "store")
    assert (len(store), set(store.column("label"))) == (6, {"0", "1"})
