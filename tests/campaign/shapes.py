"""Damaged meshes and point clouds, and what is in them by a reading that shares nothing with ours."""

import io
import random
import re
import struct
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.campaign.batch import Damaged, Kind, Taken
from tests.campaign.damage import damages, impostors
from tests.campaign.material import CORNERS, FACES, box_off, cloud

POINTS = 96
AXES = "1 0 0\n0 1 0\n0 0 1\n1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n"  # of a scanner in a PTX file, and its matrix
_OWN = {"path", "label", "group", "split", "shard", "offset", "length", "vertices", "faces", "file_points"}


def mesh_kinds() -> list[Kind]:
    """Formats, each with the box 1 x 2 x 3."""
    contents = {
        ".off": box_off().encode(),
        ".obj": _obj().encode(),
        ".ply": _ply_text().encode(),
        ".stl": _stl(),
        ".glb": _glb(),
    }
    return [
        Kind("meshes", suffix, content, _lines(content), right_mesh, ("--points", "400"))
        for suffix, content in contents.items()
    ]


def cloud_kinds() -> list[Kind]:
    """Formats, each with the same 96 points."""
    points = cloud(5, POINTS)
    text = "\n".join(" ".join(f"{each:.3f}" for each in row) for row in points) + "\n"
    header = (
        "VERSION .7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 96\nHEIGHT 1\n"
        "VIEWPOINT 0 0 0 1 0 0 0\nPOINTS 96\nDATA "
    )
    ply = "ply\nformat {} 1.0\nelement vertex 96\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
    npy, npz = io.BytesIO(), io.BytesIO()
    np.save(npy, points)
    np.savez(npz, points=points)
    contents = {
        ".npy": npy.getvalue(),
        ".npz": npz.getvalue(),
        ".xyz": text.encode(),
        ".csv": ("x,y,z\n" + text.replace(" ", ",")).encode(),
        ".pts": f"96\n{text}".encode(),
        ".pcd": (header + "binary\n").encode() + points.tobytes(),
        ".ply": ply.format("binary_little_endian").encode() + points.tobytes(),
        ".ptx": f"96\n1\n0 0 0\n{AXES}{text.replace(chr(10), ' 0.5' + chr(10))}".encode(),
        ".las": _las(points, compressed=False),
        ".laz": _las(points, compressed=True),
        ".e57": _e57(points),
    }
    return [
        Kind("clouds", suffix, content, _lines(content)[:12], right_cloud, ("--points", "8"))
        for suffix, content in contents.items()
    ]


def damaged_shapes(draw: random.Random, each: int) -> list[Damaged]:
    """`each` damaged files of every format, and files of other kinds under its name."""
    found = []
    for kind in [*mesh_kinds(), *cloud_kinds()]:
        forms = damages(kind.content, draw, kind.edges)
        found += [Damaged(kind, name, content) for name, content in impostors()]
        found += [Damaged(kind, *next(forms)) for _ in range(each)]
    return found


def right_mesh(damaged: Damaged, taken: Taken) -> str | None:
    """Whether the stored points are of the surface that is in the file, or the file is listed as odd."""
    if any(value for name, value in taken.about.items() if name not in _OWN):
        return None
    ours = {"vertices": taken.about["vertices"], "faces": taken.about["faces"]}
    if _is_box(taken.rows[:, :3]) and ours["faces"] == len(FACES):
        return None
    if damaged.suffix == ".obj" and (damaged.kind == "twice" or damaged.content.endswith(b"\n")):
        return None  # OBJ states no number of lines, and may hold several objects
    other = _trimesh(damaged)
    if other is not None and not damaged.kind.startswith(("cut", "appended", "twice")):
        vertices, faces = other
        if len(faces) == ours["faces"] and _on_surface(taken.rows[:, :3], vertices, faces):
            return None
    return f"stored with {ours}, which is neither the good box nor what another reader finds, and nothing is noted"


def right_cloud(damaged: Damaged, taken: Taken) -> str | None:
    """Whether as many points were read as the file holds, or what is missing is counted."""
    count, missing = taken.about["file_points"], taken.about.get("missing_points") or 0
    if count == POINTS or (count + missing == POINTS and missing):
        return None
    if any(value for name, value in taken.about.items() if name not in _OWN and name != "missing_points"):
        return None
    wanted = 2 * POINTS if (damaged.suffix, damaged.kind) == (".pts", "twice") else _rows(damaged)  # two scans
    return None if wanted in (count, count + missing) else f"{count} points read where the file holds {wanted}"


def _rows(damaged: Damaged) -> int | None:
    """Points of a damaged file by numpy, or by its lines."""
    if damaged.suffix in (".npy", ".npz"):
        with suppress(Exception):
            loaded = np.load(io.BytesIO(damaged.content), allow_pickle=False)
            return len(loaded if damaged.suffix == ".npy" else loaded["points"])
        return None
    if damaged.suffix in (".xyz", ".csv"):  # these statement no number
        lines = re.split(rb"\r\n|\n|\r", damaged.content)
        numbers = [line for line in lines if line.strip() and re.match(rb"[\s\d.+\-eE,;]+$", line)]
        return len(numbers)
    return None


def _is_box(points: NDArray) -> bool:
    """Whether points in the unit sphere are of a box 1 x 2 x 3, wherever its middle came to lie."""
    extent = np.ptp(points, axis=0)
    ratios = np.sort(extent) / max(extent.max(), 1e-9)
    return bool(np.allclose(ratios, [1 / 3, 2 / 3, 1], atol=0.03)) and _on_box(points, extent)


def _on_box(points: NDArray, extent: NDArray) -> bool:
    low = points.min(axis=0)
    near = np.minimum(points - low, low + extent - points) / extent
    return bool((near.min(axis=1) < 0.05).mean() > 0.98)


def _on_surface(points: NDArray, vertices: NDArray, faces: NDArray) -> bool:
    """Whether points have the proportions of a surface: enough to tell one reading from another."""
    used = vertices[np.unique(faces)]
    mine, theirs = np.ptp(points, axis=0), np.ptp(used, axis=0)
    return bool(np.allclose(mine / mine.max(), theirs / theirs.max(), atol=0.35))


def _trimesh(damaged: Damaged) -> tuple[NDArray, NDArray] | None:
    import trimesh

    with suppress(Exception):
        loaded = trimesh.load_mesh(io.BytesIO(damaged.content), file_type=damaged.suffix[1:], process=False)
        return np.asarray(loaded.vertices), np.asarray(loaded.faces)
    return None


def _lines(content: bytes) -> list[int]:
    return [place + 1 for place in range(len(content)) if content[place : place + 1] == b"\n"]


def _obj() -> str:
    lines = [f"v {x} {y} {z}" for x, y, z in CORNERS] + [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in FACES]
    return "\n".join(lines) + "\n"


def _ply_text() -> str:
    head = ["ply", "format ascii 1.0", "element vertex 8", *(f"property float {axis}" for axis in "xyz")]
    head += ["element face 12", "property list uchar int vertex_indices", "end_header"]
    return "\n".join([*head, *(f"{x} {y} {z}" for x, y, z in CORNERS), *(f"3 {a} {b} {c}" for a, b, c in FACES)]) + "\n"


def _stl() -> bytes:
    corners = np.asarray(CORNERS, dtype="<f4")
    facets = b"".join(bytes(12) + corners[list(face)].tobytes() + b"\0\0" for face in FACES)
    return b"a box".ljust(80) + struct.pack("<I", len(FACES)) + facets


def _glb() -> bytes:
    import trimesh

    exported = trimesh.Trimesh(CORNERS, FACES, process=False).export(file_type="glb")
    assert isinstance(exported, bytes)
    return exported


def _las(points: NDArray, *, compressed: bool) -> bytes:
    import laspy

    survey = laspy.create(point_format=3, file_version="1.2")
    survey.header.scales = [0.001] * 3
    survey.x, survey.y, survey.z = points.T.astype(np.float64)
    target = io.BytesIO()
    survey.write(target, do_compress=compressed)
    return target.getvalue()


def _e57(points: NDArray) -> bytes:
    import pye57

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.e57"
        file = pye57.E57(str(path), mode="w")
        file.write_scan_raw({f"cartesian{axis}": points[:, place] for place, axis in enumerate("XYZ")})
        file.close()
        return path.read_bytes()
