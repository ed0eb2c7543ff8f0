"""Made-up pictures in STL-10's tree."""

from functools import partial
from pathlib import Path

import numpy as np
import torch

from randquant.data_prep.datasets.pictures.stl10 import CLASSES, FOLD_LIST, FOLDS, SIDE
from randquant.data_prep.synthetic.pictures.scenes import draw_picture, looks
from randquant.data_prep.synthetic.tree import check_counts, torch_generator, write_parts

FOLDER = "stl10_binary"


def write_stl10(root: Path, *, train: int = 60, test: int = 40, unlabelled: int = 60, seed: int = 0) -> Path:
    """Write `stl10_binary/` with its three parts, the names of its classes and ten folds, each a third of train.

    Args:
        root: folder to write into.
        train, test: pictures, of each class as many.
        unlabelled: pictures without a label.
        seed: of everything that is drawn.
    """
    check_counts(train=train, test=test, unlabelled=unlabelled)
    counts = {"train": train, "test": test, "unlabeled": unlabelled}
    parameters = {"dataset": "stl10", **counts, "seed": seed}
    return write_parts(root, "STL-10", parameters, {FOLDER: partial(_write, counts, seed)}) / FOLDER


def _write(counts: dict[str, int], seed: int, folder: Path) -> None:
    folder.mkdir(parents=True)
    labels = {part: _write_part(folder, part, count, seed) for part, count in counts.items()}
    (folder / "class_names.txt").write_text("\n".join([*CLASSES, ""]))
    folds = [_fold(labels["train"], torch_generator(seed, "fold", fold)) for fold in range(FOLDS)]
    (folder / FOLD_LIST).write_text("".join(" ".join(map(str, rows)) + " \n" for rows in folds))


def _write_part(folder: Path, part: str, count: int, seed: int) -> list[int]:
    """Pictures, and their labels but for the unlabelled, in two files; returns the labels from 0."""
    chosen = looks(len(CLASSES))
    order = torch.randperm(count, generator=torch_generator(seed, part, "order"))
    labels: list[int] = (order % len(CLASSES)).tolist()
    pictures = [
        draw_picture(chosen[label], height=SIDE, width=SIDE, generator=torch_generator(seed, part, place))
        for place, label in enumerate(labels)
    ]
    # Each plane column by column, as the real ones.
    (folder / f"{part}_X.bin").write_bytes(np.stack(pictures).transpose(0, 3, 2, 1).tobytes())
    if part != "unlabeled":
        (folder / f"{part}_y.bin").write_bytes(bytes(label + 1 for label in labels))
    return labels


def _fold(labels: list[int], generator: torch.Generator) -> list[int]:
    """A third of each class, as the real folds hold all classes alike."""
    drawn = torch.randperm(len(labels), generator=generator).tolist()
    by_class = ([row for row in drawn if labels[row] == label] for label in range(len(CLASSES)))
    return sorted(row for rows in by_class for row in rows[: max(1, len(rows) // 3)])
