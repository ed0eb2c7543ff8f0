"""Supports of furniture: legs at the corners, a column on a foot, or two side walls."""

from collections.abc import Sequence

import numpy as np

from randquant.data_prep.synthetic.solids.round import cylinder, tube
from randquant.data_prep.synthetic.solids.solid import Solid, box, joined, leaning


def corner_legs(
    generator: np.random.Generator, size: Sequence[float], height: float, *, thickness: float, rows: int = 2
) -> Solid:
    """Legs in two files of `rows` along x, round or square, straight or spread, thinner towards the floor or not.

    What they carry has the extent `size` along x and y; they are as thick as `thickness` at the upper end.
    """
    inset = thickness * generator.uniform(0.5, 1.5)
    x, y = size[0] / 2 - inset, size[1] / 2 - inset
    places = [(along, across) for along in np.linspace(-x, x, rows) for across in (-y, y)]
    return standing(generator, places, height, thickness=thickness)


def standing(
    generator: np.random.Generator, places: Sequence[tuple[float, float]], height: float, *, thickness: float
) -> Solid:
    """Equal legs with their upper ends at the places (x, y), as `corner_legs`."""
    spread = 1 + generator.choice([0.0, generator.uniform(0.0, 0.3)])
    below = thickness * generator.uniform(0.5, 1.0)
    if generator.random() < 0.5:
        ways = [[(spread * x, spread * y, 0.0), (x, y, height)] for x, y in places]
        return joined(tube(way, (below / 2, thickness / 2), sides=8) for way in ways)
    foot, head = (below, below), (thickness, thickness)
    return joined(leaning((spread * x, spread * y, 0.0), (x, y, height), foot, head) for x, y in places)


def circle_of_legs(
    generator: np.random.Generator, count: int, radius: float, height: float, *, thickness: float
) -> Solid:
    """Legs in a circle around z, as `corner_legs`."""
    angle = 2 * np.pi * (np.arange(count) + 0.5) / count
    places = [(float(radius * np.cos(a)), float(radius * np.sin(a))) for a in angle]
    return standing(generator, places, height, thickness=thickness)


def column(generator: np.random.Generator, height: float, *, reach: float, thickness: float) -> Solid:
    """One column in the middle, on a round plate or on three to five arms that go out as far as `reach`."""
    flat = height * generator.uniform(0.03, 0.08)
    pole = cylinder(thickness / 2, flat / 2, height)
    if generator.random() < 0.4:
        return joined([pole, cylinder(reach, 0.0, flat, top=reach * generator.uniform(0.5, 1.0))])
    count = int(generator.integers(3, 6))
    arms = [box((reach / 2, 0.0, flat / 2), (reach, thickness * 0.7, flat)).rotated(2 * np.pi * k / count)
            for k in range(count)]  # fmt: skip
    return joined([pole, *arms])


def walls(generator: np.random.Generator, size: Sequence[float], height: float, *, thickness: float) -> Solid:
    """Two boards across x, near the ends."""
    inset = thickness / 2 + size[0] * generator.uniform(0.0, 0.15)
    depth = size[1] * generator.uniform(0.75, 1.0)
    x = size[0] / 2 - inset
    return joined(box((side * x, 0.0, height / 2), (thickness, depth, height)) for side in (-1, 1))
