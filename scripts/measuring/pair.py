"""Time a fast implementation and its reference, alternately."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from randquant.files.json_record import Record
from randquant.kernels.chosen import plain_form

Call = Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Line(Record):
    """What the runs of a pair gave.

    Attributes:
        group: of the pair.
        name: what the fast form does.
        twin: what it is compared with.
        seconds: of the fast form, the median.
        twin_seconds: of its twin, likewise.
        ratio: twin / fast, the median of the runs.
        ratio_low: a quarter of the runs have a lower ratio.
        ratio_high: a quarter have a higher one.
        per_second: things the fast form goes through in a second; None where they are not counted.
        unit: what `seconds` and `twin_seconds` are in thousands of, where it is no time.
        grows: the twin is the same of a larger size, so a higher ratio is the worse one.
    """

    group: str
    name: str
    twin: str
    seconds: float
    twin_seconds: float
    ratio: float
    ratio_low: float
    ratio_high: float
    per_second: float | None = None
    unit: str = "ms"
    grows: bool = False


class Pair:
    """A fast form and the twin it is compared with.

    Args:
        name: what the fast form does.
        fast: the fast form.
        twin: the other one.
        twin_name: what the twin is.
        items: things (clouds, meshes) a run of either goes through, to tell how many a second; 0 tells nothing.
        clock: seconds, of which differences are taken; or thousands of `unit`.
        warm_up: whether either runs once before it is measured.
        unit: a thousandth of what the clock counts.
        grows: whether the twin is the same of a larger size.
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
        warm_up: bool = True,
        unit: str = "ms",
        grows: bool = False,
    ) -> None:
        self.name, self.fast, self.twin, self.twin_name, self.items = name, fast, twin, twin_name, items
        self.clock, self.warm_up, self.unit, self.grows = clock, warm_up, unit, grows

    def measure(self, group: str, runs: int, device: str) -> Line:
        """Run both in turn, after a warm-up where there is one."""
        for call in (self.fast, self.twin) if self.warm_up else ():
            self._timed(call, device)
        times = [(self._timed(self.fast, device), self._timed(self.twin, device)) for _ in range(runs)]
        ratios = [twin / fast for fast, twin in times]
        low, ratio, high = statistics.quantiles(ratios, n=4, method="inclusive") if runs > 1 else ratios * 3
        seconds = statistics.median(fast for fast, _ in times)
        return Line(
            group=group,
            name=self.name,
            twin=self.twin_name,
            seconds=seconds,
            twin_seconds=statistics.median(twin for _, twin in times),
            ratio=ratio,
            ratio_low=low,
            ratio_high=high,
            per_second=self.items / seconds if self.items else None,
            unit=self.unit,
            grows=self.grows,
        )

    def _timed(self, call: Call, device: str) -> float:
        if device == "cuda":
            torch.cuda.synchronize()
        began = self.clock()
        call()
        if device == "cuda":
            torch.cuda.synchronize()
        return self.clock() - began


def in_plain_form(call: Call) -> Call:
    """The same without compiled code."""

    def plain() -> None:
        with plain_form():
            call()

    return plain
