"""Synthetic shapes in two trees of ShapeNet: ShapeNetPart, with part labels, and ShapeNet-55."""

import json
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from randquant.data_prep.datasets.shapenet import CLOUDS, SPLITS
from randquant.data_prep.datasets.shapenetpart import CATEGORIES as CATEGORY_TABLE
from randquant.data_prep.datasets.shapenetpart import LISTS, PARTS
from randquant.data_prep.synthetic.shapes.clouds import draw_cloud
from randquant.data_prep.synthetic.solids.families import numpy_generator
from randquant.data_prep.synthetic.tree import check_counts, write_parts

# Number of the synset by family.
SYNSETS = {
    "airplane": "02691156",
    "bed": "02818832",
    "bench": "02828884",
    "bookshelf": "02871439",
    "bottle": "02876657",
    "bowl": "02880940",
    "car": "02958343",
    "chair": "03001627",
    "lamp": "03636649",
    "cup": "03797390",
    "table": "04379243",
}
# Category of ShapeNetPart by family; a family's parts take its category's numbers in turn.
CATEGORIES = {
    "airplane": "Airplane",
    "car": "Car",
    "chair": "Chair",
    "lamp": "Lamp",
    "cup": "Mug",
    "table": "Table",
}
_FOLDER_55 = "ShapeNet55-34"
PART_FOLDER = "shapenetcore_partanno_segmentation_benchmark_v0_normal"


def write_shapenetpart(
    root: Path, *, train: int = 6, valid: int = 2, test: int = 3, points: int = 1500, seed: int = 0
) -> Path:
    """Write `shapenetcore_partanno_segmentation_benchmark_v0_normal/<synset>/<model>.txt` with the lists.

    Shapes have from three quarters to five quarters of `points`. The defaults make 66 shapes, 6 MB.

    Args:
        train: shapes of each of six categories in train; `valid` and `test` as well.
        points: of a shape, about.
    """
    counts = {"train": train, "valid": valid, "test": test}
    check_counts(**counts, points=points)
    parameters = {"dataset": "shapenetpart", **counts, "points": points, "seed": seed}
    parts = {PART_FOLDER: partial(_write_part, counts, points, seed)}
    return write_parts(root, "ShapeNetPart", parameters, parts) / PART_FOLDER


def _write_part(counts: dict[str, int], points: int, seed: int, folder: Path) -> None:
    listed: dict[str, list[str]] = {split: [] for split in counts}
    for family, split, model in _models(CATEGORIES, counts, seed):
        synset = SYNSETS[family]
        listed[split].append(f"shape_data/{synset}/{model}")
        (folder / synset).mkdir(parents=True, exist_ok=True)
        count = int(numpy_generator(seed, model, "points").integers(max(1, 3 * points // 4), 5 * points // 4 + 1))
        _write_labelled(folder / synset / f"{model}.txt", family, model, count, seed)
    (folder / "train_test_split").mkdir()
    for split, names in listed.items():
        mixed = [names[place] for place in numpy_generator(seed, PART_FOLDER, split).permutation(len(names))]
        (folder / "train_test_split" / f"shuffled_{LISTS[split]}_file_list.json").write_text(json.dumps(mixed))
    lines = [f"{category}\t{SYNSETS[family]}\n" for family, category in CATEGORIES.items()]
    (folder / CATEGORY_TABLE).write_text("".join(lines))


def _write_labelled(path: Path, family: str, model: str, count: int, seed: int) -> None:
    cloud = draw_cloud(family, count, seed=seed, name=model)
    numbers = np.array(PARTS[CATEGORIES[family]])
    labels = numbers[np.minimum(cloud.parts, len(numbers) - 1)]
    rows = np.hstack([cloud.points, cloud.normals, labels[:, None]]).ravel().tolist()
    line = " ".join(["%.5f"] * 6) + " %.6f\n"
    path.write_text((line * count) % tuple(rows))


def write_shapenet55(root: Path, *, train: int = 6, test: int = 2, points: int = 4096, seed: int = 0) -> Path:
    """Write `ShapeNet55-34/shapenet_pc/<synset>-<model>.npy` and `ShapeNet55-34/ShapeNet-55/{train,test}.txt`.

    The defaults make 88 shapes, 4 MB.

    Args:
        train: shapes of each of eleven synsets in train.
        test: and in test.
        points: of each shape; the published ones have 8,192.
    """
    counts = {"train": train, "test": test}
    check_counts(**counts, points=points)
    parameters = {"dataset": "shapenet55", **counts, "points": points, "seed": seed}
    parts = {_FOLDER_55: partial(_write_clouds, counts, points, seed)}
    return write_parts(root, "ShapeNet-55", parameters, parts) / _FOLDER_55


def _write_clouds(counts: dict[str, int], points: int, seed: int, folder: Path) -> None:
    (folder / CLOUDS).mkdir(parents=True)
    (folder / SPLITS).mkdir()
    listed: dict[str, list[str]] = {split: [] for split in counts}
    for family, split, model in _models(SYNSETS, counts, seed):
        name = f"{SYNSETS[family]}-{model}.npy"
        listed[split].append(name)
        np.save(folder / CLOUDS / name, draw_cloud(family, points, seed=seed, name=model).points)
    for split, names in listed.items():
        (folder / SPLITS / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))


def _models(families: Iterable[str], counts: dict[str, int], seed: int) -> Iterator[tuple[str, str, str]]:
    """Family, split and name of every model; names are hexadecimal, as ShapeNet's."""
    for family in families:
        for split, count in counts.items():
            for number in range(count):
                yield family, split, numpy_generator(seed, family, split, number, "name").bytes(16).hex()
