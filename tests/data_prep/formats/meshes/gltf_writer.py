"""Small glTF files, put together piece by piece."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CODES = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}
TYPES = {1: "SCALAR", 3: "VEC3", 4: "VEC4", 16: "MAT4"}


class GltfWriter:
    """A file in the making.

    Attributes:
        json: its description, to be changed at will.
        data: its buffer.
    """

    def __init__(self) -> None:
        self.data = b""
        self.json: dict[str, Any] = {"asset": {"version": "2.0"}, "accessors": [], "bufferViews": [], "meshes": []}

    def view(self, values: NDArray, stride: int = 0) -> int:
        """A bufferView of rows, each filled up to the stride."""
        rows = np.ascontiguousarray(values).reshape(len(values), -1)
        start = len(self.data) + 4  # so that offsets are not zero
        raw = b"".join(row.tobytes().ljust(stride, b"\x7f") for row in rows)
        self.data = self.data.ljust(start, b"\x7f") + raw + b"\x7f" * (-len(raw) % 4)
        entry = {"buffer": 0, "byteOffset": start, "byteLength": len(raw)} | ({"byteStride": stride} if stride else {})
        self.json["bufferViews"].append(entry)
        return len(self.json["bufferViews"]) - 1

    def accessor(self, values: NDArray, *, stride: int = 0, bounds: bool = True, **more: Any) -> int:
        """An accessor of (count, n) or (count,) numbers."""
        rows = values.reshape(len(values), -1)
        entry = {
            "bufferView": self.view(values, stride),
            "componentType": CODES[values.dtype.str[1:]],
            "count": len(values),
            "type": TYPES[rows.shape[1]],
        }
        if bounds:
            entry |= {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
        self.json["accessors"].append(entry | more)
        return len(self.json["accessors"]) - 1

    def mesh(self, *primitives: dict[str, Any], **more: Any) -> int:
        """A mesh."""
        self.json["meshes"].append({"primitives": list(primitives), **more})
        return len(self.json["meshes"]) - 1

    def scene(self, *nodes: dict[str, Any], roots: list[int] | None = None) -> None:
        """Nodes, and the scene that shows them."""
        self.json |= {"nodes": list(nodes), "scene": 0}
        self.json["scenes"] = [{"nodes": list(range(len(nodes))) if roots is None else roots}]

    def gltf(self, path: Path) -> Path:
        """Write it as text, the buffer in it."""
        uri = "data:application/octet-stream;base64," + base64.b64encode(self.data).decode()
        self.json["buffers"] = [{"byteLength": len(self.data), "uri": uri}]
        path.write_text(json.dumps(self.json))
        return path

    def beside(self, path: Path, uri: str, name: str | None = None) -> Path:
        """Write it as text with its buffer in another file."""
        (path.parent / (name or uri)).write_bytes(self.data)
        self.json["buffers"] = [{"byteLength": len(self.data), "uri": uri}]
        path.write_text(json.dumps(self.json))
        return path

    def glb(self, path: Path) -> Path:
        """Write it as a binary file."""
        self.json["buffers"] = [{"byteLength": len(self.data)}]
        text = json.dumps(self.json).encode()
        text += b" " * (-len(text) % 4)
        binary = self.data + bytes(-len(self.data) % 4)
        chunks = b"".join(
            len(chunk).to_bytes(4, "little") + kind + chunk for kind, chunk in ((b"JSON", text), (b"BIN\0", binary))
        )
        path.write_bytes(b"glTF" + (2).to_bytes(4, "little") + (12 + len(chunks)).to_bytes(4, "little") + chunks)
        return path
