"""The highest of 2x2 numbers; functions on `WIDTH` channels."""

from typing import Any

from randquant.kernels.compiled.compiled import compiled
from randquant.kernels.compiled.lanes import differ, like, plus, reaches, store_bytes, times_plus, where


@compiled
def highest_of(a: Any, b: Any, c: Any, d: Any, slots: Any, place: int, kept: bool) -> Any:
    """The highest number; NaN where one is.

    Which it is, 0 to 3, the first of equal ones, goes to `slots` at `place` if it is kept.
    """
    total = plus(plus(a, b), plus(c, d))
    zero = like(a, 0.0)
    stays = reaches(a, b)
    best, slot = where(stays, a, b), where(stays, zero, like(a, 1.0))
    stays = reaches(best, c)
    best, slot = where(stays, best, c), where(stays, slot, like(a, 2.0))
    stays = reaches(best, d)
    best, slot = where(stays, best, d), where(stays, slot, like(a, 3.0))
    if kept:
        store_bytes(slots, place, slot)
    return where(differ(total, total), total, best)


@compiled
def rectified(y: Any, scale: Any, shift: Any) -> Any:
    """scale y + shift, or 0 where that is negative; NaN stays."""
    found = times_plus(y, scale, shift)
    zero = like(found, 0.0)
    return where(reaches(zero, found), zero, found)
