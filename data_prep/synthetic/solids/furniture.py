"""Families of furniture: tables, beds, night stands, bookshelves, stairs."""

import numpy as np

from randquant.data_prep.synthetic.solids.legs import circle_of_legs, column, corner_legs, walls
from randquant.data_prep.synthetic.solids.round import cylinder
from randquant.data_prep.synthetic.solids.solid import Parts, Solid, block, box, joined


def table(generator: np.random.Generator) -> Parts:
    """A round or rectangular top, low or high, on three to six legs, a column or walls."""
    length, width = generator.uniform(0.5, 1.8), generator.uniform(0.45, 0.9)
    height, thickness = generator.uniform(0.3, 0.85), generator.uniform(0.02, 0.08)
    leg = generator.uniform(0.03, 0.09)
    if generator.random() < 0.3:
        top = cylinder(width / 2, height, height + thickness)
        count = int(generator.integers(3, 6))
        legs = circle_of_legs(generator, count, width / 2 - leg, height, thickness=leg)
    else:
        top = box((0, 0, height + thickness / 2), (length, width, thickness))
        legs = _below(generator, length, width, height, leg)
    if generator.random() < 0.25:
        reach = width * generator.uniform(0.3, 0.5)
        legs = column(generator, height, reach=reach, thickness=generator.uniform(0.05, 0.12))
    return {"top": top, "leg": legs}


def _below(generator: np.random.Generator, length: float, width: float, height: float, leg: float) -> Solid:
    if generator.random() < 0.2:
        return walls(generator, (length, width), height, thickness=leg)
    rows = 3 if length > 1.4 and generator.random() < 0.4 else 2
    legs = corner_legs(generator, (length, width), height, thickness=leg, rows=rows)
    if generator.random() < 0.4:  # a frame below the top
        deep = generator.uniform(0.05, 0.12)
        sides = [
            box((0, side * (width / 2 - leg), height - deep / 2), (length - 2 * leg, 0.02, deep)) for side in (-1, 1)
        ]
        legs = joined([legs, *sides])
    return legs


def bed(generator: np.random.Generator) -> Parts:
    """A frame with a mattress, a board at the head, often one at the foot, sometimes pillows."""
    width, length = generator.uniform(0.8, 2.0), generator.uniform(1.8, 2.2)
    foot, frame = generator.uniform(0.05, 0.35), generator.uniform(0.08, 0.3)
    head = foot + frame + generator.uniform(0.1, 0.7)
    soft = generator.uniform(0.1, 0.25)
    body = [box((0, 0, foot + frame / 2), (width, length, frame))]
    inner = generator.uniform(0.9, 0.98)
    body.append(box((0, 0, foot + frame + soft / 2), (width * inner, length * inner, soft)))
    for number in range(int(generator.integers(0, 3))):
        x = (number - 0.5) * width * 0.45
        body.append(box((x, length * 0.4, foot + frame + soft + 0.05), (width * 0.38, length * 0.15, 0.1)))
    boards = [box((0, length / 2, head / 2), (width, generator.uniform(0.03, 0.1), head))]
    if generator.random() < 0.5:
        low = foot + frame + generator.uniform(0.0, 0.4)
        boards.append(box((0, -length / 2, low / 2), (width, 0.05, low)))
    legs = corner_legs(generator, (width, length), foot, thickness=generator.uniform(0.05, 0.12))
    return {"body": joined(body), "board": joined(boards), "leg": legs}


def night_stand(generator: np.random.Generator) -> Parts:
    """A small cupboard with drawers or an open compartment, on short legs or none."""
    width, depth = generator.uniform(0.35, 0.6), generator.uniform(0.3, 0.5)
    foot, height = generator.choice([0.0, generator.uniform(0.05, 0.3)]), generator.uniform(0.25, 0.6)
    thick = generator.uniform(0.015, 0.04)
    drawers = int(generator.integers(0, 4))
    levels = 1 + (drawers > 1 or generator.random() < 0.5)
    body = _case(width, depth, height, thick, levels, back=True)
    overhang = generator.uniform(1.0, 1.15)
    pieces = [body, box((0, 0, height), (width * overhang, depth * overhang, thick))]
    high = (height - thick) / max(2, drawers)
    for number in range(drawers):
        z = height - thick / 2 - high * (number + 0.5)
        pieces.append(box((0, -depth / 2, z), (width * 0.92, thick, high * 0.88)))
        pieces.append(box((0, -depth / 2 - thick, z), (width * generator.uniform(0.05, 0.3), thick, 0.02)))
    parts = {"body": joined(pieces).translated((0, 0, foot))}
    if foot:
        parts["leg"] = corner_legs(generator, (width, depth), foot, thickness=generator.uniform(0.025, 0.05))
    return parts


def bookshelf(generator: np.random.Generator) -> Parts:
    """Two sides and two to seven boards, half with a back wall, some with a wall in the middle or books."""
    width, depth = generator.uniform(0.5, 1.4), generator.uniform(0.2, 0.45)
    height, thick = generator.uniform(0.6, 2.1), generator.uniform(0.015, 0.05)
    levels = int(generator.integers(2, 7))
    body = _case(width, depth, height, thick, levels, back=generator.random() < 0.5)
    pieces = [body]
    if width > 0.9 and generator.random() < 0.5:
        pieces.append(box((0, 0, height / 2), (thick, depth, height)))
    parts = {"body": joined(pieces)}
    if generator.random() < 0.3:
        rise = height / levels
        rows = generator.integers(0, levels, size=int(generator.integers(1, 5)))
        blocks = [generator.uniform((0.1, 0.5), (0.4, 0.8)) for _ in rows]
        parts["book"] = joined(
            box(
                (-width / 2 + width * (thick + long / 2), 0, rise * (row + tall / 2)),
                (width * long, depth * 0.7, rise * tall),
            )
            for row, (long, tall) in zip(rows, blocks, strict=True)
        )
    return parts


def _case(width: float, depth: float, height: float, thick: float, levels: int, *, back: bool) -> Solid:
    """A cupboard of `levels` stacked compartments, open towards -y."""
    sides = [box((side * (width - thick) / 2, 0, height / 2), (thick, depth, height)) for side in (-1, 1)]
    rows = np.linspace(thick / 2, height - thick / 2, levels + 1)
    boards = [box((0, 0, z), (width, depth, thick)) for z in rows]
    wall = [box((0, depth / 2, height / 2), (width, thick * 0.5, height))] if back else []
    return joined([*sides, *boards, *wall])


def stairs(generator: np.random.Generator) -> Parts:
    """Three to twelve steps, solid down to the floor or boards between two strings; some with a rail."""
    steps, width = int(generator.integers(3, 13)), generator.uniform(0.5, 1.4)
    run, rise = generator.uniform(0.2, 0.35), generator.uniform(0.13, 0.24)
    full = generator.random() < 0.5
    thick = generator.uniform(0.03, 0.06)
    pieces = []
    for number in range(steps):
        top = (number + 1) * rise
        size = (width, run, top) if full else (width, run * 1.1, thick)
        pieces.append(box((0, (number + 0.5) * run, top - size[2] / 2), size))
    parts = {"step": joined(pieces)}
    sides = (-1, 1) if generator.random() < 0.6 else (1,)
    if not full:
        parts["string"] = joined(_sloping(side * width / 2, 0.0, steps * run, rise * steps, 0.2) for side in (-1, 1))
    if generator.random() < 0.4:
        parts["rail"] = joined(_rail(side * width / 2, steps, run, rise) for side in sides)
    return parts


def _sloping(x: float, low: float, length: float, rise: float, deep: float) -> Solid:
    """A board next to the steps that goes up with them."""
    y = np.array([[x - 0.02, 0], [x + 0.02, 0], [x + 0.02, length], [x - 0.02, length]])
    slope = low + np.array([0, 0, rise, rise])
    return block(np.column_stack([y, slope - deep / 2]), np.column_stack([y, slope + deep / 2]))


def _rail(x: float, steps: int, run: float, rise: float) -> Solid:
    posts = [box((x, (number + 0.5) * run, (number + 1) * rise + 0.4), (0.03, 0.03, 0.8)) for number in range(steps)]
    return joined([*posts, _sloping(x, 0.85 + rise / 2, steps * run, rise * steps, 0.05)])
