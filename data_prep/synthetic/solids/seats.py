"""Families of seats: chairs, stools, benches. They share sizes and supports."""

import numpy as np

from randquant.data_prep.synthetic.solids.legs import circle_of_legs, column, corner_legs, standing, walls
from randquant.data_prep.synthetic.solids.round import cylinder, ring, tube
from randquant.data_prep.synthetic.solids.solid import Parts, Solid, box, joined, leaning


def chair(generator: np.random.Generator) -> Parts:
    """A seat with a back, on four legs, a column, or runners; half with arms."""
    width, depth = generator.uniform(0.38, 0.65), generator.uniform(0.38, 0.6)
    height, thickness = generator.uniform(0.35, 0.55), generator.uniform(0.03, 0.12)
    rise = generator.uniform(0.2, 0.65)
    tilt = generator.uniform(0.0, 0.15)
    parts = {
        "seat": box((0, 0, height + thickness / 2), (width, depth, thickness)),
        "back": _back(generator, width, rise, tilt).translated((0, depth / 2, height + thickness)),
    }
    if generator.random() < 0.75:
        parts["leg"] = corner_legs(generator, (width, depth), height, thickness=generator.uniform(0.03, 0.07))
    else:
        parts["leg"] = column(generator, height, reach=width * 0.5, thickness=generator.uniform(0.05, 0.1))
    if generator.random() < 0.45:
        parts["arm"] = _arms(generator, width, depth, height + thickness)
    return parts


def stool(generator: np.random.Generator) -> Parts:
    """A seat without a back, round or square, low or high; often a ring or bars for the feet."""
    width, height = generator.uniform(0.28, 0.5), generator.uniform(0.25, 0.85)
    thickness, leg = generator.uniform(0.02, 0.1), generator.uniform(0.03, 0.06)
    round_seat = generator.random() < 0.6
    if round_seat:
        seat = cylinder(width / 2, height, height + thickness)
    else:
        seat = box((0, 0, height + thickness / 2), (width, width * generator.uniform(0.7, 1.0), thickness))
    if generator.random() < 0.25:
        below = column(generator, height, reach=width * generator.uniform(0.45, 0.6), thickness=leg)
    elif round_seat:
        count = int(generator.integers(3, 5))
        below = circle_of_legs(generator, count, width / 2 - leg, height, thickness=leg)
    else:
        below = corner_legs(generator, (width, width * 0.75), height, thickness=leg)
    if generator.random() < 0.5:
        below = joined([below, ring(width / 2 - leg / 2, 0.012, height=height * generator.uniform(0.25, 0.5))])
    return {"seat": seat, "leg": below}


def bench(generator: np.random.Generator) -> Parts:
    """A long seat of one board or some planks, on walls or legs; less than half have a back."""
    length, depth = generator.uniform(0.8, 1.7), generator.uniform(0.28, 0.5)
    height, thickness = generator.uniform(0.33, 0.5), generator.uniform(0.02, 0.08)
    planks = int(generator.choice([1, 1, 3, 4]))
    wide = depth / planks
    rows = -depth / 2 + wide * (np.arange(planks) + 0.5)
    gap = 1.0 if planks == 1 else 0.8
    seat = joined(box((0, y, height + thickness / 2), (length, wide * gap, thickness)) for y in rows)
    if generator.random() < 0.5:
        below = walls(generator, (length, depth), height, thickness=generator.uniform(0.04, 0.12))
    else:
        leg = generator.uniform(0.04, 0.08)
        below = corner_legs(
            generator, (length, depth), height, thickness=leg, rows=int(generator.choice([2, 3]))
        )  # fmt: skip
    parts = {"seat": seat, "leg": below}
    if generator.random() < 0.4:
        back = _back(generator, length, generator.uniform(0.2, 0.5), generator.uniform(0.0, 0.1))
        parts["back"] = back.translated((0, depth / 2, height + thickness))
    return parts


def _back(generator: np.random.Generator, width: float, rise: float, tilt: float) -> Solid:
    """A panel, bars across or upright bars below a rail; its foot in the middle of the lower edge."""
    thick = generator.uniform(0.02, 0.06)
    style = generator.integers(3)
    if style == 0:
        return leaning((0, -thick / 2, 0), (0, tilt, rise), (width, thick), (width * generator.uniform(0.7, 1), thick))
    posts = [leaning((side * (width - thick) / 2, -thick / 2, 0), (side * (width - thick) / 2, tilt, rise),
                     (thick, thick), (thick, thick)) for side in (-1, 1)]  # fmt: skip
    count = int(generator.integers(2, 6))
    if style == 1:
        levels = np.linspace(0.25, 0.93, count)
        bars = [box((0, tilt * z, rise * z), (width, thick * 0.8, rise * 0.5 / count)) for z in levels]
        return joined([*posts, *bars])
    rail = box((0, tilt, rise - thick / 2), (width, thick, thick * 1.5))
    places = np.linspace(-width / 2, width / 2, count + 2)[1:-1]
    bars = [tube([(x, -thick / 2, 0), (x, tilt, rise - thick / 2)], thick * 0.3, sides=6) for x in places]
    return joined([*posts, rail, *bars])


def _arms(generator: np.random.Generator, width: float, depth: float, seat: float) -> Solid:
    rise, thick = generator.uniform(0.15, 0.25), generator.uniform(0.02, 0.06)
    x = (width - thick) / 2
    tops = [box((side * x, 0, seat + rise), (thick, depth, thick)) for side in (-1, 1)]
    if generator.random() < 0.4:
        return joined([box((side * x, 0, seat + rise / 2), (thick, depth, rise)) for side in (-1, 1)])
    y = depth * generator.uniform(0.3, 0.45)
    posts = standing(generator, [(-x, -y), (x, -y)], rise, thickness=thick).translated((0, 0, seat))
    return joined([*tops, posts])
