"""A glTF 2.0 file, text (.gltf) or binary (.glb): its JSON, buffers and accessors.

Format: Khronos Group, "glTF 2.0 Specification" (ISO/IEC 12113:2022), sections 3.6 and 4. Every number that a file
states, of lengths, offsets and bounds, is checked against the data.
"""

import base64
import binascii
import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.formats.whole_file import read_bytes
from randquant.errors import DataError

Json = Mapping[str, Any]

_COMPONENTS = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_JSON, _BIN = 0x4E4F534A, 0x004E4942  # types of chunks
_MOST = 10_000_000  # elements of an accessor that has no data of its own
_NEAR = 1e-3  # by which a stated bound may miss the data, relative to their extent
# What these do has nothing to do with where a surface is.
_NEUTRAL = re.compile(
    r"KHR_materials_(?!displacement)\w+|(KHR|EXT)_texture_\w+|(KHR|EXT)_lights_\w+|KHR_xmp\w*|KHR_animation_pointer|"
    r"MSFT_texture_dds|MSFT_packing_\w+|KHR_techniques_webgl|EXT_mesh_features|EXT_structural_metadata|"
    r"EXT_instance_features|FB_ngon_encoding|CESIUM_primitive_outline"
)
_READ = ("KHR_mesh_quantization", "EXT_mesh_gpu_instancing", "KHR_node_visibility")
_COMPRESSED = ("EXT_meshopt_compression", "KHR_meshopt_compression", "MESHOPT_compression")


class GltfFile:
    """An open file: its `path`, and its description as `json`.

    Raises:
        DataError: the file is missing, truncated, of another version, no glTF, or requires an extension that is not
            read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        data = read_bytes(path)
        text, self._chunk = _chunks(path, data) if data.startswith(b"glTF") else (data, None)
        self.json = _description(path, text)
        self._buffers: dict[int, bytes] = {}

    def entry(self, kind: str, index: Any) -> Json:
        """One entry of a top-level array, such as nodes.

        Raises:
            DataError: there is none of that number.
        """
        found = self.json.get(kind, [])
        if type(index) is not int or not 0 <= index < len(found) or not isinstance(found[index], dict):
            raise DataError(f"{self.path} refers to {kind} number {index!r} and has {len(found)}; restore it.")
        return found[index]

    def numbers(self, index: Any, types: Sequence[str]) -> NDArray:
        """The elements of an accessor, (count, n): as stored, or scaled to [0, 1] or [-1, 1] if it is normalised.

        Raises:
            DataError: it is of another type than those, lies outside its buffer, is compressed, or its stated minimum
                or maximum is not that of the data.
        """
        accessor = self.entry("accessors", index)
        code, kind, count = accessor["componentType"], accessor["type"], self._size(accessor["count"])
        if kind not in types or code not in _COMPONENTS:
            raise DataError(
                f"{self.path} has an accessor of type {kind!r} ({code}) where {types[0]} is needed; fix it."
            )
        dtype, width = np.dtype(_COMPONENTS[code]), _WIDTHS[kind]
        if "bufferView" in accessor:
            values = self._rows(accessor, dtype, count, width)
        elif count > _MOST:
            raise DataError(f"{self.path} has an accessor of {count:,} elements without data; restore it.")
        else:
            values = np.zeros((count, width), dtype)
        if "sparse" in accessor:
            values = self._replaced(values, accessor["sparse"])
        self._check_bounds(index, accessor, values)
        if not accessor.get("normalized") or dtype.kind == "f":
            return values
        return np.maximum(values.astype(np.float64) / np.iinfo(dtype).max, -1)

    def _replaced(self, values: NDArray, sparse: Json) -> NDArray:
        """The elements with the substitutions of a sparse accessor applied."""
        count, indices, given = self._size(sparse["count"]), sparse["indices"], sparse["values"]
        places = self._rows(indices, np.dtype(_COMPONENTS[indices["componentType"]]), count, 1)[:, 0].astype(np.int64)
        if count and (places.max() >= len(values) or (np.diff(places) <= 0).any()):
            raise DataError(f"{self.path} has a sparse accessor whose indices are not in order; restore it.")
        changed = values.copy()
        changed[places] = self._rows(given, values.dtype, count, values.shape[1])
        return changed

    def _rows(self, stored: Json, dtype: np.dtype, count: int, width: int) -> NDArray:
        """(count, width) numbers where `stored` says that they are."""
        index, offset = stored["bufferView"], self._size(stored.get("byteOffset", 0))
        view = self.entry("bufferViews", index)
        for name in _COMPRESSED:
            if name in view.get("extensions", {}):
                raise DataError(f"{self.path} is compressed ({name}), which is not read; export it without.")
        buffer = self._buffer(view["buffer"])
        start, length = self._size(view.get("byteOffset", 0)), self._size(view["byteLength"])
        packed = dtype.itemsize * width
        stride = self._size(view.get("byteStride", packed))
        ends = offset + stride * (count - 1) + packed if count else 0
        if start + length > len(buffer) or ends > length or stride < packed:
            raise DataError(
                f"{self.path} has {count:,} elements of {packed} bytes where its bufferView {index} has {length:,} "
                f"bytes and its buffer {len(buffer):,}; it is truncated or damaged, restore it."
            )
        steps = (stride, dtype.itemsize)
        return np.ndarray((count, width), dtype, buffer, start + offset if count else 0, steps)

    def _check_bounds(self, index: Any, accessor: Json, values: NDArray) -> None:
        if not len(values) or not np.isfinite(values).all():
            return  # whoever checks the mesh refuses it
        low, high = values.min(axis=0).astype(np.float64), values.max(axis=0).astype(np.float64)
        allowed = _NEAR * (high - low).max() + 1e-6 * max(np.abs(low).max(), np.abs(high).max())
        for name, found in (("min", low), ("max", high)):
            stated = np.array(accessor.get(name, found), dtype=np.float64)
            if name == "max" and stated.tolist() == [len(values) - 1] >= found.tolist():
                continue  # Open3D states the number of the last index instead of the largest one
            if stated.shape != found.shape or not (np.abs(stated - found) <= allowed).all():
                raise DataError(
                    f"{self.path} states the {name} {stated.tolist()} of its accessor {index}, whose data have "
                    f"{found.tolist()}; it is damaged or was exported wrongly, restore it."
                )

    def _buffer(self, index: Any) -> bytes:
        if index not in self._buffers:
            buffer = self.entry("buffers", index)
            data, length = self._loaded(index, buffer), self._size(buffer["byteLength"])
            if len(data) < length:
                raise DataError(
                    f"{self.path} has {len(data):,} bytes in buffer {index} where it says {length:,}; it is truncated, "
                    "restore it."
                )
            self._buffers[index] = data[:length]
        return self._buffers[index]

    def _loaded(self, index: int, buffer: Json) -> bytes:
        uri = buffer.get("uri")
        if uri is None:
            if self._chunk is None or index:
                raise DataError(f"{self.path} has no data for its buffer {index}; restore it.")
            return self._chunk
        if uri.startswith("data:"):
            return self._inline(index, uri)
        name = _local(uri)
        if name is None:
            raise DataError(f"{self.path} has a buffer at {uri[:60]!r}, not in its own folder; put it there.")
        return read_bytes(self.path.parent / name)

    def _inline(self, index: int, uri: str) -> bytes:
        head, _, text = uri.partition(",")
        if not head.endswith(";base64"):
            return unquote_to_bytes(text)
        try:
            return base64.b64decode(unquote(text), validate=True)
        except (binascii.Error, ValueError):
            raise DataError(f"{self.path} has a buffer {index} that is not base64; restore it.") from None

    def _size(self, value: Any) -> int:
        if type(value) is not int or not 0 <= value < 1 << 40:
            raise DataError(f"{self.path} has the size or place {value!r}; restore it.")
        return value


def external_buffers(path: Path) -> list[Path]:
    """The files next to a glTF file that hold its numbers; none for other formats, and none where it cannot be read."""
    if path.suffix.lower() not in (".gltf", ".glb"):
        return []
    try:
        uris = [buffer.get("uri") for buffer in GltfFile(path).json.get("buffers", [])]
    except (DataError, OSError, MemoryError, AttributeError, TypeError):
        return []  # whoever reads it says so
    return [path.parent / name for uri in uris if isinstance(uri, str) and (name := _local(uri)) is not None]


def _local(uri: str) -> str | None:
    """The path of a buffer's file relative to the glTF file; None if it is embedded, or outside that folder."""
    name = unquote(uri).replace("\\", "/")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", name) or posixpath.isabs(name) or "\0" in name:
        return None
    return None if posixpath.normpath(name).split("/")[0] == ".." else name


def _chunks(path: Path, data: bytes) -> tuple[bytes, bytes | None]:
    """JSON and binary data of a .glb file."""
    version, length = (int.from_bytes(data[start : start + 4], "little") for start in (4, 8))
    if version != 2 and len(data) >= 12:
        raise DataError(f"{path} is glTF of version {version} where 2 is read; export it as that.")
    if len(data) < max(length, 20):
        raise DataError(
            f"{path} has {len(data):,} bytes where it says {max(length, 20):,}; it is truncated, restore it."
        )
    found: dict[int, bytes] = {}
    place = 12
    while place + 8 <= length:
        size, kind = (int.from_bytes(data[start : start + 4], "little") for start in (place, place + 4))
        if place + 8 + size > length:
            raise DataError(f"{path} has a chunk of {size:,} bytes that ends after the end of the file; restore it.")
        found.setdefault(kind, data[place + 8 : place + 8 + size])
        place += 8 + size
    if _JSON not in found:
        raise DataError(f"{path} has no description (JSON) in it; restore it.")
    return found[_JSON], found.get(_BIN)


def _description(path: Path, text: bytes) -> Json:
    try:
        found = json.loads(text.decode("utf-8-sig").rstrip("\0"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not glTF: its JSON cannot be read ({str(error)[:80]}); restore it.") from None
    asset = found.get("asset") if isinstance(found, dict) else None
    if not isinstance(asset, dict):
        raise DataError(f"{path} is JSON, but no glTF (it has no asset with a version); leave it out.")
    version, least = str(asset.get("version")), str(asset.get("minVersion", "2.0"))
    if not version.startswith("2.") or least != "2.0":
        version = version if least == "2.0" else least
        raise DataError(f"{path} is glTF of version {version[:20]} where 2.0 is read; export it as that.")
    required = [str(name) for name in found.get("extensionsRequired") or ()]
    unread = [name for name in required if name not in _READ and not _NEUTRAL.fullmatch(name)]
    if unread:
        raise DataError(f"{path} requires {', '.join(unread)[:80]}, which is not read; export it without.")
    return found
