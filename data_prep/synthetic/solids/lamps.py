"""The family of lamps: a foot, a pole or a bent arm or a body, and a shade."""

import numpy as np

from randquant.data_prep.synthetic.solids.round import cylinder, lathe, revolution, tube
from randquant.data_prep.synthetic.solids.solid import Parts, Points, Solid


def lamp(generator: np.random.Generator) -> Parts:
    """For the desk with a bent arm, for the floor with a pole, or for a table with a round body."""
    foot = generator.uniform(0.1, 0.3)
    parts = {"foot": cylinder(foot, 0.0, generator.uniform(0.02, 0.08), top=foot * generator.uniform(0.6, 1.0))}
    style = generator.integers(3)
    if style == 2:
        belly = generator.uniform(0.08, 0.2)
        curve = lathe([(belly * 0.6, 0.02), (belly, 0.25), (belly * 0.3, 0.5), (0.03, 0.65)], 10)
        parts["pole"] = revolution(curve, 12)
        way = np.array([[0.0, 0.0, 0.65]])
    else:
        way = _arm(generator) if style else np.array([[0, 0, 0.02], [0, 0, generator.uniform(0.6, 1.1)]])
        parts["pole"] = tube(way, generator.uniform(0.012, 0.03), sides=8)
    parts["shade"] = _shade(generator).translated(way[-1])
    return parts


def _arm(generator: np.random.Generator) -> Points:
    """Up, then aside, then down or on: two joints, or one bow."""
    height, reach = generator.uniform(0.4, 0.8), generator.uniform(0.25, 0.6)
    if generator.random() < 0.5:
        back = generator.uniform(-0.15, 0.1)
        return np.array([[0, 0, 0.02], [back, 0, 0.55 * height], [back * 0.5 + reach, 0, height]])
    angle = np.linspace(0, np.pi * generator.uniform(0.5, 0.9), 8)
    bow = np.column_stack([reach / 2 * (1 - np.cos(angle)), 0 * angle, height + reach / 2 * np.sin(angle)])
    return np.vstack([[0, 0, 0.02], bow])


def _shade(generator: np.random.Generator) -> Solid:
    """A frustum open below, or a ball."""
    width, height = generator.uniform(0.12, 0.32), generator.uniform(0.12, 0.35)
    if generator.random() < 0.2:
        angle = np.linspace(0, np.pi, 9)
        ball = np.column_stack([width * 0.7 * np.sin(angle), width * 0.7 * (1 - np.cos(angle))])
        ball[[0, -1], 0] = 0
        return revolution(ball, 16)
    top = width * generator.uniform(0.2, 0.95)
    outside = [(width, -height / 2), (top, height / 2)]
    inside = [(top * 0.97, height / 2 * 0.97), (width * 0.98, -height / 2)]
    return revolution([*outside, *inside], 18)
