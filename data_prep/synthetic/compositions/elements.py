"""The parts that made-up shapes are put together from, each about as large as the unit cube and around the origin."""

from collections.abc import Callable

import numpy as np

from randquant.data_prep.synthetic.solids.round import lathe, revolution, ring, smooth, tube
from randquant.data_prep.synthetic.solids.solid import Points, Solid, block, joined, rectangle, strips

Draw = Callable[[np.random.Generator], Solid]


def slab(generator: np.random.Generator) -> Solid:
    """A box, or one that narrows or leans."""
    narrow, lean = np.ones(2), np.zeros(2)
    if generator.random() < 0.4:
        narrow, lean = generator.uniform(0.1, 1.0, 2), generator.choice([0.0, 0.4]) * generator.normal(size=2)
    low, high = np.array([0, 0, -0.5]), np.array([*lean, 0.5])
    return block(rectangle(1, 1) + low, rectangle(*narrow) + high)


def prism(generator: np.random.Generator) -> Solid:
    """A cylinder, a cone, or what has three to eight sides instead."""
    sides = int(generator.choice([3, 5, 6, 8, 20, 20, 20]))
    top = generator.choice([0.5, 0.5, 0.0, generator.uniform(0.1, 0.9)])
    return revolution([(0, -0.5), (0.5, -0.5), (top, 0.5), (0, 0.5)], sides)


def ball(generator: np.random.Generator) -> Solid:
    """A sphere, half of one, or one that is nearer to a box or a double cone."""
    sharp = generator.choice([1.0, 1.0, generator.uniform(0.4, 2.0)])
    start = generator.choice([0.0, 0.0, np.pi / 2])
    angle = np.linspace(start, np.pi, 12)
    profile = np.column_stack(
        [0.5 * np.abs(np.sin(angle)) ** sharp, -0.5 * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** sharp]
    )
    profile[-1, 0] = 0.0
    return revolution(profile, 18)


def vessel(generator: np.random.Generator) -> Solid:
    """What a smooth curve sweeps about its axis, open or closed above and below."""
    knots = int(generator.integers(3, 6))
    radii = generator.uniform(0.08, 0.5, knots)
    curve = lathe(list(zip(radii, np.linspace(-0.5, 0.5, knots), strict=True)), 14)
    ends = generator.random(2) < (0.8, 0.5)
    closed = [curve[:1] * (0, 1)] * int(ends[0]) + [curve] + [curve[-1:] * (0, 1)] * int(ends[1])
    return revolution(np.concatenate(closed), 18)


def hoop(generator: np.random.Generator) -> Solid:
    """A ring, or a bow of a quarter to three quarters of one."""
    thickness = generator.uniform(0.02, 0.16)
    if generator.random() < 0.5:
        return ring(0.5 - thickness, thickness)
    angle = np.linspace(0, generator.uniform(0.5, 1.5) * np.pi, 14)
    way = (0.5 - thickness) * np.column_stack([np.cos(angle), np.sin(angle), 0 * angle])
    return tube(way, thickness, sides=8)


def rope(generator: np.random.Generator) -> Solid:
    """A tube along a smooth curve, as thick everywhere or swelling and thinning."""
    knots = generator.normal(size=(int(generator.integers(3, 6)), 3))
    knots = np.cumsum(knots * generator.uniform(0.1, 0.5) + generator.normal(size=3), axis=0)
    way = smooth(knots, 16)
    way = (way - way.mean(axis=0)) / np.ptp(way, axis=0).max()
    thick = generator.uniform(0.02, 0.15) * np.ones(16)
    if generator.random() < 0.6:
        thick = thick * smooth(generator.uniform(0.2, 1.5, (3, 1)), 16)[:, 0].clip(0.1)
    return tube(way, thick, sides=8)


def cutout(generator: np.random.Generator) -> Solid:
    """A plate or a block with the outline of a star, a flower, a leaf, or anything round the middle."""
    sides = 36
    angle = 2 * np.pi * np.arange(sides) / sides
    waves = np.arange(1, 6)
    phase = generator.uniform(0, 2 * np.pi, 5) * (generator.random() < 0.5)
    size = generator.normal(size=5) * generator.uniform(0.05, 0.4) / waves**0.5
    radius = np.exp((size[:, None] * np.cos(waves[:, None] * angle + phase[:, None])).sum(axis=0)).clip(0.1, 4)
    outline = np.column_stack([radius * np.cos(angle), radius * np.sin(angle), 0 * angle])
    outline = outline / np.ptp(outline, axis=0).max()
    centre = np.zeros((sides, 3))
    high = np.array([0, 0, 0.5])
    top = generator.choice([1.0, 1.0, generator.uniform(0.0, 1.0)])
    return strips([centre - high, outline - high, top * outline + high, centre + high])


def sheet(generator: np.random.Generator) -> Solid:
    """A thin bent plate: a saddle, a bowl, a roof, a wave."""
    line = np.linspace(-0.5, 0.5, 9)
    x, y = np.meshgrid(line, line, indexing="ij")
    bend = generator.normal(size=5) * (generator.random(5) < 0.5)
    z = bend[0] * x**2 + bend[1] * y**2 + bend[2] * x * y - 0.5 * bend[3] * np.abs(x) + 0.15 * bend[4] * np.sin(6 * x)
    wide = 1 - generator.choice([0.0, generator.uniform(0.0, 0.95)]) * (y + 0.5)
    rings = np.stack([x * wide, y, z], axis=-1)
    return _grid(rings)


def frame(generator: np.random.Generator) -> Solid:
    """The edges of a box as rods, some of them missing."""
    corners = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    edges = [(a, b) for a in range(8) for b in range(a + 1, 8) if (a ^ b).bit_count() == 1]
    thick = generator.uniform(0.01, 0.05)
    kept = generator.random(3) < 0.85  # by the axis along which they run, so that symmetry stays
    rods = [(a, b) for a, b in edges if kept[[4, 2, 1].index(a ^ b)]] or edges
    return joined(tube([corners[a], corners[b]], thick, sides=6) for a, b in rods)


def branches(generator: np.random.Generator) -> Solid:
    """A stem that forks, or stems from one foot, with leaves or none."""
    ends = [(np.zeros(3), np.array([0, 0, 1.0]), generator.uniform(0.03, 0.08))]
    tubes: list[Solid] = []
    fork, spread = int(generator.integers(2, 4)), generator.uniform(0.3, 1.0)
    for _ in range(int(generator.integers(2, 4))):
        tips = []
        for foot, way, thick in ends:
            for _ in range(fork if tubes or generator.random() < 0.3 else 1):
                ahead = way + spread * generator.normal(size=3) * (len(tubes) > 0)
                ahead = ahead / np.linalg.norm(ahead) * generator.uniform(0.5, 1.0)
                tubes.append(tube([foot, foot + ahead], (thick, 0.6 * thick), sides=5))
                tips.append((foot + ahead, 0.75 * ahead, 0.6 * thick))
        ends = tips
    if generator.random() < 0.6:
        size = generator.uniform(0.1, 0.4)
        leaf = ball(generator) if generator.random() < 0.5 else sheet(generator)
        turn = [generator.uniform(0, 2 * np.pi) for _ in ends]
        tubes += [leaf.scaled(size).rotated(a).translated(tip) for a, (tip, _, _) in zip(turn, ends, strict=True)]
    whole = joined(tubes)
    middle = (whole.vertices.max(axis=0) + whole.vertices.min(axis=0)) / 2
    return whole.translated(-middle).scaled(1 / np.ptp(whole.vertices, axis=0).max())


def _grid(rings: Points) -> Solid:
    """The surface over a grid of points (S, T, 3)."""
    rows, columns = rings.shape[:2]
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    return Solid(rings.reshape(-1, 3), (np.stack([first, first + columns, first + columns + 1, first + 1], axis=-1),))


# Each with how often it is drawn.
ELEMENTS: dict[Draw, float] = {
    slab: 5, prism: 4, ball: 3, vessel: 3, hoop: 1.5, rope: 2, cutout: 3, sheet: 2, frame: 1, branches: 0.7
}  # fmt: skip


def draw_element(generator: np.random.Generator) -> Solid:
    """One of `ELEMENTS`."""
    chances = np.array(list(ELEMENTS.values()))
    return list(ELEMENTS)[generator.choice(len(chances), p=chances / chances.sum())](generator)
