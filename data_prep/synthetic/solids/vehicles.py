"""Families of vehicles: aeroplanes and cars, both along x."""

import numpy as np

from randquant.data_prep.synthetic.solids.round import cylinder, lathe, tube
from randquant.data_prep.synthetic.solids.solid import Parts, Solid, block, joined, leaning


def airplane(generator: np.random.Generator) -> Parts:
    """A body with wings, straight or swept, high or low, a tail, and no to four engines."""
    radius = generator.uniform(0.04, 0.09)
    profile = [(0.15, 0.0), (1.0, 0.15), (1.0, generator.uniform(0.4, 0.7)), (0.2, 1.0)]
    curve = lathe([(r * radius, x) for r, x in profile], 12)
    axis = np.column_stack([0.5 - curve[:, 1], 0 * curve[:, 1], 0 * curve[:, 1]])
    parts = {"body": tube(axis, curve[:, 0], sides=12)}
    span, chord = generator.uniform(0.3, 0.65), generator.uniform(0.1, 0.28)
    sweep, place = generator.uniform(0.0, 0.4), generator.uniform(-0.05, 0.15)
    level = radius * generator.uniform(-0.7, 0.9)
    wing = _wing(span, chord, chord * generator.uniform(0.25, 1.0), sweep, generator.uniform(-0.03, 0.1))
    wing = wing.translated((place, 0, level))
    parts["wing"] = joined([wing, wing.mirrored(1)])
    parts["tail"] = _tail(generator, span, radius)
    count = int(generator.choice([0, 0, 1, 1, 2]))
    if count:
        parts["engine"] = _engines(generator, count, span, sweep, place, level, radius)
    return parts


def _wing(span: float, root: float, tip: float, sweep: float, rise: float) -> Solid:
    """From the middle to the left; `root` and `tip` are its lengths along x there."""
    thick = 0.12 * root
    back = sweep * span
    outline = np.array([[root / 2, 0], [tip / 2 - back, span], [-tip / 2 - back, span], [-root / 2, 0]])
    heights = np.array([0, rise * span, rise * span, 0])
    half = np.array([thick, thick * 0.4, thick * 0.4, thick]) / 2
    return block(np.column_stack([outline, heights - half]), np.column_stack([outline, heights + half]))


def _tail(generator: np.random.Generator, span: float, radius: float) -> Solid:
    chord = generator.uniform(0.06, 0.12)
    high = generator.uniform(0.1, 0.22)
    flat = _wing(span * generator.uniform(0.25, 0.45), chord, chord * 0.6, generator.uniform(0.1, 0.5), 0.0)
    flat = flat.translated((-0.45, 0, generator.choice([0.0, 0.0, high])))
    fin = leaning((-0.44, 0, 0), (-0.44 - high * generator.uniform(0.1, 0.6), 0, high + 0.1 * radius),
                  (chord * 1.3, 0.015), (chord * 0.7, 0.008))  # fmt: skip
    return joined([flat, flat.mirrored(1), fin])


def _engines(
    generator: np.random.Generator, count: int, span: float, sweep: float, place: float, level: float, radius: float
) -> Solid:
    long, wide = generator.uniform(0.08, 0.16), radius * generator.uniform(0.3, 0.6)
    below = generator.choice([-1.0, 0.0]) * wide
    pods = []
    for number in range(count):
        y = span * (0.3 + 0.28 * number)
        x = place - sweep * y + 0.03
        pods.append(
            tube([(x - long / 2, y, level + below), (x + long / 2, y, level + below)], (wide * 0.7, wide), sides=10)
        )
    return joined([*pods, *(pod.mirrored(1) for pod in pods)])


def car(generator: np.random.Generator) -> Parts:
    """A body with a cabin in the middle, behind or all over, as of saloons, pick-ups and vans, on four wheels."""
    length, width = 1.0, generator.uniform(0.36, 0.48)
    low, height = generator.uniform(0.06, 0.11), generator.uniform(0.12, 0.22)
    top = low + height
    parts = {
        "body": leaning((0, 0, low), (0, 0, top), (length, width), (length * generator.uniform(0.9, 1), width * 0.95))
    }
    cabin, rise = generator.uniform(0.25, 0.8), generator.uniform(0.1, 0.28)
    place = generator.uniform(-0.5, 0.5) * (1 - cabin) * length * 0.8
    shrink = generator.uniform(0.6, 0.95)
    shift = generator.uniform(-0.05, 0.05)
    parts["roof"] = leaning((place, 0, top), (place + shift, 0, top + rise),
                            (cabin * length, width * 0.93), (cabin * length * shrink, width * 0.8))  # fmt: skip
    wheel, thick = generator.uniform(0.07, 0.12), generator.uniform(0.05, 0.09)
    base = length * generator.uniform(0.27, 0.35)
    places = [(x, y) for x in (-base, base) for y in (-width / 2, width / 2)]
    standing = cylinder(wheel, -thick / 2, thick / 2, sides=16)
    x, y, z = standing.vertices.T
    round_wheel = Solid(np.column_stack([x, -z, y]), standing.faces)  # rotated by 90 degrees about x
    parts["wheel"] = joined(round_wheel.translated((x, y, wheel)) for x, y in places)
    if generator.random() < 0.2:
        parts["spoiler"] = leaning(
            (-length * 0.47, 0, top), (-length * 0.49, 0, top + 0.1), (0.03, width * 0.8), (0.06, width * 0.9)
        )
    return parts
