"""All families of shapes by name, and one random shape of a family as a file would hold it."""

import zlib
from collections.abc import Callable

import numpy as np

from randquant.data_prep.synthetic.solids.furniture import bed, bookshelf, night_stand, stairs, table
from randquant.data_prep.synthetic.solids.lamps import lamp
from randquant.data_prep.synthetic.solids.seats import bench, chair, stool
from randquant.data_prep.synthetic.solids.solid import Parts
from randquant.data_prep.synthetic.solids.vehicles import airplane, car
from randquant.data_prep.synthetic.solids.vessels import bottle, bowl, cup, vase

_ALPHABETICAL = (
    *(airplane, bed, bench, bookshelf, bottle, bowl, car, chair, cup, lamp),
    *(night_stand, stairs, stool, table, vase),
)
# Under ModelNet40's own names; alphabetical, as its class numbers are.
FAMILIES: dict[str, Callable[[np.random.Generator], Parts]] = {family.__name__: family for family in _ALPHABETICAL}


def draw_shape(family: str, *, generator: np.random.Generator) -> Parts:
    """Draw a shape of one of `FAMILIES`: z up, rotated about z, in a random unit of length, away from the origin.

    Raises:
        KeyError: there is no such family.
    """
    parts = FAMILIES[family](generator)
    angle, factor = generator.uniform(0, 2 * np.pi), 10 ** generator.uniform(-1, 3)
    offset = factor * generator.uniform(-1, 1, size=3)
    return {name: solid.rotated(angle).scaled(factor).translated(offset) for name, solid in parts.items()}


def numpy_generator(seed: int, *names: object) -> np.random.Generator:
    """A generator that depends on seed and name alone, so that the order of writing does not matter."""
    return np.random.default_rng(zlib.crc32("/".join(map(str, (seed, *names))).encode()))
