"""Made-up pictures in the trees of CIFAR-10 and CIFAR-100, as pickles or as rows of bytes."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.datasets.pictures.cifar import CLASSES, COARSE, FINE
from randquant.data_prep.datasets.pictures.cifar_files import PIXELS, SIDE
from randquant.data_prep.synthetic.pictures.python2_pickle import python2_pickle
from randquant.data_prep.synthetic.pictures.scenes import draw_picture, looks
from randquant.data_prep.synthetic.tree import check_counts, torch_generator, write_parts

FOLDER_10, BINARY_10 = "cifar-10-batches-py", "cifar-10-batches-bin"
FOLDER_100, BINARY_100 = "cifar-100-python", "cifar-100-binary"
BATCHES = 5  # of train
FINE_LOOKS = looks(FINE)
FINE_NAMES = [f"{look.pattern}_{look.outline}" for look in FINE_LOOKS]
# Neighbours of five share a pattern, and all are round or all have corners.
COARSE_NAMES = [
    f"{look.pattern}_{'round' if place % 2 == 0 else 'angular'}" for place, look in enumerate(FINE_LOOKS[::5])
]


def write_cifar10(root: Path, *, train: int = 200, test: int = 100, binary: bool = False, seed: int = 0) -> Path:
    """Write `cifar-10-batches-py/` (or `-bin/`) with five batches of train, one of test and the names of the classes.

    Args:
        root: folder to write into.
        train, test: pictures, of each class as many.
        binary: in the binary version's format.
        seed: of everything that is drawn.
    """
    check_counts(train=train, test=test)
    parameters = {"dataset": "cifar10", "train": train, "test": test, "binary": binary, "seed": seed}
    folder = BINARY_10 if binary else FOLDER_10
    return write_parts(root, "CIFAR-10", parameters, {folder: partial(_write_10, train, test, binary, seed)}) / folder


def write_cifar100(root: Path, *, train: int = 200, test: int = 100, binary: bool = False, seed: int = 0) -> Path:
    """Write `cifar-100-python/` (or `-binary/`) with train, test and the names of its 100 fine and 20 coarse classes.

    Args:
        root: folder to write into.
        train, test: pictures, of each fine class as many.
        binary: in the binary version's format.
        seed: of everything that is drawn.
    """
    check_counts(train=train, test=test)
    parameters = {"dataset": "cifar100", "train": train, "test": test, "binary": binary, "seed": seed}
    folder = BINARY_100 if binary else FOLDER_100
    return write_parts(root, "CIFAR-100", parameters, {folder: partial(_write_100, train, test, binary, seed)}) / folder


def _write_10(train: int, test: int, binary: bool, seed: int, folder: Path) -> None:
    folder.mkdir(parents=True)
    sizes = {f"data_batch_{number}": train // BATCHES for number in range(1, BATCHES + 1)} | {"test_batch": test}
    for name, count in sizes.items():
        labels, pixels, names = _pictures(name, count, CLASSES, len(CLASSES), seed)
        if binary:
            _write_rows(folder / f"{name}.bin", [labels], pixels)
        else:
            told = f"{name}, made up"
            content = {"data": pixels, "labels": labels, "batch_label": told, "filenames": names}
            (folder / name).write_bytes(python2_pickle(content))
    if binary:
        (folder / "batches.meta.txt").write_text("\n".join([*CLASSES, ""]))
    else:
        meta = {"num_cases_per_batch": train // BATCHES, "label_names": CLASSES, "num_vis": PIXELS}
        (folder / "batches.meta").write_bytes(python2_pickle(meta))


def _write_100(train: int, test: int, binary: bool, seed: int, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, count in (("train", train), ("test", test)):
        fine, pixels, names = _pictures(name, count, FINE_NAMES, FINE, seed)
        coarse = [label * COARSE // FINE for label in fine]
        if binary:
            _write_rows(folder / f"{name}.bin", [coarse, fine], pixels)
        else:
            content = {"data": pixels, "fine_labels": fine, "coarse_labels": coarse, "filenames": names}
            (folder / name).write_bytes(python2_pickle(content))
    tables = {"fine_label_names": FINE_NAMES, "coarse_label_names": COARSE_NAMES}
    if binary:
        for table, classes in tables.items():
            (folder / f"{table}.txt").write_text("\n".join([*classes, ""]))
    else:
        (folder / "meta").write_bytes(python2_pickle(tables))


def _pictures(
    part: str, count: int, names: Sequence[str], classes: int, seed: int
) -> tuple[list[int], NDArray[np.uint8], list[str]]:
    """Labels, shuffled; pixels (count, 3072) by planes; the pictures' own names."""
    shuffled = [place % classes for place in _order(part, count, seed)]
    chosen = looks(classes)
    rows = [
        draw_picture(chosen[label], height=SIDE, width=SIDE, generator=torch_generator(seed, part, place))
        for place, label in enumerate(shuffled)
    ]
    own = [f"{names[label]}_s_{place:06d}.png" for place, label in enumerate(shuffled)]
    return shuffled, np.stack(rows).transpose(0, 3, 1, 2).reshape(count, PIXELS), own


def _order(part: str, count: int, seed: int) -> Iterator[int]:
    import torch

    yield from torch.randperm(count, generator=torch_generator(seed, part, "order")).tolist()


def _write_rows(path: Path, labels: Sequence[Sequence[int]], pixels: NDArray[np.uint8]) -> None:
    heads = np.asarray(labels, dtype=np.uint8).T
    path.write_bytes(np.concatenate([heads, pixels], axis=1).tobytes())
