"""What a coordinate check says: how far coordinates, and their updates, move from the least to the largest width."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from randquant.cli.counted import counted
from randquant.scripts.width.coordinates import Coordinate
from randquant.scripts.width.study import Parametrization

MOST = 2.0  # that hidden coordinates may move by
Part = Literal["fixed", "hidden", "output", "behind"]
Quantity = Literal["mean", "change"]


@dataclass(frozen=True)
class Movement:
    """The largest factor between the least and the largest width, and where it is."""

    factor: float
    module: str
    step: int

    def __str__(self) -> str:
        return f"{self.factor:.2f}x ({self.module}, step {self.step})"


def parts(rows: Iterable[Coordinate]) -> dict[str, Part]:
    """Which part of the network a module is, in the order in which they run.

    fixed: before the width; hidden: its output grows with the width; output: it no longer does, as behind a readout;
    behind: it grows again, as the hidden layer of a predictor, whose input starts as small as the output before it.
    """
    sizes: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        sizes[row.module].add(row.size)
    found: dict[str, Part] = {}
    for module, seen in sizes.items():
        if len(seen) > 1:
            found[module] = "behind" if "output" in found.values() else "hidden"
        else:
            found[module] = "output" if "hidden" in found.values() else "fixed"
    return found


def means(rows: Iterable[Coordinate], quantity: Quantity) -> dict[tuple[Parametrization, str, int, int], float]:
    """Over seeds, by parametrization, module, step and width."""
    values: dict[tuple[Parametrization, str, int, int], list[float]] = defaultdict(list)
    for row in rows:
        values[row.parametrization, row.module, row.step, row.width].append(getattr(row, quantity))
    return {key: fmean(each) for key, each in values.items()}


def movement(rows: Sequence[Coordinate], parametrization: Parametrization, part: Part, quantity: Quantity) -> Movement:
    """The largest of a part's modules at all steps; of changes, behind the first update."""
    least, largest = min(row.width for row in rows), max(row.width for row in rows)
    value, found = means(rows, quantity), parts(rows)
    moved = [
        Movement(
            _factor(value[parametrization, module, step, least], value[parametrization, module, step, largest]),
            module,
            step,
        )
        for step in range(quantity == "change", max(row.step for row in rows) + 1)
        for module in found
        if found[module] == part
    ]
    return max(moved, key=lambda each: each.factor)


def verdict(rows: Sequence[Coordinate]) -> tuple[bool | None, list[str]]:
    """Whether muP keeps hidden coordinates and their updates where the standard parametrization does not; the lines to
    print. None where there is but one parametrization.
    """
    present = list(dict.fromkeys(row.parametrization for row in rows))
    widths = sorted({row.width for row in rows})
    lines = [f"from width {widths[0]:,} to {widths[-1]:,}, {counted(len({row.seed for row in rows}), 'seeds')}:"]
    hidden: dict[Parametrization, list[float]] = {}
    for name in present:
        size, update = movement(rows, name, "hidden", "mean"), movement(rows, name, "hidden", "change")
        output = movement(rows, name, "output", "change")
        lines.append(
            f"{name}: hidden coordinates move by {size}, their updates by {update}, those of outputs by {output}"
        )
        hidden[name] = [size.factor, update.factor]
    if len(present) < 2:
        return None, lines
    calm, lively = max(hidden["mup"]), max(hidden["standard"])
    passed = calm <= MOST and calm < lively
    if passed and lively <= MOST:
        lines.append(
            f"note: the standard parametrization stays within {MOST:g}x too; a larger --learning_rate tells more"
        )
    reason = (
        f"under mup hidden coordinates and their updates move by {calm:.2f}x, under the standard one by {lively:.2f}x"
    )
    return passed, [*lines, f"{'pass' if passed else 'fail'}: {reason}; {MOST:g}x is allowed"]


def _factor(one: float, two: float) -> float:
    return max(one, two) / max(min(one, two), 1e-30)
