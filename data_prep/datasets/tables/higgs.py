"""HIGGS (Baldi et al., Nature Communications 2014): 11 million simulated collisions in 28 numbers.

The file is that of UCI, `HIGGS.csv` or `HIGGS.csv.gz`: no header, the class (1 signal, 0 background), 21 measured
numbers and seven made of them. Split: the last 500,000 rows are the test, as UCI says; a share of the others is drawn
for validation.
"""

from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from randquant.data.store import SPLITS
from randquant.data_prep.dataset import Archive, Dataset, Download
from randquant.data_prep.datasets.tables.covtype import table_at
from randquant.data_prep.tables.layout import Layout
from randquant.data_prep.tables.plan import TablePlan
from randquant.data_prep.tables.splits import Shares, Splits
from randquant.data_prep.tables.table_file import TextFile
from randquant.errors import UsageError

_LOW = """
    lepton_pT lepton_eta lepton_phi missing_energy_magnitude missing_energy_phi
    jet1_pt jet1_eta jet1_phi jet1_b-tag jet2_pt jet2_eta jet2_phi jet2_b-tag
    jet3_pt jet3_eta jet3_phi jet3_b-tag jet4_pt jet4_eta jet4_phi jet4_b-tag
"""
_HIGH = "m_jj m_jjj m_lv m_jlv m_bb m_wbb m_wwbb"
COLUMNS = ("class_label", *_LOW.split(), *_HIGH.split())
ROWS, TEST = 11_000_000, 500_000
NAMES = ("HIGGS.csv", "HIGGS.csv.gz")

Numbers = Literal["all", "low-level"]


def plan_higgs(root: str | Path, numbers: Numbers = "all", validation: float = 0.05, seed: int = 0) -> TablePlan:
    """All rows of the file.

    Args:
        root: folder with HIGGS.csv or HIGGS.csv.gz, or the file itself.
        numbers: all 28 of a row, or the 21 that are measured, as i-Mix takes them.
        validation: share of the rows before the test that is drawn for validation.
        seed: of the draw.

    Raises:
        DataError: there is no such file.
        UsageError: the share is out of range.
    """
    if not 0 <= validation < 1:
        raise UsageError(f"--validation should lie in [0, 1), got {validation:g}.")
    layout = Layout("utf-8", ",", 0, COLUMNS, header=False)
    return TablePlan(
        TextFile(table_at(root, DATASET, NAMES), layout, told=False),
        label="class_label",
        drop=tuple(_HIGH.split()) if numbers == "low-level" else (),
        shares=Shares(valid=validation, seed=seed),
        rule=partial(published_splits, validation, seed),
        rename=lambda text: "signal" if float(text) else "background",
        source={
            "dataset": DATASET.name,
            "root": str(root),
            "published": {"train": ROWS - TEST, "test": TEST},
            "classes_published": 2,
        },
    )


def published_splits(validation: float, seed: int, rows: int) -> Splits | None:
    """By the number of the row, of the whole file."""
    if rows != ROWS:
        return None
    drawn = Shares(valid=validation, test=0.0, seed=seed).by_class(None, rows - TEST)
    places = np.append(drawn.places, np.full(TEST, 2, np.int16))
    return Splits(
        SPLITS, places, f"the last {TEST:,} rows are the test; {100 * validation:g} % of the others are valid"
    )


DATASET = Dataset(
    name="higgs",
    title="HIGGS",
    kind="tables",
    licence="CC BY 4.0",
    source="Baldi, Sadowski, Whiteson, Searching for exotic particles in high-energy physics, Nature Comm. 2014",
    tree="HIGGS.csv (or HIGGS.csv.gz)",
    marks=("HIGGS*.csv", "HIGGS*.csv.gz"),
    plan=plan_higgs,
    items={"train": ROWS - TEST, "test": TEST},
    classes=2,
    archives=(Archive("higgs.zip"),),
    downloads=(
        Download("https://archive.ics.uci.edu/ml/machine-learning-databases/00280/HIGGS.csv.gz", "HIGGS.csv.gz"),
    ),
)
