"""Random points on the surface of a mesh, seeded by the mesh: equal meshes give equal points."""

import hashlib
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.formats.meshes.mesh import Mesh
from randquant.errors import DataError

Sampling = Literal["area", "poisson"]
SAMPLINGS: tuple[Sampling, ...] = ("area", "poisson")

_CANDIDATES = 5  # points drawn for each that Poisson disk sampling keeps; Open3D's own default

Samples = tuple[NDArray[np.float64], NDArray[np.float64]]


def sample_surface(mesh: Mesh, count: int, *, sampling: Sampling = "area", seed: int = 0) -> Samples:
    """Sample points on a mesh, each with the normal of its face.

    Args:
        mesh: with at least one face that has an area.
        count: of points, at least 1.
        sampling: "area" draws faces by their areas and a place in each at random, so that any two parts of equal area
            expect equally many; "poisson" draws five times as many and leaves out those that are too close to others
            (Yuksel 2015), which evens out their distances and takes many times as long.
        seed: of the draws, together with the coordinates and faces of the mesh.

    Returns:
        points (count, 3) and unit normals (count, 3). The sign of a normal is that of its face, which many meshes
        do not keep.

    Raises:
        DataError: "poisson" where Open3D is not installed.
        ValueError: `count` or `sampling` is out of range.
    """
    if count < 1 or sampling not in SAMPLINGS:
        raise ValueError(f"count should be at least 1 and sampling area or poisson, got {count} and {sampling!r}")
    generator = np.random.Generator(np.random.PCG64(surface_seed(mesh, seed)))
    if sampling == "area":
        return _by_area(mesh, count, generator)
    return _poisson_disk(mesh, *_by_area(mesh, _CANDIDATES * count, generator), count)


def surface_seed(mesh: Mesh, seed: int) -> int:
    """A seed of 128 bits that depends on every coordinate and index, and on `seed`."""
    digest = hashlib.sha256(f"{seed} {len(mesh.vertices)}".encode())
    digest.update(np.ascontiguousarray(mesh.vertices, dtype="<f8").data)
    digest.update(np.ascontiguousarray(mesh.faces, dtype="<i8").data)
    return int.from_bytes(digest.digest()[:16], "little")


def _by_area(mesh: Mesh, count: int, generator: np.random.Generator) -> Samples:
    covered = np.cumsum(mesh.areas)
    chosen = np.searchsorted(covered, generator.random(count) * covered[-1], side="right")
    # A product that is rounded up to the whole area lies past the last face that has one.
    chosen = np.minimum(chosen, np.searchsorted(covered, covered[-1]))
    first, second, third = mesh.vertices[mesh.faces[chosen].T]
    # The root makes places uniform in the triangle (Osada et al. 2002, section 3.1).
    away, across = np.sqrt(generator.random((count, 1))), generator.random((count, 1))
    points = (1 - away) * first + away * (1 - across) * second + away * across * third
    return points, mesh.doubled_normals[chosen] / (2 * mesh.areas[chosen, None])


def _poisson_disk(mesh: Mesh, points: NDArray[np.float64], normals: NDArray[np.float64], count: int) -> Samples:
    """`count` of the candidates, through Open3D's sample elimination, which draws nothing itself."""
    try:
        import open3d
    except (ImportError, OSError):
        raise DataError("--sampling poisson needs Open3D; pip install open3d, or take --sampling area.") from None
    vectors, triangles = open3d.utility.Vector3dVector, open3d.utility.Vector3iVector
    candidates = open3d.geometry.PointCloud(vectors(points))
    candidates.normals = vectors(normals)
    surface = open3d.geometry.TriangleMesh(vectors(mesh.vertices), triangles(mesh.faces.astype(np.int32)))
    kept = surface.sample_points_poisson_disk(count, pcl=candidates)
    return np.asarray(kept.points).copy(), np.asarray(kept.normals).copy()
