"""Time a fast implementation and its reference, alternately."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

Call = Callable[[], object]
HEADER = f"{'what':<46} {'ms':>9} {'a second':>9}  {'twin':<34} {'ms':>9}  {'ratio':>6}"


class Pair:
    """A fast form and the twin it is compared with.

    Args:
        name: what the fast form does.
        fast: the fast form.
        twin: the other one.
        twin_name: what the twin is.
        items: things (clouds, meshes) a run of either goes through, to tell how many a second; 0 tells nothing.
        clock: seconds, of which differences are taken.
    """

    def __init__(
        self,
        name: str,
        fast: Call,
        twin: Call,
        twin_name: str,
        items: int = 0,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.name, self.fast, self.twin, self.twin_name, self.items = name, fast, twin, twin_name, items
        self.clock = clock

    def measure(self, runs: int, device: str) -> dict[str, Any]:
        """Median seconds of either after a warm-up, and the median ratio twin / fast."""
        for call in (self.fast, self.twin):
            self._timed(call, device)
        times = [(self._timed(self.fast, device), self._timed(self.twin, device)) for _ in range(runs)]
        seconds = statistics.median(fast for fast, _ in times)
        return {
            "name": self.name,
            "twin": self.twin_name,
            "seconds": seconds,
            "per_second": self.items / seconds if self.items else None,
            "twin_seconds": statistics.median(twin for _, twin in times),
            "ratio": statistics.median(twin / fast for fast, twin in times),
        }

    def _timed(self, call: Call, device: str) -> float:
        if device == "cuda":
            torch.cuda.synchronize()
        began = self.clock()
        call()
        if device == "cuda":
            torch.cuda.synchronize()
        return self.clock() - began


def in_columns(numbers: dict[str, Any]) -> str:
    """What `Pair.measure` found, under `HEADER`."""
    rate = "" if numbers["per_second"] is None else f"{numbers['per_second']:,.0f}"
    return (
        f"{numbers['name']:<46} {numbers['seconds'] * 1e3:9.2f} {rate:>9}  {numbers['twin']:<34} "
        f"{numbers['twin_seconds'] * 1e3:9.2f}  {numbers['ratio']:6.1f}"
    )
