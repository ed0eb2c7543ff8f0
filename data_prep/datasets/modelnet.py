"""ModelNet40 and ModelNet10 (Wu et al., CVPR 2015), and other sets of meshes in the same layout.

The tree is that of `ModelNet40.zip` and `ModelNet10.zip` (`archive.zip` from Kaggle); the root is the folder
`ModelNet40` or `ModelNet10` in it:

    <class>/train/<class>_0001.off
    <class>/test/<class>_0090.off

Label: the folder of the class. Split: the folder below it; since no validation split is published, a share of each
class of train becomes one. The meshes stand on z, and are turned about it as their authors left them.
"""

import difflib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from randquant.data_prep.dataset import Archive, Dataset
from randquant.data_prep.engine.plan import Item, Plan
from randquant.data_prep.layout import find_root, is_marked
from randquant.data_prep.sampled_cloud import check_points
from randquant.data_prep.scan import existing_folder, is_visible_folder, sizes_below
from randquant.data_prep.shapes import POINTS, mesh_reader
from randquant.data_prep.surface import Sampling
from randquant.data_prep.validation import SHARE, check_share, splits_in_words, with_validation
from randquant.errors import DataError
from randquant.pointcloud.points.axes import Axis

MODELNET10 = ("bathtub", "bed", "chair", "desk", "dresser", "monitor", "night_stand", "sofa", "table", "toilet")
_NAMES = """
    airplane bathtub bed bench bookshelf bottle bowl car chair cone cup curtain desk door dresser flower_pot
    glass_box guitar keyboard lamp laptop mantel monitor night_stand person piano plant radio range_hood sink sofa
    stairs stool table tent toilet tv_stand vase wardrobe xbox
"""
MODELNET40 = tuple(_NAMES.split())
HALVES = ("train", "test")
_ANY_CAPITALS = ("[Tt][Rr][Aa][Ii][Nn]", "[Tt][Ee][Ss][Tt]")
# Published numbers of shapes, by number of classes.
PUBLISHED = {40: {"train": 9_843, "test": 2_468}, 10: {"train": 3_991, "test": 908}}


def plan_modelnet(
    root: str | Path,
    *,
    points: int = POINTS,
    sampling: Sampling = "area",
    up: Axis = "z",
    seed: int = 0,
    validation: float = SHARE,
) -> Plan:
    """The meshes of all classes, class by class, train before test, sorted by name.

    Folders that have neither train nor test are skipped and named as `other_folders`, and what a class holds
    besides train and test as `other_parts`.

    Args:
        root: folder of the classes.
        points: drawn from the surface of each mesh.
        sampling: "area", each point anywhere on the surface, or "poisson", evenly spread (needs Open3D, slow).
        up: the axis that points up in the files.
        seed: of the points drawn.
        validation: share of each class of train that becomes valid; 0 for none.

    Raises:
        DataError: no ModelNet at `root`, or no meshes in it.
        UsageError: `points` or `validation` is out of range.
    """
    check_points(points)
    check_share(validation)
    root = _find_root(root)
    folders = sorted(entry.name for entry in root.iterdir() if is_visible_folder(entry))
    classes = [name for name in folders if any((root / name / half).is_dir() for half in HALVES)]
    items = [
        Item(path, size, name, None, half)
        for name in classes
        for half in HALVES
        for path, size in sorted(sizes_below(root, [f"{name}/{half}"], (".off",)).items())
    ]
    _refuse_misnamed(root, classes)
    if not items:
        raise DataError(f"{root} has classes with train and test but no .off files in them; unpack the archive again.")
    items = with_validation(items, validation, names=[PurePosixPath(item.path).stem for item in items])
    source = {
        **DATASET.describe(root, items, splits_in_words("folders", validation)),
        **published_release(sorted({str(item.label) for item in items})),
        "other_folders": [name for name in folders if name not in classes],
        "other_parts": [
            f"{name}/{part.name}"
            for name in classes
            for part in sorted((root / name).iterdir())
            if part.name not in HALVES and is_visible_folder(part)
        ],
    }
    reader = mesh_reader(points=points, up=up, sampling=sampling, seed=seed)
    return Plan(root, items, reader, source)


def published_release(classes: Sequence[str]) -> dict[str, object]:
    """The published counts of the release with these classes: ModelNet10, ModelNet40 or neither.

    >>> published_release(["bed", "chair"])["classes_published"], published_release(["car"])["classes_published"]
    (10, 40)
    >>> published_release(["chair", "Starship"])["published"]
    {}
    """
    for count, names in ((10, MODELNET10), (40, MODELNET40)):
        if set(classes) <= set(names):
            return {"published": PUBLISHED[count], "classes_published": count}
    return {"published": {}, "classes_published": None}


def _refuse_misnamed(root: Path, classes: Sequence[str]) -> None:
    """Refuse a misspelt class folder if most of the others are ModelNet40's."""
    unknown = [name for name in classes if name not in MODELNET40]
    if 2 * len(unknown) >= len(classes):
        return
    for name in unknown:
        close = difflib.get_close_matches(name.lower(), MODELNET40, n=1, cutoff=0.8)
        if close:
            raise DataError(
                f"{root} has a class folder {name}, which ModelNet40 has not; rename it to {close[0]}, or move it "
                "elsewhere."
            )


def _find_root(root: str | Path) -> Path:
    """As `find_root`, with further messages for a root two levels too deep and for classes without train and test."""
    root = existing_folder(root)
    _refuse_capitals(root)
    absolute = root.absolute()
    if not is_marked(root, DATASET) and not is_marked(absolute.parent, DATASET):
        if absolute.name in HALVES and is_marked(absolute.parent.parent, DATASET):
            raise DataError(f"{root} is one half of one class of ModelNet; give --root {absolute.parent.parent}")
        flat = next(root.glob("*/*.off"), None)
        if flat is not None:
            raise DataError(
                f"{root} has meshes right in its class folders ({flat.relative_to(root)}) where {DATASET.title} has "
                "<class>/train and <class>/test; sort them into those, or prepare them unlabelled with the command "
                "meshes."
            )
    return find_root(root, DATASET)


def _refuse_capitals(root: Path) -> None:
    """Refuse Train or TEST for train and test, which a case-sensitive file system would not find."""
    for entry in sorted(entry for half in _ANY_CAPITALS for entry in root.glob(f"*/{half}")):
        half = entry.name.lower()
        if entry.is_dir() and is_visible_folder(entry.parent) and not (entry.parent / half).is_dir():
            raise DataError(f"{entry} should be called {half}, as in {DATASET.title}; rename it and all like it.")


DATASET = Dataset(
    name="modelnet",
    title="ModelNet",
    kind="points",
    licence="for academic use; the copyright of the meshes lies with their authors",
    source="Wu et al., 3D ShapeNets: a deep representation for volumetric shapes, CVPR 2015",
    tree="<class>/train/<class>_0001.off\n…\n<class>/test/<class>_0090.off",
    marks=("*/train/*.off", "*/test/*.off"),
    plan=plan_modelnet,
    items=PUBLISHED[40],
    classes=40,
    # The last is what Kaggle calls all its downloads.
    archives=(Archive("ModelNet40.zip"), Archive("ModelNet10.zip"), Archive("archive.zip")),
    alternatives=True,
    by_hand=(
        "Download one of these into a folder of its own; they come over plain HTTP and without a published checksum, "
        "so they are not fetched for you:\n"
        "    http://modelnet.cs.princeton.edu/ModelNet40.zip\n"
        "    http://3dvision.princeton.edu/projects/2014/3DShapeNets/ModelNet10.zip"
    ),
)
