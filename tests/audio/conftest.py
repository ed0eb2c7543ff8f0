"""Small stores of noise, written without going through files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from randquant.data.store import Store, StoreWriter

LENGTHS = (8_000, 24_000, 16_000, 40_000, 5_001, 30_000)
SPLITS = ("train", "train", "valid", "test", "test", "train")


@pytest.fixture
def write_store(tmp_path: Path) -> Callable[..., Store]:
    """Write items of noise named 0.wav, 1.wav, … with labels a and b by turns."""

    def write(
        name: str,
        dataset: str = "labelled",
        *,
        lengths: Sequence[int] = LENGTHS,
        splits: Sequence[str | None] = SPLITS,
        loudness: Sequence[int] | None = None,
    ) -> Store:
        writer = StoreWriter(tmp_path / name, kind="audio", plan=name)
        generator = np.random.default_rng(0)
        with writer.begin(), writer.shard(0) as shard:
            for index, (length, split) in enumerate(zip(lengths, splits, strict=True)):
                highest = 30_000 if loudness is None else loudness[index]
                samples = generator.integers(1, highest + 1, length).astype(np.int16)
                columns = {"path": f"{index}.wav", "label": "ab"[index % 2], "group": None, "split": split}
                shard.append([samples], columns)
        with writer.begin():
            return writer.finish(1, {"sample_rate": 16_000, "source": {"dataset": dataset}})

    return write


@pytest.fixture
def store(write_store: Callable[..., Store]) -> Store:
    """Six items: one shorter, some longer than a second, in all three splits."""
    return write_store("words")
