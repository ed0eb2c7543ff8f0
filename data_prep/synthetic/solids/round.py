"""Round solids: surfaces of revolution about z, and tubes along a path."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from randquant.data_prep.synthetic.solids.solid import Faces, Points, Solid, capped, strips

SIDES = 20  # of what is round


def revolution(profile: Sequence[tuple[float, float]] | Points, sides: int = SIDES) -> Solid:
    """The surface that a curve sweeps about z; an end away from the axis stays open.

    Args:
        profile: radius and height along the curve, at least one of them away from the axis; a curve that goes up on
            the outside faces outwards.
        sides: points around.
    """
    curve = np.asarray(profile, dtype=np.float64)
    angle = 2 * np.pi * np.arange(sides) / sides
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    rings = [np.column_stack([radius * circle, np.full(sides, height)]) for radius, height in curve]
    pointed = [bool(radius <= 0) for radius in curve[[0, -1], 0]]
    wall = strips(rings[pointed[0] : len(rings) - pointed[1]])
    ends = [("bottom", rings[0][:1])] * pointed[0] + [("top", rings[-1][:1])] * pointed[1]
    faces = [_cone(wall, sides, tip, end) for tip, (end, _) in enumerate(ends, start=len(wall.vertices))]
    vertices = np.concatenate([wall.vertices, *(tip for _, tip in ends)])
    return Solid(vertices, (*([np.concatenate(faces)] if faces else []), *(f for f in wall.faces if len(f))))


def _cone(wall: Solid, sides: int, tip: int, end: str) -> Faces:
    """Triangles from the first or last ring of a wall to its tip."""
    here = np.arange(sides, dtype=np.int64)
    there = (here + 1) % sides
    if end == "bottom":
        return np.stack([there, here, np.full_like(here, tip)], axis=-1)
    last = len(wall.vertices) - sides
    return np.stack([here + last, there + last, np.full_like(here, tip)], axis=-1)


def cylinder(radius: float, low: float, high: float, *, top: float | None = None, sides: int = SIDES) -> Solid:
    """A closed cylinder about z; a frustum where `top` gives another radius above."""
    return capped(revolution([(radius, low), (radius if top is None else top, high)], sides), sides)


def tube(way: ArrayLike, radius: ArrayLike, *, sides: int = 8, closed: bool = False) -> Solid:
    """A round tube along a path, with flat ends.

    Args:
        way: (P, 3) points of its middle line, no two following ones equal.
        radius: one for all points, or one for each.
        sides: points around.
        closed: whether the way goes back to its start; the tube is a ring then.
    """
    line = np.asarray(way, dtype=np.float64)
    radii = np.broadcast_to(np.asarray(radius, dtype=np.float64), (len(line),))
    angle = 2 * np.pi * np.arange(sides) / sides
    rings = [
        centre + reach * (np.cos(angle)[:, None] * across + np.sin(angle)[:, None] * beside)
        for centre, reach, (across, beside) in zip(line, radii, _frames(line, closed), strict=True)
    ]
    pipe = strips(rings, closed=closed)
    return pipe if closed else capped(pipe, sides)


def _frames(line: Points, closed: bool) -> list[tuple[Points, Points]]:
    """Two directions normal to the path at each point, with minimal twist."""
    ahead = np.roll(line, -1, axis=0) - np.roll(line, 1, axis=0) if closed else np.gradient(line, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    across = np.eye(3)[np.argmin(np.abs(ahead[0]))]
    frames = []
    for direction in ahead:
        across = across - direction * (across @ direction)
        across = across / np.linalg.norm(across)
        frames.append((across, np.cross(direction, across)))
    return frames


def ring(radius: float, thickness: float, *, height: float = 0.0, sides: int = SIDES) -> Solid:
    """A torus around z at a height; `thickness` is the radius of its tube."""
    angle = 2 * np.pi * np.arange(sides) / sides
    way = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.full(sides, height)], axis=-1)
    return tube(way, thickness, closed=True)


def lathe(points: Sequence[tuple[float, float]], count: int) -> Points:
    """(count, 2) radius and height along a smooth curve through the given ones, none below 0."""
    return np.maximum(smooth(points, count), 0.0)


def smooth(points: ArrayLike, count: int) -> Points:
    """(count, C) along a curve through the points (K, C), at least two: a cubic Hermite curve, with the slopes of their
    neighbours."""
    knots = np.asarray(points, dtype=np.float64)
    place = np.linspace(0, len(knots) - 1, count)
    index = np.clip(place.astype(int), 0, len(knots) - 2)
    share = (place - index)[:, None]
    slope = np.gradient(knots, axis=0)
    before, after = knots[index], knots[index + 1]
    start, end = slope[index], slope[index + 1]
    bend = share * (1 - share)
    curve: Points = before + (after - before) * share**2 * (3 - 2 * share)
    return curve + bend * ((1 - share) * start - share * end)
