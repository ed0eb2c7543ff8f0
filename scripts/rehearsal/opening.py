"""Open a store as training and probes do, and say how long that took and how much memory it holds.

python -m scripts.rehearsal.opening STORE
"""

import json
import resource
import sys
import time

from randquant.store import Store

_PASSES = 5


def opening(path: str) -> dict[str, float]:
    """Seconds to open the store and to read one split's items, the median of five, and MB that it adds."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []
    for _ in range(_PASSES):
        began = time.perf_counter()
        store = Store.open(path)
        opened = time.perf_counter()
        store.select("train")
        times.append((opened - began, time.perf_counter() - opened))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    open_seconds, select_seconds = (sorted(column)[_PASSES // 2] for column in zip(*times, strict=True))
    return {"open": round(open_seconds, 3), "select": round(select_seconds, 3), "memory": (after - before) // 1000}


if __name__ == "__main__":
    print(json.dumps(opening(sys.argv[1])))
