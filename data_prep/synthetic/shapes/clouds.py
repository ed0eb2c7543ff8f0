"""Synthetic point clouds in the usual published form: points in random order, y up, in the unit sphere."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.formats.meshes.mesh import Mesh
from randquant.data_prep.surface import sample_surface
from randquant.data_prep.synthetic.solids.families import draw_shape, numpy_generator
from randquant.data_prep.synthetic.solids.solid import Parts
from randquant.pointcloud.points.axes import turn_up


@dataclass(frozen=True)
class DrawnCloud:
    """Points of one shape.

    Attributes:
        points: (N, 3) float32 coordinates, y up, centroid at the origin, the farthest at distance 1.
        normals: (N, 3) float32 of unit length.
        parts: (N,) the part that each point is of, by its place in the shape.
    """

    points: NDArray[np.float32]
    normals: NDArray[np.float32]
    parts: NDArray[np.int64]


def draw_cloud(family: str, count: int, *, seed: int, name: str) -> DrawnCloud:
    """Draw `count` points on a shape of a family, determined by seed and name."""
    generator = numpy_generator(seed, family, name)
    return sampled(draw_shape(family, generator=generator), count, generator=generator)


def sampled(parts: Parts, count: int, *, generator: np.random.Generator) -> DrawnCloud:
    """Draw `count` points on a shape, in proportion to the area of each part."""
    meshes = [Mesh(solid.vertices, solid.triangles()) for solid in parts.values()]
    areas = np.array([mesh.areas.sum() for mesh in meshes])
    counts = generator.multinomial(count, areas / areas.sum())
    drawn = [sample_surface(mesh, number, seed=number) for mesh, number in zip(meshes, counts, strict=True) if number]
    places = np.repeat(np.arange(len(meshes)), counts)
    points, normals = (np.concatenate(arrays) for arrays in zip(*drawn, strict=True))
    order = generator.permutation(count)
    centred = points - points.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1).max()
    upright, turned = (turn_up(array[order], "z", "y").astype(np.float32) for array in (centred, normals))
    return DrawnCloud(upright, turned, places[order])
