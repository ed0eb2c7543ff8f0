"""The highest of 2x2 outputs, or the lowest where a channel's scale is negative; functions on `WIDTH` channels."""

from typing import Any

from randquant.kernels.compiled.compiled import compiled
from randquant.kernels.compiled.lanes import differ, either, like, plus, reaches, store_bytes, times, where


@compiled
def highest_of(sign: Any, y00: Any, y01: Any, y10: Any, y11: Any, slots: Any, place: int, kept: bool) -> Any:
    """The output that is highest after multiplication by `sign`, the first of equal ones; NaN where one is.

    Its number, 0 to 3 in reading order, goes to `slots` at `place` if it is kept.
    """
    best, key, slot = y00, times(sign, y00), like(y00, 0.0)
    best, key, slot = _higher(best, key, slot, y01, times(sign, y01), 1.0)
    best, key, slot = _higher(best, key, slot, y10, times(sign, y10), 2.0)
    best, key, slot = _higher(best, key, slot, y11, times(sign, y11), 3.0)
    if kept:
        store_bytes(slots, place, slot)
    return best


@compiled
def _higher(best: Any, key: Any, slot: Any, y: Any, new: Any, number: float) -> Any:
    stays = either(reaches(key, new), differ(key, key))
    return where(stays, best, y), where(stays, key, new), where(stays, slot, like(slot, number))


@compiled
def rectified(y: Any, scale: Any, shift: Any) -> Any:
    """scale y + shift, or 0 where that is negative; NaN stays."""
    found = plus(times(y, scale), shift)
    zero = like(found, 0.0)
    return where(reaches(zero, found), zero, found)
