"""Prepare a dataset with synthetic samples instead of reading files, to measure plan, store and manifest alone.

python -m scripts.rehearsal.unread DATASET ROOT STORE
"""

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from randquant.audio.crops import SAMPLE_RATE
from randquant.data_prep.datasets.registry import DATASETS
from randquant.data_prep.engine.plan import Reader, Reading
from randquant.data_prep.engine.preparation import prepare

_SAMPLES = 100


def unread(dataset: str, root: str, out: str) -> str:
    """Write the store of a dataset, a hundred samples for each file that the plan names."""
    plan = DATASETS[dataset].plan(root)
    store = prepare(replace(plan, reader=Reader("audio", made_up, {"sample_rate": SAMPLE_RATE})), out)
    return f"{out}: {len(store):,} recordings, none of them read"


def made_up(path: Path) -> Reading:
    """A reading of no file: noise that the name decides."""
    samples = np.frombuffer(hashlib.shake_128(str(path).encode(errors="surrogateescape")).digest(2 * _SAMPLES), "<i2")
    return {"source_rate": SAMPLE_RATE}, [samples >> 2]


if __name__ == "__main__":
    # By its own name, so that other processes find `made_up`.
    from randquant.scripts.rehearsal.unread import unread as run_unread

    print(run_unread(*sys.argv[1:4]))
