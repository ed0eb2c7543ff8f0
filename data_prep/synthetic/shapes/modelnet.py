"""Synthetic shapes in the trees of ModelNet40: its meshes, and its point cloud releases."""

import json
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.datasets.modelnet import HALVES, MODELNET10, MODELNET40
from randquant.data_prep.synthetic.published import MODELNET40 as PUBLISHED
from randquant.data_prep.synthetic.published import scaled
from randquant.data_prep.synthetic.shapes.clouds import draw_cloud
from randquant.data_prep.synthetic.shapes.hdf5 import write_h5
from randquant.data_prep.synthetic.shapes.off import STYLES, Style, write_off
from randquant.data_prep.synthetic.solids.families import FAMILIES, draw_shape, numpy_generator
from randquant.data_prep.synthetic.solids.solid import joined
from randquant.data_prep.synthetic.tree import check_counts, write_macos_files, write_parts
from randquant.pointcloud.points.farthest_point_order import farthest_point_order

MESHES, TEXTS, ARRAYS = "ModelNet40", "modelnet40_normal_resampled", "modelnet40_ply_hdf5_2048"
PICKLES = "modelnet40_pts_fps"


@dataclass(frozen=True)
class _Shape:
    family: str
    half: str
    number: int
    style: Style
    solid: str  # the family it is drawn from

    @property
    def name(self) -> str:
        """Numbers continue from train to test, as in ModelNet."""
        return f"{self.family}_{self.number:04d}"


def write_modelnet(root: Path, *, train: int = 30, test: int = 12, seed: int = 0) -> Path:
    """Write `ModelNet40/<class>/{train,test}/<class>_0001.off`, with the irregularities of real files.

    Some have merged headers, polygons, comments, colours of faces or stray vertices; some are macOS metadata. A name
    stands for the same shape here and in `write_modelnet_txt` and `write_modelnet_h5`. The defaults make 630 meshes,
    6 MB.

    Args:
        train: shapes of each of the families in train.
        test: and in test.
    """
    return _write(root, MESHES, {"train": train, "test": test}, seed, _write_meshes)


def write_published_modelnet(root: Path, *, items: int | None = None, seed: int = 0) -> Path:
    """Write ModelNet40's tree at its published size: 9,843 + 2,468 meshes, as many of each class as published.

    The fifteen families stand in for the forty classes, so that some classes look alike.
    """
    check_counts(items=1 if items is None else items // (2 * len(PUBLISHED)))
    counts = {(name, half): n for name, both in PUBLISHED.items() for half, n in zip(HALVES, both, strict=True)}
    shapes = list(_published(scaled(counts, items)))
    parameters = {"dataset": MESHES, "published": True, "items": items, "seed": seed}
    return write_parts(root, MESHES, parameters, {MESHES: partial(_write_meshes, shapes, 1, seed)}) / MESHES


def _published(counts: dict[tuple[str, str], int]) -> Iterator[_Shape]:
    styles, families = cycle(STYLES), cycle(FAMILIES)
    for name in PUBLISHED:
        solid = name if name in FAMILIES else next(families)
        halves = [half for half in HALVES for _ in range(counts[name, half])]
        yield from (_Shape(name, half, number, next(styles), solid) for number, half in enumerate(halves, start=1))


def write_modelnet_txt(root: Path, *, train: int = 4, test: int = 2, points: int = 2048, seed: int = 0) -> Path:
    """Write `modelnet40_normal_resampled/<class>/<class>_0001.txt` and the lists for 40 and for 10 classes.

    The defaults make 90 files, 10 MB.

    Args:
        train: shapes of each of the families in train.
        test: and in test.
        points: lines of each file; the published ones have 10,000.
    """
    return _write(root, TEXTS, {"train": train, "test": test}, seed, _write_texts, points=points)


def write_modelnet_h5(root: Path, *, train: int = 6, test: int = 3, points: int = 2048, seed: int = 0) -> Path:
    """Write `modelnet40_ply_hdf5_2048/ply_data_{train0,train1,test0}.h5` with their lists and names.

    Without faceId. The defaults make 135 shapes, 4 MB.

    Args:
        train: shapes of each of the families in train.
        test: and in test.
        points: of each shape.

    Raises:
        DataError: h5py is not installed.
    """
    return _write(root, ARRAYS, {"train": train, "test": test}, seed, _write_arrays, points=points)


def write_modelnet_dat(root: Path, *, train: int = 6, test: int = 3, points: int = 2048, seed: int = 0) -> Path:
    """Write `modelnet40_pts_fps/modelnet40_{train,test}_<points>pts_fps.dat` and the lists of their shapes.

    The defaults make 135 shapes, 7 MB.

    Args:
        train: shapes of each of the families in train.
        test: and in test.
        points: of each shape, in farthest-point order.
    """
    return _write(root, PICKLES, {"train": train, "test": test}, seed, _write_pickles, points=points)


_Writer = Callable[[Sequence[_Shape], int, int, Path], None]


def _write(root: Path, folder: str, counts: dict[str, int], seed: int, write: _Writer, *, points: int = 1) -> Path:
    """Write one part, `folder`, with `counts` shapes of each family in each split."""
    check_counts(**counts, points=points)
    parameters = {"dataset": folder, **counts, "points": points, "seed": seed}
    shapes = list(_shapes(counts))
    return write_parts(root, folder, parameters, {folder: partial(write, shapes, points, seed)}) / folder


def _shapes(counts: dict[str, int]) -> Iterator[_Shape]:
    styles = cycle(STYLES)
    for family in FAMILIES:
        halves = [half for half in HALVES for _ in range(counts[half])]
        yield from (_Shape(family, half, number, next(styles), family) for number, half in enumerate(halves, start=1))


def _write_meshes(shapes: Sequence[_Shape], _: int, seed: int, folder: Path) -> None:
    for shape in shapes:
        parts = draw_shape(shape.solid, generator=numpy_generator(seed, shape.family, shape.name))
        path = folder / shape.family / shape.half / f"{shape.name}.off"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_off(path, joined(parts.values()), style=shape.style)
    first = shapes[0]
    write_macos_files(folder / first.family / first.half, f"{first.name}.off")
    (folder / "README.txt").write_text("Made-up shapes in the tree of ModelNet40.\n")


def _write_texts(shapes: Sequence[_Shape], points: int, seed: int, folder: Path) -> None:
    for shape in shapes:
        cloud = draw_cloud(shape.family, points, seed=seed, name=shape.name)
        (folder / shape.family).mkdir(parents=True, exist_ok=True)
        line = ",".join(["%.6f"] * 6) + "\n"
        numbers = np.hstack([cloud.points, cloud.normals]).ravel().tolist()
        (folder / shape.family / f"{shape.name}.txt").write_text((line * points) % tuple(numbers))
    for count, classes in ((40, MODELNET40), (10, MODELNET10)):
        _write_lines(folder / f"modelnet{count}_shape_names.txt", classes)
        for half in HALVES:
            names = [shape.name for shape in shapes if shape.half == half and shape.family in classes]
            _write_lines(folder / f"modelnet{count}_{half}.txt", names)


def _write_pickles(shapes: Sequence[_Shape], points: int, seed: int, folder: Path) -> None:
    folder.mkdir()
    for half in HALVES:
        members = [shape for shape in shapes if shape.half == half]
        clouds = [draw_cloud(shape.family, points, seed=seed, name=shape.name) for shape in members]
        rows = [np.hstack([cloud.points, cloud.normals])[farthest_point_order(cloud.points)] for cloud in clouds]
        labels = [np.array([MODELNET40.index(shape.family)], dtype=np.int32) for shape in members]
        content = [[row.astype(np.float32) for row in rows], labels]
        (folder / f"modelnet40_{half}_{points}pts_fps.dat").write_bytes(pickle.dumps(content))
        _write_lines(folder / f"modelnet40_{half}.txt", [shape.name for shape in members])


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines))


def _write_arrays(shapes: Sequence[_Shape], points: int, seed: int, folder: Path) -> None:
    folder.mkdir()
    generator = numpy_generator(seed, ARRAYS)
    for half, files in (("train", 2), ("test", 1)):
        members = [shape for shape in shapes if shape.half == half]
        mixed = [members[place] for place in generator.permutation(len(members))]
        for number, rows in enumerate(np.array_split(np.arange(len(mixed)), files)):
            _write_array(folder, half, number, [mixed[row] for row in rows], points, seed)
        names = [f"data/{ARRAYS}/ply_data_{half}{number}.h5" for number in range(files)]
        _write_lines(folder / f"{half}_files.txt", names)
    _write_lines(folder / "shape_names.txt", MODELNET40)


def _write_array(folder: Path, half: str, number: int, shapes: Sequence[_Shape], points: int, seed: int) -> None:
    clouds = [draw_cloud(shape.family, points, seed=seed, name=shape.name) for shape in shapes]
    labels = [MODELNET40.index(shape.family) for shape in shapes]
    arrays: dict[str, NDArray] = {
        "data": np.stack([cloud.points for cloud in clouds]),
        "normal": np.stack([cloud.normals for cloud in clouds]),
        "label": np.array(labels, dtype=np.uint8)[:, None],
    }
    write_h5(folder / f"ply_data_{half}{number}.h5", arrays)
    names = [f"{shape.family}/{shape.name}.ply" for shape in shapes]
    (folder / f"ply_data_{half}_{number}_id2file.json").write_text(json.dumps(names))
