"""The nodes of a glTF file: which are visible, and their transforms."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.formats.meshes.gltf_file import GltfFile, Json
from randquant.errors import DataError

_INSTANCING, _VISIBILITY = "EXT_mesh_gpu_instancing", "KHR_node_visibility"

Matrix = NDArray[np.float64]


class GltfNodes:
    """The node hierarchy of a file.

    Attributes:
        shown: numbers of the meshes that `with_meshes` has given.

    Raises:
        DataError: the nodes are no tree.
    """

    def __init__(self, file: GltfFile) -> None:
        self.file = file
        self.shown: set[int] = set()
        self._count = len(file.json.get("nodes", []))
        self._parents = self._find_parents()
        self._wholes: dict[int, Matrix] = {}

    def with_meshes(self) -> Iterator[tuple[int, Json]]:
        """Index and description of each visible node with a mesh, depth first; of each mesh if the file has no nodes.

        A mesh without a node gets the number -1.
        """
        if not self._count:
            for mesh in range(len(self.file.json.get("meshes", []))):
                self.shown.add(mesh)
                yield -1, {"mesh": mesh}
        waiting = self._roots()[::-1]
        while waiting:
            number = waiting.pop()
            node = self.file.entry("nodes", number)
            if node.get("extensions", {}).get(_VISIBILITY, {}).get("visible", True) is False:
                continue
            waiting += list(node.get("children", []))[::-1]
            if "mesh" in node:
                self.shown.add(node["mesh"])
                yield number, node

    def instances(self, number: int) -> list[Matrix]:
        """(4, 4) matrices from a node's mesh to the scene, one per instance.

        A skin's joints place its mesh, and its own node does not.
        """
        if number < 0:
            return [np.eye(4)]
        node = self.file.entry("nodes", number)
        if "skin" in node:
            return [np.eye(4)]
        whole = self._to_scene(number)
        given = node.get("extensions", {}).get(_INSTANCING)
        return [whole] if given is None else [whole @ own for own in self._own_instances(given["attributes"])]

    def joint_matrices(self, index: Any) -> NDArray[np.float64]:
        """(J, 4, 4) joint matrices of a skin: from the bind pose to the joints' current pose."""
        skin = self.file.entry("skins", index)
        joints = np.array([self._to_scene(joint) for joint in skin["joints"]]).reshape(-1, 4, 4)
        if "inverseBindMatrices" not in skin:
            return joints
        stored = self.file.numbers(skin["inverseBindMatrices"], ("MAT4",)).astype(np.float64)
        if len(stored) < len(joints):
            raise DataError(f"{self.file.path} has {len(stored)} matrices for {len(joints)} joints; restore it.")
        return joints @ stored[: len(joints)].reshape(-1, 4, 4).transpose(0, 2, 1)  # stored by columns

    def _own_instances(self, attributes: Json) -> list[Matrix]:
        kinds = {"TRANSLATION": "VEC3", "ROTATION": "VEC4", "SCALE": "VEC3"}
        read = {
            name.lower(): self.file.numbers(attributes[name], (kind,)).astype(np.float64)
            for name, kind in kinds.items()
            if name in attributes
        }
        counts = {len(values) for values in read.values()}
        if len(counts) != 1:
            raise DataError(
                f"{self.file.path} has instances of a mesh whose numbers differ or are missing; restore it."
            )
        return [self._own_matrix({name: values[row] for name, values in read.items()}) for row in range(counts.pop())]

    def _to_scene(self, number: Any) -> Matrix:
        self.file.entry("nodes", number)
        below: list[int] = []
        while number is not None and number not in self._wholes:
            below.append(number)
            number = self._parents.get(number)
        whole = np.eye(4) if number is None else self._wholes[number]
        for child in reversed(below):
            whole = whole @ self._own_matrix(self.file.entry("nodes", child))
            self._wholes[child] = whole
        return whole

    def _own_matrix(self, node: Json) -> Matrix:
        """(4, 4) local transform of a node: its matrix, or scale, then rotation, then translation."""
        if "matrix" in node:
            matrix = np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T  # by columns
        else:
            matrix = np.eye(4)
            scale = np.array(node.get("scale", (1, 1, 1)), dtype=np.float64).reshape(3)
            matrix[:3, :3] = self._rotation(np.array(node.get("rotation", (0, 0, 0, 1)), dtype=np.float64)) * scale
            matrix[:3, 3] = np.array(node.get("translation", (0, 0, 0)), dtype=np.float64).reshape(3)
        if not np.isfinite(matrix).all() or not np.allclose(matrix[3], (0, 0, 0, 1), atol=1e-6):
            raise DataError(
                f"{self.file.path} has a node whose matrix is not an affine transform; fix it or leave it out."
            )
        return matrix

    def _rotation(self, quaternion: NDArray[np.float64]) -> Matrix:
        """(3, 3) of a quaternion x, y, z, w."""
        length = np.linalg.norm(quaternion)
        if quaternion.shape != (4,) or not 0 < length < np.inf:
            raise DataError(f"{self.file.path} has a node with the rotation {quaternion.tolist()}; fix it.")
        x, y, z, w = quaternion / length
        turn = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        return np.eye(3) + 2 * w * turn + 2 * turn @ turn

    def _roots(self) -> list[int]:
        """The root nodes of the default scene or of the only one; all nodes if there is no scene."""
        scenes = self.file.json.get("scenes", [])
        default = self.file.json.get("scene", 0 if len(scenes) == 1 else None)
        if default is None and scenes:
            raise DataError(
                f"{self.file.path} has {len(scenes)} scenes and does not say which to show; set its scene, or export "
                "one alone."
            )
        if default is None:
            return [number for number in range(self._count) if number not in self._parents]
        roots = list(self.file.entry("scenes", default).get("nodes", []))
        for root in roots:
            if root in self._parents or roots.count(root) > 1:
                raise DataError(f"{self.file.path} has a scene that shows node {root} twice; restore it.")
        return roots

    def _find_parents(self) -> dict[int, int]:
        parents: dict[int, int] = {}
        for number in range(self._count):
            for child in self.file.entry("nodes", number).get("children", []):
                self.file.entry("nodes", child)
                if child in parents:
                    raise DataError(f"{self.file.path} has a node {child} with two parents; restore it.")
                parents[child] = number
        waiting = [number for number in range(self._count) if number not in parents]
        for number in waiting:
            waiting += self.file.entry("nodes", number).get("children", [])
        if len(waiting) < self._count:
            raise DataError(f"{self.file.path} has nodes that are below themselves; restore it.")
        return parents
