"""CIFAR-10 and CIFAR-100 (Krizhevsky, 2009): 60,000 pictures of 32 x 32 pixels each, in 10 or 100 classes.

The trees are those of `cifar-10-python.tar.gz` and `cifar-100-python.tar.gz`, or of the binary versions:

    cifar-10-batches-py/data_batch_1 … data_batch_5, test_batch, batches.meta
    cifar-10-batches-bin/data_batch_1.bin … data_batch_5.bin, test_batch.bin, batches.meta.txt
    cifar-100-python/train, test, meta
    cifar-100-binary/train.bin, test.bin, fine_label_names.txt, coarse_label_names.txt

The pickles are read without running anything they ask for. Split: the files; since no validation split is published, a
share of each class of train becomes one, the same pictures in both versions. CIFAR-100's labels are its 100 fine or its
20 coarse ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from randquant.data_prep.dataset import Archive, Dataset, Download
from randquant.data_prep.datasets.pictures.cifar_files import BINARY, PIXELS, cifar_file, class_names, read_row
from randquant.data_prep.engine.plan import Item, Plan
from randquant.data_prep.engine.row_files import row_reader
from randquant.data_prep.layout import find_root
from randquant.data_prep.validation import SHARE, check_share, splits_in_words, with_validation
from randquant.errors import DataError

Granularity = Literal["fine", "coarse"]
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
FINE, COARSE = 100, 20
_FILES_10 = {**{f"data_batch_{number}": "train" for number in range(1, 6)}, "test_batch": "test"}
_FILES_100 = {"train": "train", "test": "test"}


@dataclass(frozen=True)
class _Labels:
    """The labels of a dataset's files: their names in the order of the binary version, and the one to take."""

    held: tuple[str, ...]
    taken: str
    classes: Sequence[str]


def plan_cifar10(root: str | Path, *, validation: float = SHARE) -> Plan:
    """The pictures of all available files, train before test, in their order.

    Files that are not there are counted as `missing`.

    Args:
        root: folder of the files.
        validation: share of each class of train that becomes valid; 0 for none.

    Raises:
        DataError: no such files at `root`, or one is damaged.
        UsageError: `validation` is out of range.
    """
    check_share(validation)
    root = find_root(root, CIFAR10)
    names = class_names(root, "batches.meta", "label_names", "batches.meta.txt", len(CLASSES))
    return _plan(CIFAR10, root, _FILES_10, _Labels(("labels",), "labels", names), validation)


def plan_cifar100(root: str | Path, *, labels: Granularity = "fine", validation: float = SHARE) -> Plan:
    """The pictures of both files, train before test, in their order.

    Files that are not there are counted as `missing`.

    Args:
        root: folder of the files.
        labels: fine, the 100 classes, or coarse, the 20 that they are grouped in.
        validation: share of each class of train that becomes valid; 0 for none.

    Raises:
        DataError: no such files at `root`, or one is damaged.
        UsageError: `validation` is out of range.
    """
    check_share(validation)
    root = find_root(root, CIFAR100)
    count = FINE if labels == "fine" else COARSE
    names = class_names(root, "meta", f"{labels}_label_names", f"{labels}_label_names.txt", count)
    held = ("coarse_labels", "fine_labels")
    plan = _plan(CIFAR100, root, _FILES_100, _Labels(held, f"{labels}_labels", names), validation)
    return replace(plan, source={**plan.source, "classes_published": count, "labels": labels})


def _plan(dataset: Dataset, root: Path, files: dict[str, str], labels: _Labels, validation: float) -> Plan:
    items: list[Item] = []
    missing = []
    for name, split in files.items():
        path = next((path for path in (root / name, root / f"{name}{BINARY}") if path.is_file()), None)
        if path is None:
            missing.append(name)
            continue
        items += _items(path, split, labels)
    if not items:
        raise DataError(f"{root} holds none of {', '.join(files)}; unpack the archive again.")
    items = with_validation(items, validation, names=[item.name.replace(BINARY, "") for item in items])
    reader = row_reader(partial(read_row, labels=labels.held), {"keep": "raw"}, kind="images")
    splits = splits_in_words("the files", validation)
    return Plan(root, items, reader, dataset.describe(root, items, splits, missing=missing), missing)


def _items(path: Path, split: str, labels: _Labels) -> list[Item]:
    numbers = cifar_file(path, labels.held).labels[labels.taken]
    wrong = np.flatnonzero((numbers < 0) | (numbers >= len(labels.classes)))
    if len(wrong):
        raise DataError(
            f"{path} picture {wrong[0]} has the label {numbers[wrong[0]]} where 0 to {len(labels.classes) - 1} are "
            "expected; download the archive again."
        )
    return [
        Item(path.name, PIXELS, labels.classes[number], None, split, (row, row + 1))
        for row, number in enumerate(numbers.tolist())
    ]


_SOURCE = "Krizhevsky, Learning multiple layers of features from tiny images, University of Toronto, 2009"
_URL = "https://www.cs.toronto.edu/~kriz"
_COUNTS = {"train": 50_000, "test": 10_000}

CIFAR10 = Dataset(
    name="cifar10",
    title="CIFAR-10",
    kind="images",
    licence="none stated",
    source=_SOURCE,
    tree="data_batch_1 … data_batch_5\ntest_batch\nbatches.meta",
    marks=("data_batch_1", "test_batch", "data_batch_1.bin", "test_batch.bin"),
    plan=plan_cifar10,
    items=_COUNTS,
    classes=len(CLASSES),
    archives=(Archive("cifar-10-python.tar.gz"), Archive("cifar-10-binary.tar.gz")),
    alternatives=True,
    downloads=(
        Download(f"{_URL}/cifar-10-python.tar.gz", "cifar-10-python.tar.gz", md5="c58f30108f718f92721af3b95e74349a"),
    ),
)

CIFAR100 = Dataset(
    name="cifar100",
    title="CIFAR-100",
    kind="images",
    licence="none stated",
    source=_SOURCE,
    tree="train\ntest\nmeta",
    marks=("meta", "train.bin", "test.bin"),
    plan=plan_cifar100,
    items=_COUNTS,
    classes=FINE,
    archives=(Archive("cifar-100-python.tar.gz"), Archive("cifar-100-binary.tar.gz")),
    alternatives=True,
    downloads=(
        Download(f"{_URL}/cifar-100-python.tar.gz", "cifar-100-python.tar.gz", md5="eb9058c3a382ffc7106e4002c42a8d85"),
    ),
)
