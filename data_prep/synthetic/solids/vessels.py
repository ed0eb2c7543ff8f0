"""Families of vessels (surfaces of revolution): bottles, vases, bowls, cups. Their proportions overlap."""

import numpy as np

from randquant.data_prep.synthetic.solids.round import cylinder, lathe, revolution, tube
from randquant.data_prep.synthetic.solids.solid import Parts, Points, Solid, joined

_POINTS = 14  # along the outer curve
_SIDES = 18


def bottle(generator: np.random.Generator) -> Parts:
    """A body that narrows, at a shoulder or gently, to a neck of a quarter to a half of its width; some with a cap."""
    radius, neck = generator.uniform(0.12, 0.25), generator.uniform(0.2, 0.5)
    shoulder, slope = generator.uniform(0.35, 0.75), generator.uniform(0.06, 0.25)
    end = min(shoulder + slope, 0.93)
    waist = radius * generator.uniform(0.85, 1.1)
    curve = [(radius, 0.0), (waist, 0.4 * shoulder), (radius, shoulder), (radius * neck, end), (radius * neck, 1.0)]
    closed = generator.random() < 0.4
    parts = {"body": _vessel(lathe(curve, _POINTS), generator.uniform(0.01, 0.03), filled=closed)}
    if closed:
        low = generator.uniform(0.92, 0.97)
        parts["cap"] = cylinder(radius * neck * generator.uniform(1.05, 1.4), low, generator.uniform(1.01, 1.06))
    return parts


def vase(generator: np.random.Generator) -> Parts:
    """A curved, open body: its foot, belly, neck and lip of any width; some with two handles."""
    belly = generator.uniform(0.15, 0.42)
    foot, neck = belly * generator.uniform(0.4, 0.95), belly * generator.uniform(0.3, 0.95)
    lip = neck * generator.uniform(0.95, 1.6)
    middle, high = generator.uniform(0.3, 0.6), generator.uniform(0.72, 0.88)
    curve = lathe([(foot, 0.0), (belly, middle), (neck, high), (lip, 1.0)], _POINTS)
    parts = {"body": _vessel(curve, generator.uniform(0.01, 0.04))}
    if generator.random() < 0.2:
        grip = _handle(generator, curve, generator.uniform(0.35, 0.5), generator.uniform(0.75, 0.9))
        parts["handle"] = joined([grip, grip.rotated(np.pi)])
    return parts


def bowl(generator: np.random.Generator) -> Parts:
    """Wide and open, a third to once as high as its radius, on a foot or none."""
    height, foot = generator.uniform(0.3, 1.0), generator.uniform(0.25, 0.7)
    round_wall = generator.uniform(0.35, 0.85)
    base = generator.choice([0.0, generator.uniform(0.03, 0.12)])
    curve = [(foot, base), (foot + (1 - foot) * round_wall, base + 0.4 * height), (1.0, base + height)]
    outline = lathe(curve, _POINTS - 2)
    parts = {"body": _vessel(outline, generator.uniform(0.02, 0.08))}
    if base:
        parts["foot"] = cylinder(foot * generator.uniform(0.6, 1.0), 0.0, base * 1.05)
    return parts


def cup(generator: np.random.Generator) -> Parts:
    """An open body as high as wide or a little more or less, nearly always with a handle, some on a saucer."""
    height, foot = generator.uniform(0.7, 1.5), generator.uniform(0.45, 1.0)
    belly = generator.uniform(0.75, 1.1)
    radius = 0.5
    curve = lathe([(radius * foot, 0.0), (radius * belly, 0.45 * height), (radius, height)], _POINTS - 2)
    parts = {"body": _vessel(curve, generator.uniform(0.02, 0.06))}
    if generator.random() < 0.9:
        low, high = generator.uniform(0.12, 0.3), generator.uniform(0.65, 0.9)
        parts["handle"] = _handle(generator, curve, low, high)
    if generator.random() < 0.15:
        wide = radius * generator.uniform(1.3, 1.8)
        parts["saucer"] = _vessel(np.array([(radius * foot, -0.04), (wide, 0.1)]), 0.03)
    return parts


def _vessel(outside: Points, thickness: float, *, filled: bool = False) -> Solid:
    """A wall around an outer curve (P, 2) from the foot to the lip, hollow unless filled, with a floor."""
    low, high = outside[0, 1], outside[-1, 1]
    outer = np.vstack([[0.0, low], outside])
    if filled:
        return revolution(np.vstack([outer, [0.0, high]]), _SIDES)
    wall = thickness * (high - low)
    inner = outside[::-2].copy()
    inner[:, 0] = np.maximum(inner[:, 0] - wall, 0.3 * inner[:, 0])
    inner[-1, 1] += wall
    inner = inner[np.r_[True, np.diff(inner[:, 1]) < 0]]
    return revolution(np.vstack([outer, inner, [0.0, inner[-1, 1]]]), _SIDES)


def _handle(generator: np.random.Generator, outside: Points, low: float, high: float) -> Solid:
    """A bow from one share of the height to another, on the side of +x."""
    base, top = outside[0, 1], outside[-1, 1]
    ends = [base + share * (top - base) for share in (low, high)]
    start, stop = (float(np.interp(z, outside[:, 1], outside[:, 0])) for z in ends)
    reach = (ends[1] - ends[0]) * generator.uniform(0.4, 0.8)
    angle = np.linspace(0.0, np.pi, 9)
    sharp = generator.uniform(0.5, 1.0)  # below 1, a handle of straighter sides
    out = np.sin(angle) ** sharp
    up = (1 - np.cos(angle)) / 2
    way = np.column_stack([start + (stop - start) * up + reach * out, np.zeros(9), ends[0] + (ends[1] - ends[0]) * up])
    way[[0, -1], 0] -= 0.02 * (top - base)  # into the wall
    return tube(way, (top - base) * generator.uniform(0.025, 0.06), sides=6)
