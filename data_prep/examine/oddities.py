"""Irregularities of readable shapes and pictures, and duplicates."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from randquant.data_prep.engine.plan import Item, Reader
from randquant.data_prep.engine.preparation import read_item
from randquant.data_prep.formats.meshes.mesh import Mesh
from randquant.data_prep.formats.meshes.mesh_file import MESHES, read_mesh
from randquant.data_prep.notes import READING, noted
from randquant.data_prep.surface import surface_seed
from randquant.errors import DataError

MERGED, POLYGONS = "merged header", "polygons"
FLAT_FACES, STRAY, SHEET = "faces without area", "stray vertices", "flat"
# In words, for a count of shapes or pictures.
ODDITIES: Mapping[str, str] = {
    MERGED: "counts stuck to the word OFF, which some readers take for an empty mesh",
    POLYGONS: "faces of more or fewer than three corners, cut into triangles or left out here",
    FLAT_FACES: "some faces without an area, which no point is drawn from",
    STRAY: "vertices that no face uses, which are no part of the shape",
    SHEET: "all of the shape in one plane",
    **{name.replace("_", " "): text.removeprefix("{:,} ") for name, text in READING.items()},
}
_HEAD = 4096  # bytes; the counts stand there, whatever comments precede them
_COMMENT = re.compile(rb"#[^\n]*")
_COUNTS = re.compile(rb"(?:OFF|off)(?P<gap>\s*)[0-9]+\s+(?P<faces>[0-9]+)")
_THINNEST = 1e-5  # thickness of what is no sheet, relative to its width
_FEWEST_POINTS = 4  # that need not lie in one plane


@dataclass(frozen=True)
class Findings:
    """What was found in one shape or picture.

    Attributes:
        content: equal for two shapes whose coordinates, and faces where they have any, are equal; for two pictures of
            equal pixels, or of equal files.
        oddities: those of `ODDITIES` that it has.
    """

    content: str
    oddities: tuple[str, ...] = ()


def inspect_shape(root: Path, item: Item, reader: Reader) -> Findings:
    """Read one shape and note its irregularities.

    A mesh is read and not sampled, which takes less time than preparing it.

    Raises:
        DataError: it cannot be read, or has no surface.
    """
    path = root / item.path
    if item.window is None and path.suffix.lower() in MESHES:
        mesh = read_mesh(path)
        return Findings(f"{surface_seed(mesh, 0):032x}", tuple(_oddities(path, mesh)))
    columns, blocks = read_item(root, item, reader)
    rows = np.concatenate(list(blocks))
    places = rows[:, :3].astype(np.float64)
    odd = [SHEET] * _is_sheet(places) + _named(columns)
    return Findings(hashlib.sha256(rows.tobytes()).hexdigest(), tuple(odd))


def inspect_picture(root: Path, item: Item, reader: Reader) -> Findings:
    """Decode one picture and note what is changed on the way to a store.

    Raises:
        DataError: it cannot be read.
    """
    columns, blocks = read_item(root, item, reader)
    rows = np.concatenate(list(blocks))
    size = f"{columns['height']} {columns['width']} "
    return Findings(hashlib.sha256(size.encode() + rows.tobytes()).hexdigest(), tuple(_named(columns)))


def _oddities(path: Path, mesh: Mesh) -> list[str]:
    header = _COUNTS.search(_COMMENT.sub(b"", _head(path))) if path.suffix.lower() == ".off" else None
    used = np.unique(mesh.faces[mesh.areas > 0])
    found = {
        MERGED: header is not None and b"\n" not in header["gap"] and b"\r" not in header["gap"],
        POLYGONS: header is not None and int(header["faces"]) != len(mesh.faces),
        FLAT_FACES: bool((mesh.areas == 0).any()),
        STRAY: len(np.unique(mesh.faces)) < len(mesh.vertices),
        SHEET: _is_sheet(mesh.vertices[used]),
    }
    return [name for name, there in found.items() if there] + _named(mesh.notes)


def _named(columns: Mapping[str, Any]) -> list[str]:
    """The irregularities that a reader noted."""
    return [name.replace("_", " ") for name in noted(columns)]


def _head(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the path.") from None


def _is_sheet(points: np.ndarray) -> bool:
    """Whether (N, 3) points are coplanar within their precision."""
    if len(points) < _FEWEST_POINTS:
        return True
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return bool(spread[2] <= _THINNEST * spread[0])
