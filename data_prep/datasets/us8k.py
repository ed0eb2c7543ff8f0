"""UrbanSound8K (Salamon et al., ACM Multimedia 2014): 8,732 slices of up to 4 s, ten classes, ten folds.

The tree is that of `UrbanSound8K.tar.gz`; the root is the folder `UrbanSound8K` in it:

    metadata/UrbanSound8K.csv
    audio/fold1 … audio/fold10/<slice_file_name>

Label: `class`. Split: fold1 to fold10, each is the test set once, since slices of one recording are in one fold
and other folds would separate them. Group: `fsID`, the Freesound recording that a slice was cut from.
"""

from pathlib import Path

from randquant.data_prep.dataset import Archive, Dataset, Download
from randquant.data_prep.engine.plan import Item, Plan
from randquant.data_prep.formats.csv_reader import read_csv
from randquant.data_prep.layout import find_root
from randquant.data_prep.recordings import RECORDINGS
from randquant.data_prep.scan import sizes_below
from randquant.errors import DataError

_NAMES = """
    air_conditioner car_horn children_playing dog_bark drilling engine_idling gun_shot jackhammer siren street_music
"""
CLASSES = tuple(_NAMES.split())
FOLDS = tuple(f"fold{number}" for number in range(1, 11))
TABLE = "metadata/UrbanSound8K.csv"
_COLUMNS = ("slice_file_name", "fsID", "fold", "class")
_WHAT = "UrbanSound8K's table of slices"


def plan_us8k(root: str | Path) -> Plan:
    """The slices of all available folds, by fold, then by name.

    Slices of the table without a file are counted as `missing`, files without a row as `unlisted`, and folds
    that are not there at all as `missing_folds`, with their slices.

    Raises:
        DataError: no UrbanSound8K at `root`; the table is missing, lacks a column, names a slice twice, a class
            or a fold that there is not; none of its slices is there.
    """
    root = find_root(root, DATASET)
    slices = _read_slices(root / TABLE)
    sizes = sizes_below(root, [f"audio/{fold}" for fold in FOLDS], (".wav",))
    items = [
        Item(path, sizes[path], label, group, fold)
        for fold in FOLDS
        for path, (label, group, of) in sorted(slices.items())
        if of == fold and path in sizes
    ]
    if not items:
        raise DataError(f"none of the {len(slices):,} slices that {root / TABLE} names is below {root / 'audio'}.")
    missing = sorted(slices.keys() - sizes.keys())
    source = {
        **DATASET.describe(root, items, "the ten folds of UrbanSound8K.csv", missing=missing),
        "unlisted": len(sizes.keys() - slices.keys()),
        "missing_folds": [fold for fold in FOLDS if not any(item.split == fold for item in items)],
    }
    return Plan(root, items, RECORDINGS, source, missing)


def _read_slices(table: Path) -> dict[str, tuple[str, str, str]]:
    """Class, group and fold of every slice by its path below the root."""
    slices: dict[str, tuple[str, str, str]] = {}
    for line, row in read_csv(table, _COLUMNS, _WHAT):
        name, fold = row["slice_file_name"].strip(), f"fold{row['fold'].strip()}"
        where = f"{table} line {line}"
        if fold not in FOLDS:
            raise DataError(f"{where} has the fold {row['fold']!r} where 1 to 10 are expected; restore the table.")
        if row["class"] not in CLASSES:
            raise DataError(f"{where} has the class {row['class']!r}; expected one of {', '.join(CLASSES)}.")
        if "/" in name or "\\" in name or name.startswith("."):
            raise DataError(f"{where} has the slice_file_name {name!r}, which is not a file name; restore the table.")
        path = f"audio/{fold}/{name}"
        if path in slices:
            raise DataError(f"{where} names {path} again; keep one of its rows.")
        slices[path] = row["class"], row["fsID"].strip(), fold
    if not slices:
        raise DataError(f"{table} has a header but no rows; restore it.")
    return slices


DATASET = Dataset(
    name="us8k",
    title="UrbanSound8K",
    kind="audio",
    licence="CC BY-NC 4.0",
    source="Salamon, Jacoby, Bello, A dataset and taxonomy for urban sound research, ACM Multimedia 2014",
    tree=f"{TABLE}\naudio/fold1/<slice_file_name>\n…\naudio/fold10/<slice_file_name>",
    marks=(TABLE, "audio/fold1", "audio/fold10"),
    plan=plan_us8k,
    items={"all": 8_732},
    classes=len(CLASSES),
    archives=(Archive("UrbanSound8K.tar.gz"), Archive("UrbanSound8K.tgz")),
    downloads=(
        Download(
            "https://zenodo.org/records/1203745/files/UrbanSound8K.tar.gz?download=1",
            "UrbanSound8K.tar.gz",
            md5="9aa69802bbf37fb986f71ec1483a196e",
        ),
    ),
)
