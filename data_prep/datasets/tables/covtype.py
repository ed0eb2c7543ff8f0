"""CovType (Blackard, 1998): 581,012 patches of forest in ten numbers and 44 answers, and the kind of their trees.

The file is that of UCI, `covtype.data` or `covtype.data.gz`: no header, ten numbers, four columns of the wilderness
area and forty of the soil, of which one is 1, and the cover type from 1 to 7. Split, as `covtype.info` describes it:
the first 11,340 rows are for training, the next 3,780 for validation and the other 565,892 for the test.
"""

from pathlib import Path

import numpy as np

from randquant.data.store import SPLITS
from randquant.data_prep.dataset import Archive, Dataset, Download
from randquant.data_prep.layout import find_root
from randquant.data_prep.tables.layout import Layout
from randquant.data_prep.tables.plan import TablePlan
from randquant.data_prep.tables.splits import Shares, Splits
from randquant.data_prep.tables.table_file import TextFile

CLASSES = {
    "1": "Spruce/Fir",
    "2": "Lodgepole Pine",
    "3": "Ponderosa Pine",
    "4": "Cottonwood/Willow",
    "5": "Aspen",
    "6": "Douglas-fir",
    "7": "Krummholz",
}
_NUMBERS = """
    Elevation Aspect Slope Horizontal_Distance_To_Hydrology Vertical_Distance_To_Hydrology
    Horizontal_Distance_To_Roadways Hillshade_9am Hillshade_Noon Hillshade_3pm Horizontal_Distance_To_Fire_Points
"""
_AREAS, _SOILS = (f"Wilderness_Area{n}" for n in range(1, 5)), (f"Soil_Type{n}" for n in range(1, 41))
COLUMNS = (*_NUMBERS.split(), *_AREAS, *_SOILS, "Cover_Type")
BLOCKS = (10, 4, 40)  # as i-Mix takes them (Lee et al., ICLR 2021)
PUBLISHED = {"train": 11_340, "valid": 3_780, "test": 565_892}
NAMES = ("covtype.data", "covtype.data.gz")


def plan_covtype(root: str | Path, seed: int = 0) -> TablePlan:
    """All rows of the file.

    A file of another number of rows is a part of them, in an order of its own: its splits are drawn.

    Args:
        root: folder with covtype.data or covtype.data.gz, or the file itself.
        seed: of the splits of a part.

    Raises:
        DataError: there is no such file.
    """
    file = table_at(root, DATASET, NAMES)
    layout = Layout("utf-8", ",", 0, COLUMNS, header=False)
    return TablePlan(
        TextFile(file, layout, told=False),
        label="Cover_Type",
        shares=Shares(seed=seed),
        rule=published_splits,
        rename=lambda text: CLASSES.get(text, text),
        keep_constant=True,
        blocks=BLOCKS,
        source={
            "dataset": DATASET.name,
            "root": str(root),
            "published": PUBLISHED,
            "classes_published": len(CLASSES),
        },
    )


def published_splits(rows: int) -> Splits | None:
    """By the number of the row, of the whole file."""
    if rows != sum(PUBLISHED.values()):
        return None
    places = np.repeat(np.arange(3, dtype=np.int16), list(PUBLISHED.values()))
    return Splits(SPLITS, places, "rows of the file, as covtype.info says")


def table_at(root: str | Path, dataset: Dataset, names: tuple[str, ...]) -> Path:
    """The file of a dataset that is one table: `root` itself, or the one in that folder.

    Raises:
        DataError: it is not there.
    """
    if Path(root).is_file():
        return Path(root)
    folder = find_root(root, dataset)
    named = (folder / name for name in names)
    others = sorted(path for mark in dataset.marks for path in folder.glob(mark))
    return next((path for path in named if path.is_file()), others[0])


DATASET = Dataset(
    name="covtype",
    title="CovType",
    kind="tables",
    licence="CC BY 4.0",
    source="Blackard, Covertype, UCI Machine Learning Repository, 1998",
    tree="covtype.data (or covtype.data.gz)",
    marks=("covtype*.data", "covtype*.data.gz"),
    plan=plan_covtype,
    items=PUBLISHED,
    classes=len(CLASSES),
    archives=(Archive("covertype.zip"),),
    downloads=(
        Download(
            "https://ndownloader.figshare.com/files/5976039",
            "covtype.data.gz",
            sha256="614360d0257557dd1792834a85a1cdebfadc3c4f30b011d56afee7ffb5b15771",
        ),
    ),
)
