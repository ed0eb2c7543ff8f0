"""Features are extracted once, kept by content, and made again only where that is needed."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.data import features
from randquant.data.features import Features, Items, cached, extract
from randquant.errors import DataError

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "common")])}

ITEMS = Items([f"item {i}" for i in range(10)], ["a", "b"] * 5, [None] * 10, [*["train"] * 8, "test", None])
SAMPLES = torch.arange(20.0).reshape(10, 2)


class Encoder:
    """Doubles its input and counts the items it saw; fails when it has seen `limit`."""

    def __init__(self, limit: int = 10**9) -> None:
        self.seen, self.limit = 0, limit

    def __call__(self, batch: Tensor) -> Tensor:
        self.seen += len(batch)
        if self.seen > self.limit:
            raise KeyboardInterrupt
        return 2 * batch


def batches(start: int) -> Iterator[Tensor]:
    yield from SAMPLES[start:].split(3)


def read(folder: Path, encode: Callable[[Tensor], Tensor], **settings: object) -> Features:
    return cached(folder, {"weights": "x", **settings}, ITEMS, 2, encode, batches)


def test_digest_is_that_of_the_four_columns() -> None:
    columns = {"ids": ITEMS.ids, "labels": ITEMS.labels, "groups": ITEMS.groups, "splits": ITEMS.splits}
    assert ITEMS.digest() == hashlib.sha256(json.dumps(columns, sort_keys=True).encode()).hexdigest()
    assert Items(ITEMS.ids, ["b", "a"] * 5, ITEMS.groups, ITEMS.splits).digest() != ITEMS.digest()


def test_extract_keeps_order_and_rows() -> None:
    written: list[NDArray[np.float32]] = []
    extract(Encoder(), batches(6), write=written.append, count=10, start=6)
    assert [len(vectors) for vectors in written] == [3, 1]
    np.testing.assert_array_equal(np.concatenate(written), 2 * SAMPLES[6:].numpy())


@pytest.mark.parametrize("rows", [9, 11])
def test_extract_refuses_a_wrong_number_of_items(rows: int) -> None:
    with pytest.raises(ValueError, match=f"the {rows} rows there are"):
        extract(Encoder(), batches(0), write=lambda vectors: None, count=rows)


def test_extract_refuses_features_that_are_not_finite() -> None:
    with pytest.raises(DataError, match="items 3 to 5"):
        extract(lambda x: x / (x - 8), batches(0), write=lambda vectors: None, count=10)


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    """And nothing is lost: with room again, it goes on."""
    program = """
import resource, signal, sys
import torch
from randquant.data import features
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
items = features.Items([str(i) for i in range(5000)], *[[None] * 5000] * 3)
features._SAVE_SECONDS = 0.0
try:
    features.cached(sys.argv[1], {}, items, 64, lambda x: x, lambda start: torch.ones(5000 - start, 64).split(100))
except OSError as error:
    print(error.errno == 27, error.filename.endswith("vectors.npy"))
"""
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], env=ENVIRONMENT, capture_output=True, text=True
    )
    assert run.stdout == "True True\n", run.stderr
    (partial,) = tmp_path.glob("*.partial")
    rows = json.loads((partial / "rows.json").read_text())["rows"]
    assert rows == 700
    items = Items([str(i) for i in range(5000)], *[[None] * 5000] * 3)
    encoder = Encoder()
    vectors = cached(tmp_path, {}, items, 64, encoder, lambda start: torch.ones(5000 - start, 64).split(100)).vectors
    assert encoder.seen == 4300
    assert (vectors[:700] == 1).all()
    assert (vectors[700:] == 2).all()


def test_the_second_reading_does_not_touch_the_encoder(tmp_path: Path) -> None:
    first = read(tmp_path, Encoder())
    again = read(tmp_path, Encoder(limit=0))
    assert isinstance(again.vectors, np.memmap)
    assert not again.vectors.flags.writeable
    np.testing.assert_array_equal(first.vectors, 2 * SAMPLES.numpy())
    np.testing.assert_array_equal(again.vectors, first.vectors)
    assert again.items == ITEMS
    assert again.select("train").tolist() == list(range(8))
    assert again.provenance["settings"]["weights"] == "x"


def test_the_lock_of_a_killed_process_goes_away(tmp_path: Path) -> None:
    """Killed between the last rename and the removal of its lock, an extraction leaves a whole entry beside a lock."""
    read(tmp_path, Encoder())
    (entry,) = tmp_path.iterdir()
    lock = entry.with_name(entry.name + ".lock")
    lock.touch()
    again = Encoder()
    read(tmp_path, again)
    assert again.seen == 0
    assert not lock.exists()


def test_another_setting_or_label_is_another_entry(tmp_path: Path) -> None:
    read(tmp_path, Encoder())
    for call in (
        lambda encoder: read(tmp_path, encoder, weights="y"),
        lambda encoder: read(tmp_path, encoder, layer="conv"),
        lambda encoder: cached(
            tmp_path, {"weights": "x"}, Items(ITEMS.ids, ["b"] * 10, ITEMS.groups, ITEMS.splits), 2, encoder, batches
        ),
    ):
        encoder = Encoder()
        call(encoder)
        assert encoder.seen == 10


def flip_a_byte(entry: Path) -> None:
    content = bytearray((entry / "vectors.npy").read_bytes())
    content[-3] ^= 1
    (entry / "vectors.npy").write_bytes(content)


def truncate(entry: Path) -> None:
    content = (entry / "vectors.npy").read_bytes()
    (entry / "vectors.npy").write_bytes(content[:-8])


def empty_json(entry: Path) -> None:
    (entry / "entry.json").write_text("")


def other_settings(entry: Path) -> None:
    (entry / "entry.json").write_text((entry / "entry.json").read_text().replace('"x"', '"z"'))


def no_vectors(entry: Path) -> None:
    (entry / "vectors.npy").unlink()


@pytest.mark.parametrize("damage", [flip_a_byte, truncate, empty_json, other_settings, no_vectors])
def test_a_damaged_entry_is_made_again(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    read(tmp_path, Encoder())
    (entry,) = tmp_path.iterdir()
    damage(entry)
    encoder = Encoder()
    np.testing.assert_array_equal(read(tmp_path, encoder).vectors, 2 * SAMPLES.numpy())
    assert encoder.seen == 10
    assert [path.name for path in tmp_path.iterdir()] == [entry.name]


def test_an_interrupted_extraction_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_SAVE_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        read(tmp_path, Encoder(limit=7))
    assert all(path.name.endswith(".partial") for path in tmp_path.iterdir())
    encoder = Encoder()
    np.testing.assert_array_equal(read(tmp_path, encoder).vectors, 2 * SAMPLES.numpy())
    assert encoder.seen == 4


def test_a_damaged_partial_extraction_starts_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_SAVE_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        read(tmp_path, Encoder(limit=7))
    (partial,) = tmp_path.iterdir()
    truncate(partial)
    np.testing.assert_array_equal(read(tmp_path, Encoder()).vectors, 2 * SAMPLES.numpy())


def test_items_and_vectors_have_to_fit() -> None:
    with pytest.raises(ValueError, match="one entry an item"):
        Items(["a"], [], [None], [None])
    columns = (ITEMS.ids, ITEMS.labels, ITEMS.groups, ITEMS.splits)
    with pytest.raises(ValueError, match="as many ids"):
        Features(np.zeros((3, 2), dtype=np.float32), *columns)
    with pytest.raises(ValueError, match="float32"):
        Features(np.zeros((10, 2)), *columns)  # type: ignore[arg-type]
