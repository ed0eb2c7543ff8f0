"""Meshes of 20,000 faces: reading OFF, OBJ and PLY files, and all the way to a store."""

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from randquant.data_prep.engine.preparation import prepare
from randquant.data_prep.formats.meshes.obj import read_obj
from randquant.data_prep.formats.meshes.off import read_off
from randquant.data_prep.formats.meshes.ply import read_ply
from randquant.data_prep.own_files.meshes import plan_meshes
from randquant.data_prep.shapes import POINTS, mesh_reader
from randquant.scripts.measuring.pair import Pair

COUNT = 40  # meshes prepared in a run


def meshes(_device: str) -> Iterator[Pair]:
    """The reader and the preparation beside Open3D's reading, sampling and farthest points; nothing without it."""
    try:
        import joblib
        import open3d
    except (ImportError, OSError):
        print("meshes: left out, Open3D is missing; pip install open3d.")
        return
    with tempfile.TemporaryDirectory() as folder:
        root, stores = Path(folder, "meshes"), (Path(folder, f"store-{number}") for number in itertools.count())
        root.mkdir()
        paths = [write_torus(root / f"{number:03}.off", 1.0 + number / COUNT) for number in range(COUNT)]
        yield Pair(
            "OFF file of 20,000 faces",
            lambda: read_off(paths[0]),
            lambda: open3d.io.read_triangle_mesh(paths[0]),
            "Open3D",
            1,
        )
        obj = Path(folder, "torus.obj")
        open3d.io.write_triangle_mesh(obj, open3d.io.read_triangle_mesh(paths[0]))
        yield Pair(
            "OBJ file of 20,000 faces",
            lambda: read_obj(obj),
            lambda: open3d.io.read_triangle_mesh(obj),
            "Open3D",
            1,
        )
        for text in (True, False):
            ply = Path(folder, f"torus-{text}.ply")
            open3d.io.write_triangle_mesh(ply, open3d.io.read_triangle_mesh(paths[0]), write_ascii=text)
            yield Pair(
                f"PLY file of 20,000 faces, {'text' if text else 'binary'}",
                lambda ply=ply: read_ply(ply),  # type: ignore[misc]
                lambda ply=ply: open3d.io.read_triangle_mesh(ply),  # type: ignore[misc]
                "Open3D",
                1,
            )
        read = mesh_reader().read
        yield Pair(
            f"file -> {POINTS:,} ordered points, 20,000 faces",
            lambda: list(read(paths[0])[1]),
            lambda: _sampled_by_open3d(paths[:1]),
            "Open3D",
            1,
        )
        yield Pair(
            f"{COUNT} meshes into a store, 2 workers",
            lambda: prepare(plan_meshes(root), next(stores), workers=2),
            lambda: joblib.Parallel(2)(joblib.delayed(_sampled_by_open3d)(paths[half::2]) for half in (0, 1)),
            "two loops of Open3D, nothing written",
            COUNT,
        )


def write_torus(path: Path, radius: float, steps: int = 100) -> Path:
    """An OFF file of a torus of 2 * steps^2 triangles, with as many digits as usual files have."""
    first, second = (grid.ravel() for grid in np.mgrid[0:steps, 0:steps])
    major, minor = first * (2 * np.pi / steps), second * (2 * np.pi / steps)
    around = radius + 0.4 * np.cos(minor)
    vertices = np.stack([around * np.cos(major), around * np.sin(major), 0.4 * np.sin(minor)], axis=1)
    right, up = (first + 1) % steps * steps, (second + 1) % steps
    here, there = first * steps, right
    lower = np.stack([here + second, there + second, there + up], axis=1)
    upper = np.stack([here + second, there + up, here + up], axis=1)
    faces = np.concatenate([lower, upper])
    lines = [f"OFF\n{len(vertices)} {len(faces)} 0"]
    lines += [f"{x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices]
    lines += [f"3 {a} {b} {c}" for a, b, c in faces]
    path.write_text("\n".join(lines) + "\n")
    return path


def _sampled_by_open3d(paths: list[Path]) -> int:
    """Points of these meshes, read, sampled and chosen by Open3D."""
    import open3d

    count = 0
    for path in paths:
        mesh = open3d.io.read_triangle_mesh(path)
        cloud = mesh.sample_points_uniformly(POINTS, use_triangle_normal=True)
        count += len(cloud.farthest_point_down_sample(POINTS).points)
    return count
