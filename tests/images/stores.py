"""Small stores of pictures, and the words of a training on them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from randquant.data.store import Store, StoreWriter
from randquant.images.formats.picture import encode_png

Pixels = NDArray[np.uint8]


def coloured(count: int, side: int = 12, seed: int = 0) -> tuple[list[Pixels], list[str]]:
    """Noise around the colour of a class, and the classes: a task that any encoder solves."""
    generator = np.random.default_rng(seed)
    means = np.array([[200, 60, 60], [60, 200, 60], [60, 60, 200]])
    classes = generator.integers(0, 3, count)
    noise = generator.normal(0, 25, (count, side, side, 3))
    pictures = (means[classes][:, None, None] + noise).clip(0, 255).astype(np.uint8)
    return list(pictures), [f"class{number}" for number in classes]


def mixed(count: int) -> list[Pixels]:
    """Pictures of several sizes."""
    return [coloured(1, 10 + number, number)[0][0][: 9 + number] for number in range(count)]


def write(
    out: Path,
    pictures: Sequence[Pixels],
    labels: Sequence[str | None],
    splits: Sequence[str | None],
    *,
    raw: bool = True,
) -> Store:
    """A store of pictures, as pixels or as PNG files."""
    writer = StoreWriter(out, kind="images", plan="made by a test")
    with writer.begin():
        with writer.shard(0) as shard:
            for number, (pixels, label, split) in enumerate(zip(pictures, labels, splits, strict=True)):
                rows = pixels.reshape(-1) if raw else np.frombuffer(encode_png(pixels), np.uint8)
                about = {"height": pixels.shape[0], "width": pixels.shape[1], "encoding": "raw" if raw else "png"}
                shard.append([rows], {"path": f"{number}.png", "label": label, "split": split, **about})
        return writer.finish(1, {})


def task(out: Path, count: int = 48, side: int = 12, *, raw: bool = True) -> Store:
    """A labelled store: half train, a quarter each valid and test."""
    pictures, labels = coloured(count, side)
    splits = [("train", "train", "valid", "test")[number % 4] for number in range(count)]
    return write(out, pictures, labels, splits, raw=raw)


def arguments(store: Path, out: Path, *more: object) -> list[str]:
    """Flags of a training that takes a second."""
    fixed = "--steps 4 --batch_size 8 --image_size 12 --checkpoint_every 1 --log_every 1 --hidden_size 16"
    words = ["--data", store, "--out", out, *fixed.split(), "--projection_size", 8, "--accelerator", "cpu"]
    return [str(word) for word in [*words, *more]]
