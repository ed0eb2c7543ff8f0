"""A plan of made-up shapes, which has no files: a shape is drawn from its number."""

from functools import partial
from pathlib import Path

from randquant.data_prep.engine.plan import Item, Plan, Reader, Reading
from randquant.data_prep.formats.meshes.mesh import Mesh
from randquant.data_prep.sampled_cloud import check_points
from randquant.data_prep.shapes import POINTS, UP, finished, point_settings
from randquant.data_prep.surface import sample_surface
from randquant.data_prep.synthetic.compositions.composition import draw_composition
from randquant.data_prep.synthetic.solids.families import FAMILIES, draw_shape, numpy_generator
from randquant.data_prep.synthetic.solids.solid import joined
from randquant.errors import UsageError
from randquant.pointcloud.points.layout import XYZ_NORMALS

_PARTS, _TURN = 5, 8  # of eight shapes in turn, the first five are put together from random parts


def plan_made_up_shapes(*, shapes: int = 8000, points: int = POINTS, seed: int = 0) -> Plan:
    """Make up shapes to pretrain on: random parts put together, and things of fifteen families.

    Three of eight are things, such as chairs, lamps and aeroplanes; the others are random parts, copied in symmetry,
    put together and bent. Nothing is read, and nothing is labelled: shape i depends on `seed` and i alone, so that of
    two stores the smaller one is the beginning of the larger.

    Args:
        shapes: how many.
        points: drawn from the surface of each.
        seed: of everything that is drawn.

    Raises:
        UsageError: a number is out of range.
    """
    check_points(points)
    if shapes < 1 or seed < 0:
        raise UsageError(f"--shapes should be at least 1 and --seed 0, got {shapes} and {seed}.")
    items = [Item(f"{number:06d}", 0) for number in range(shapes)]
    settings = point_settings(XYZ_NORMALS.channels, points, file_up=UP, sampling="area", seed=seed)
    reader = Reader("points", partial(_draw, points=points, seed=seed), settings)
    return Plan(Path("made-up"), items, reader, {"dataset": "made-up shapes", "title": "made-up shapes"})


def family_of(number: int) -> str | None:
    """The family of the shape of this number; None where it is put together from random parts.

    >>> [family_of(number) for number in range(6)]
    [None, None, None, None, None, 'airplane']
    """
    turn, place = divmod(number, _TURN)
    things = _TURN - _PARTS
    return list(FAMILIES)[(turn * things + place - _PARTS) % len(FAMILIES)] if place >= _PARTS else None


def _draw(path: Path, *, points: int, seed: int) -> Reading:
    """The shape of this number."""
    generator, family = numpy_generator(seed, "made-up", path.name), family_of(int(path.name))
    solid = draw_composition(generator) if family is None else joined(draw_shape(family, generator=generator).values())
    mesh = Mesh(solid.vertices, solid.triangles())
    places, normals = sample_surface(mesh, points, seed=seed)
    return {"vertices": len(mesh.vertices), "faces": len(mesh.faces)}, [finished(places, up=UP, normals=normals)]
