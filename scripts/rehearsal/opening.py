"""Measure time and memory of opening a store.

python -m scripts.rehearsal.opening STORE
"""

import json
import sys
import time

from randquant.data.store import Store
from randquant.scripts.rehearsal.measured import sizes

_PASSES = 5


def opening(path: str) -> dict[str, float]:
    """Processor seconds to open the store and to select one split, the median of five, and MB that are held then."""
    before = sizes("self")["RssAnon"]
    times = []
    for _ in range(_PASSES):
        began = time.process_time()
        store = Store.open(path)
        opened = time.process_time()
        store.select("train")
        times.append((opened - began, time.process_time() - opened))
    after = sizes("self")["RssAnon"]
    open_seconds, select_seconds = (sorted(column)[_PASSES // 2] for column in zip(*times, strict=True))
    return {"open": round(open_seconds, 3), "select": round(select_seconds, 3), "memory": (after - before) // 1000}


if __name__ == "__main__":
    print(json.dumps(opening(sys.argv[1])))
