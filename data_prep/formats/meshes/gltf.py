"""The geometry of glTF 2.0 files (.gltf, .glb): the triangles of the scene in its rest pose.

trimesh reads normalised integers as they are stored, sparse accessors without their replacements, and of a mesh those
primitives alone that it knows, without a word; hence a reader of our own. Positions are where morph weights, skin
and nodes put them; by the specification y is up, and a unit a metre. Materials, textures and animations are left out.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.formats.meshes.gltf_file import GltfFile, Json
from randquant.data_prep.formats.meshes.gltf_nodes import GltfNodes
from randquant.data_prep.formats.meshes.mesh import Mesh
from randquant.data_prep.formats.meshes.polygons import fans, strip_triangles
from randquant.errors import DataError

_LOOSE, _TRIANGLES, _STRIP, _FAN = range(4), 4, 5, 6  # modes: points and lines; triangles
_DRACO = "KHR_draco_mesh_compression"
_MOST_FACES = 50_000_000
_STUMBLES = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError)

Primitive = tuple[NDArray[np.float64], NDArray[np.int64]]


def read_gltf(path: str | Path) -> Mesh:
    """Read the triangles of the default scene, or of all nodes if there is none.

    A mesh that several nodes show, or one shows several times (EXT_mesh_gpu_instancing), counts each time. Points and
    lines, and meshes that the scene does not show, are counted in the notes.

    Returns:
        values as the file has them: finite or not.

    Raises:
        DataError: the file or one of its buffers is missing, truncated or damaged, a stated number is not that of the
            data, or it needs something that is not read: compression by Draco or meshopt, or another required
            extension.
    """
    path = Path(path)
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused by whoever checks the mesh
            return _Scene(GltfFile(path)).read()
    except DataError:
        raise
    except _STUMBLES as error:  # over JSON of another shape
        raise DataError(
            f"{path} is not as glTF should be ({type(error).__name__}: {' '.join(str(error).split())[:80]}); restore "
            "it."
        ) from None


class _Scene:
    """The scene of one file."""

    def __init__(self, file: GltfFile) -> None:
        self.file = file
        self.nodes = GltfNodes(file)
        self.loose = 0
        self.faces = 0

    def read(self) -> Mesh:
        """The triangles of all visible nodes."""
        vertices: list[NDArray[np.float64]] = [np.empty((0, 3))]
        faces: list[NDArray[np.int64]] = [np.empty((0, 3), dtype=np.int64)]
        count = 0
        for places, corners in self._parts():
            vertices.append(places)
            faces.append(corners + count)
            count += len(places)
        unshown = len(self.file.json.get("meshes", [])) - len(self.nodes.shown)
        notes = {"loose_elements": self.loose, "unshown_meshes": unshown}
        return Mesh(
            np.concatenate(vertices), np.concatenate(faces), {name: found for name, found in notes.items() if found}
        )

    def _parts(self) -> Iterator[Primitive]:
        for number, node in self.nodes.with_meshes():
            mesh = self.file.entry("meshes", node["mesh"])
            matrices = self.nodes.instances(number)
            for primitive in mesh["primitives"]:
                part = self._primitive(primitive, node, mesh)
                if part is None:
                    self.loose += 1
                    continue
                self.faces += len(part[1]) * len(matrices)
                if self.faces > _MOST_FACES:
                    raise DataError(f"{self.file.path} shows more than {_MOST_FACES:,} triangles; leave it out.")
                yield from (_placed(part, matrix) for matrix in matrices)

    def _primitive(self, primitive: Json, node: Json, mesh: Json) -> Primitive | None:
        """Used vertices and triangles of one primitive in local coordinates; None if it has no triangles."""
        if _DRACO in primitive.get("extensions", {}):
            raise DataError(f"{self.file.path} is compressed ({_DRACO}), which is not read; export it without.")
        mode = primitive.get("mode", _TRIANGLES)
        if mode not in (*_LOOSE, _TRIANGLES, _STRIP, _FAN):
            raise DataError(f"{self.file.path} has a primitive of mode {mode!r}, which there is not; restore it.")
        if mode in _LOOSE or "POSITION" not in primitive["attributes"]:
            return None
        places = self._places(primitive, node, mesh)
        faces = self._triangles(mode, self._corners(primitive, len(places)))
        used, compact = np.unique(faces, return_inverse=True)
        return places[used], compact.reshape(-1, 3)

    def _corners(self, primitive: Json, vertices: int) -> NDArray[np.int64]:
        if "indices" not in primitive:
            return np.arange(vertices)
        stored = self.file.numbers(primitive["indices"], ("SCALAR",))
        if stored.dtype.kind != "u":
            raise DataError(f"{self.file.path} has vertex indices that are not integers; restore it.")
        corners = stored[:, 0].astype(np.int64)
        if len(corners) and corners.max() >= vertices:
            raise DataError(
                f"{self.file.path} has a face with vertex {corners.max()} where vertices count from 0 to "
                f"{vertices - 1}; fix it or leave it out."
            )
        return corners

    def _triangles(self, mode: int, corners: NDArray[np.int64]) -> NDArray[np.int64]:
        if mode == _TRIANGLES:
            if len(corners) % 3:
                raise DataError(
                    f"{self.file.path} has {len(corners):,} corners of triangles, no multiple of 3; restore it."
                )
            return corners.reshape(-1, 3)
        return (strip_triangles if mode == _STRIP else fans)(corners, np.array([len(corners)]))

    def _places(self, primitive: Json, node: Json, mesh: Json) -> NDArray[np.float64]:
        """(V, 3) positions after morph targets and skinning."""
        places = self._positions(primitive["attributes"])
        targets, weights = primitive.get("targets", []), node.get("weights", mesh.get("weights", []))
        if weights and targets and len(weights) != len(targets):
            raise DataError(
                f"{self.file.path} has {len(targets)} morph targets and {len(weights)} weights; restore it."
            )
        for weight, target in zip(map(float, weights), targets, strict=False):
            if weight and "POSITION" in target:
                places = places + weight * self._positions(target, len(places))
        if "skin" in node:
            places = self._skinned(places, primitive["attributes"], node["skin"])
        return places

    def _positions(self, attributes: Json, count: int | None = None) -> NDArray[np.float64]:
        places = self.file.numbers(attributes["POSITION"], ("VEC3",)).astype(np.float64)
        if count not in (None, len(places)):
            raise DataError(f"{self.file.path} has a morph target of {len(places)} for {count} vertices; restore it.")
        return places

    def _skinned(self, places: NDArray[np.float64], attributes: Json, index: Any) -> NDArray[np.float64]:
        """Linear blend skinning (section 3.7.3.3)."""
        matrices = self.nodes.joint_matrices(index)
        moved, total = np.zeros_like(places), np.zeros((len(places), 1))
        for number in range(len([name for name in attributes if name.startswith("JOINTS_")])):
            joints = self.file.numbers(attributes[f"JOINTS_{number}"], ("VEC4",)).astype(np.int64)
            weights = self.file.numbers(attributes[f"WEIGHTS_{number}"], ("VEC4",)).astype(np.float64)
            if {len(joints), len(weights)} != {len(places)} or (joints[weights > 0] >= len(matrices)).any():
                raise DataError(f"{self.file.path} has joints or weights that do not fit its vertices; restore it.")
            for corner in range(4):
                chosen = matrices[np.where(weights[:, corner] > 0, joints[:, corner], 0)]
                at = np.einsum("nij,nj->ni", chosen[:, :3, :3], places) + chosen[:, :3, 3]
                moved += weights[:, corner, None] * at
                total += weights[:, corner, None]
        if not (total > 0).all():
            raise DataError(f"{self.file.path} has vertices of a skin that no joint moves; restore it.")
        return moved / total


def _placed(part: Primitive, matrix: NDArray[np.float64]) -> Primitive:
    """A primitive transformed by its node; a mirroring transform reverses the winding of its triangles."""
    places, faces = part
    mirrored = np.linalg.det(matrix[:3, :3]) < 0
    return places @ matrix[:3, :3].T + matrix[:3, 3], faces[:, ::-1] if mirrored else faces
