"""Synthetic scans in ScanObjectNN's tree: objects seen from one side, with and without background."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.class_names import SHAPE_NAMES
from randquant.data_prep.datasets.scanobjectnn import CLASSES, PARTS, VARIANTS, WRAPPER
from randquant.data_prep.synthetic.shapes.clouds import draw_cloud
from randquant.data_prep.synthetic.shapes.hdf5 import write_h5
from randquant.data_prep.synthetic.solids.families import numpy_generator
from randquant.data_prep.synthetic.tree import check_counts, write_parts

# The family that stands for a class; the other classes stay empty, as their numbers stay theirs.
FAMILY = {
    "bin": "cup",
    "cabinet": "night_stand",
    "chair": "chair",
    "desk": "table",
    "shelf": "bookshelf",
    "table": "stool",
    "bed": "bed",
    "sofa": "bench",
}
_NOISE = 0.01  # of a scanner, for a radius of 1
_BACKGROUND = 0.2  # share of the points


def write_scanobjectnn(root: Path, *, train: int = 6, test: int = 3, points: int = 2048, seed: int = 0) -> Path:
    """Write `h5_files/{main_split,main_split_nobg}/{training,test}_objectdataset….h5`, all three variants.

    `pb_t50_rs` has two copies of each object, moved, turned and scaled. The defaults make 72 objects, 7 MB.

    Args:
        train: objects of each of eight classes in training.
        test: and in test.
        points: of each object.

    Raises:
        DataError: h5py is not installed, or `root` already holds another ScanObjectNN.
    """
    check_counts(train=train, test=test, points=points)
    counts = {"train": train, "test": test}
    parameters = {"dataset": "scanobjectnn", **counts, "points": points, "seed": seed}
    return write_parts(root, "ScanObjectNN", parameters, {WRAPPER: partial(_write, counts, points, seed)})


def _write(counts: dict[str, int], points: int, seed: int, root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / SHAPE_NAMES).write_text("\n".join(CLASSES) + "\n", encoding="utf-8")  # since not all of them occur
    for variant, (folder, ending) in VARIANTS.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for split, stem in PARTS.items():
            scans = list(_scans(variant, split, counts[split], points, seed))
            order = numpy_generator(seed, variant, split).permutation(len(scans))
            write_h5(root / folder / f"{stem}_objectdataset{ending}.h5", _arrays([scans[place] for place in order]))


Scan = tuple[int, NDArray[np.float32], NDArray[np.int32]]  # label, points, whether each is of the object


def _scans(variant: str, split: str, count: int, points: int, seed: int) -> Iterator[Scan]:
    copies = 2 if variant == "pb_t50_rs" else 1
    for name, family in FAMILY.items():
        for number in range(count):
            for copy in range(copies):
                generator = numpy_generator(seed, split, name, number, copy)
                cloud = draw_cloud(family, 3 * points, seed=seed, name=f"{split}_{number}").points
                scan = _seen(cloud, points, generator)
                mask = np.ones(points, dtype=np.int32)
                if variant != "obj_only":
                    mask = _with_floor(scan, generator)
                if copies > 1:
                    scan = _disturbed(scan, generator)
                yield CLASSES.index(name), scan.astype(np.float32), mask


def _seen(cloud: NDArray, points: int, generator: np.random.Generator) -> NDArray:
    """(points, 3): the points nearest to a viewer at the side, with noise."""
    angle = generator.uniform(0, 2 * np.pi)
    depth = cloud @ np.array([np.cos(angle), 0.3, np.sin(angle)])
    nearest = np.sort(np.argsort(-depth, kind="stable")[: 2 * points])
    chosen = generator.permutation(nearest)[:points]
    return cloud[chosen] + generator.normal(0, _NOISE, size=(points, 3))


def _with_floor(scan: NDArray, generator: np.random.Generator) -> NDArray[np.int32]:
    """Move some of the points to the floor, in place; the mask is 1 for object, -1 for background."""
    away = generator.random(len(scan)) < _BACKGROUND
    low, high = scan.min(axis=0), scan.max(axis=0)
    floor = generator.uniform(low - 0.1, high + 0.1, size=(len(scan), 3))
    floor[:, 1] = low[1] + generator.normal(0, _NOISE, size=len(scan))
    scan[away] = floor[away]
    return np.where(away, -1, 1).astype(np.int32)


def _disturbed(scan: NDArray, generator: np.random.Generator) -> NDArray:
    """Translated by up to half its size, rotated about the up axis, scaled along each axis, as in PB_T50_RS."""
    angle = generator.uniform(-np.pi, np.pi)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    half = np.ptp(scan, axis=0) / 2
    return scan @ turn.T * generator.uniform(0.75, 1.25, size=3) + generator.uniform(-1, 1, size=3) * half


def _arrays(scans: Sequence[Scan]) -> dict[str, NDArray]:
    labels, clouds, masks = zip(*scans, strict=True)
    return {"data": np.stack(clouds), "label": np.array(labels, dtype=np.int32), "mask": np.stack(masks)}
