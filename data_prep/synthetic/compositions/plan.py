"""A plan of made-up shapes, which has no files: a shape is drawn from its number."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from randquant.data_prep.engine.plan import Item, Plan, Reader
from randquant.data_prep.formats.meshes.mesh import Mesh
from randquant.data_prep.sampled_cloud import check_points
from randquant.data_prep.shapes import POINTS, finished, point_settings
from randquant.data_prep.surface import sample_surface
from randquant.data_prep.synthetic.compositions.composition import draw_composition
from randquant.data_prep.synthetic.solids.families import numpy_generator
from randquant.errors import UsageError
from randquant.pointcloud.points.layout import XYZ_NORMALS


def plan_made_up_shapes(*, shapes: int = 5000, points: int = POINTS, seed: int = 0) -> Plan:
    """Make up shapes to pretrain on: random parts, copied in symmetry, put together and bent.

    Nothing is read: shape i depends on `seed` and i alone, so that of two stores the smaller one is the beginning of
    the larger.

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
    settings = point_settings(XYZ_NORMALS.channels, points, file_up="z", sampling="area", seed=seed)
    reader = Reader("points", partial(_draw, points=points, seed=seed), settings)
    return Plan(Path("made-up"), items, reader, {"dataset": "made-up shapes"})


def _draw(path: Path, *, points: int, seed: int) -> tuple[dict[str, Any], Iterable[NDArray]]:
    """The shape of this number."""
    solid = draw_composition(numpy_generator(seed, path.name))
    mesh = Mesh(solid.vertices, solid.triangles())
    places, normals = sample_surface(mesh, points, seed=seed)
    return {"vertices": len(mesh.vertices), "faces": len(mesh.faces)}, [finished(places, up="z", normals=normals)]
