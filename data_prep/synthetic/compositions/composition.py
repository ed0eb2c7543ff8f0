"""A made-up shape: a body, parts that grow on it in symmetric copies, legs, and the whole bent, twisted or tapered."""

from typing import Literal

import numpy as np

from randquant.data_prep.synthetic.compositions.elements import draw_element
from randquant.data_prep.synthetic.solids.solid import Points, Solid, joined

Copies = Literal["alone", "mirrored", "across", "four", "row", "circle"]
# As often as they are named.
_COPIES: tuple[Copies, ...] = ("alone", "alone", "mirrored", "mirrored", "across", "four", "row", "circle")
_LEGS: tuple[Copies, ...] = ("four", "circle")
_MOST_VERTICES = 20_000
_UPRIGHT = (np.eye(3), np.eye(3)[:, [2, 0, 1]], np.eye(3)[:, [1, 2, 0]])  # an element's axis along z, x or y


def draw_composition(generator: np.random.Generator) -> Solid:
    """A random shape, z up, around the origin and about as large as 1."""
    parts = [_body(generator)]
    if generator.random() < 0.3:
        parts += copies(generator, _legs(generator, parts[0]), _LEGS[generator.integers(len(_LEGS))])
    for _ in range(int(generator.integers(0, 6))):
        part = _grown(generator, parts[int(generator.integers(len(parts)))])
        parts += copies(generator, part, _COPIES[generator.integers(len(_COPIES))])
        if sum(len(solid.vertices) for solid in parts) > _MOST_VERTICES:
            break
    whole = joined(parts)
    return _bent(generator, Solid(_unit(whole.vertices), whole.faces))


def _body(generator: np.random.Generator) -> Solid:
    return _placed(draw_element(generator), _turn(generator), _extent(generator, 0.5), np.zeros(3))


def _extent(generator: np.random.Generator, spread: float) -> Points:
    """Sizes along three axes; some flat as a board or thin as a rod."""
    size = np.exp(spread * generator.normal(size=3))
    kind = generator.random()
    if kind < 0.2:
        size[generator.integers(3)] *= generator.uniform(0.03, 0.2)
    elif kind < 0.4:
        size[generator.permutation(3)[:2]] *= generator.uniform(0.05, 0.3)
    return size


def _turn(generator: np.random.Generator) -> Points:
    """A rotation: the axis along z, x or y, or now and then in any direction."""
    if generator.random() < 0.15:
        turn, _ = np.linalg.qr(generator.normal(size=(3, 3)))
        return turn
    return _UPRIGHT[generator.choice(3, p=(0.6, 0.2, 0.2))]


def _placed(solid: Solid, turn: Points, size: Points, place: Points) -> Solid:
    return Solid((solid.vertices @ turn.T) * size + place, solid.faces)


def _grown(generator: np.random.Generator, parent: Solid) -> Solid:
    """An element on the surface of another, that sticks out, lies on it or goes through it."""
    low, high = parent.vertices.min(axis=0), parent.vertices.max(axis=0)
    middle, reach = (low + high) / 2, max(float((high - low).max()), 1e-3)
    anchor = parent.vertices[generator.integers(len(parent.vertices))]
    size = reach * generator.uniform(0.12, 0.9) * _extent(generator, 0.3)
    way = (anchor - middle) / np.maximum(high - low, 1e-6)
    if generator.random() < 0.6:  # straight away from the middle along one axis
        axis = int(np.abs(way).argmax()) if generator.random() < 0.6 else 2
        way = np.where(np.arange(3) == axis, np.sign(way[axis]) or 1.0, 0.0)
        if generator.random() < 0.5:  # in the middle of that side
            anchor = np.where(np.arange(3) == axis, anchor, middle)
    way = way / max(float(np.linalg.norm(way)), 1e-6)
    return _placed(draw_element(generator), _turn(generator), size, anchor + generator.uniform(-0.1, 0.5) * way * size)


def _legs(generator: np.random.Generator, body: Solid) -> Solid:
    """One leg below a corner of the body."""
    low, high = body.vertices.min(axis=0), body.vertices.max(axis=0)
    length = generator.uniform(0.2, 1.5) * max(high - low)
    thick = generator.uniform(0.03, 0.12) * max((high - low)[:2])
    place = np.array([*(high[:2] * generator.uniform(0.6, 1.0)), low[2] - length / 2])
    return _placed(draw_element(generator), np.eye(3), np.array([thick, thick, length]), place)


def copies(generator: np.random.Generator, part: Solid, kind: Copies) -> list[Solid]:
    """The part alone, or with others like it that make the shape symmetric, or a row of them."""
    if kind in ("mirrored", "across"):
        return [part, part.mirrored(int(kind == "across"))]
    if kind == "four":
        return [part, part.mirrored(0), part.mirrored(1), part.mirrored(0).mirrored(1)]
    if kind == "row":
        step = generator.uniform(0.8, 2.0) * np.ptp(part.vertices, axis=0) * np.eye(3)[generator.integers(3)]
        return [part.translated(step * number) for number in range(int(generator.integers(2, 5)))]
    if kind == "circle":
        count = int(generator.integers(3, 9))
        return [part.rotated(2 * np.pi * number / count) for number in range(count)]
    return [part]


def _unit(points: Points) -> Points:
    centred = points - (points.max(axis=0) + points.min(axis=0)) / 2
    return centred / max(float(np.abs(centred).max()), 1e-9)


def _bent(generator: np.random.Generator, solid: Solid) -> Solid:
    """Tapered, twisted, bent or stretched, or none of them, about a random axis."""
    x = solid.vertices
    for change in (_taper, _twist, _bend):
        if generator.random() < 0.2:
            turn = _UPRIGHT[generator.integers(3)]
            x = change(x @ turn.T, generator.normal()) @ turn
    return Solid(x * np.exp(0.25 * generator.normal(size=3)), solid.faces)


def _taper(x: Points, much: float) -> Points:
    return np.column_stack([x[:, :2] * np.exp(0.6 * much * x[:, 2:]), x[:, 2]])


def _twist(x: Points, much: float) -> Points:
    angle = 0.8 * much * x[:, 2]
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.column_stack([cosine * x[:, 0] - sine * x[:, 1], sine * x[:, 0] + cosine * x[:, 1], x[:, 2]])


def _bend(x: Points, much: float) -> Points:
    return np.column_stack([x[:, 0] + 0.4 * much * x[:, 2] ** 2, x[:, 1:]])
