"""E57 scans (ASTM E2807), read by pye57's libE57.

pye57's own reader wants a flag for invalid points in every scan and deletes a file that it cannot write; hence its
library is called here directly. A file holds several scans, each in its own frame with a pose that moves it into that
of all; coordinates are Cartesian or spherical, and points that nothing came back for are flagged as invalid.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.formats.clouds.budget import require_budget
from randquant.data_prep.formats.clouds.columns import NORMAL, XYZ, Columns
from randquant.errors import DataError

_CARTESIAN = ("cartesianX", "cartesianY", "cartesianZ")
_SPHERICAL = ("sphericalRange", "sphericalAzimuth", "sphericalElevation")
_NORMALS = ("nor:normalX", "nor:normalY", "nor:normalZ")
_BYTES = 8  # of a number


def read_e57(path: str | Path) -> Columns:
    """Read x, y, z of all scans in the common frame, and normals if every scan has them.

    Points that are flagged as invalid are left out and counted.

    Raises:
        DataError: pye57 is missing, the file is not an E57 file, is damaged, or holds no points.
    """
    path = Path(path)
    try:
        from pye57 import libe57
    except (ImportError, OSError):
        raise DataError(f"{path} needs pye57 to be read; pip install pye57.") from None
    try:
        file = libe57.ImageFile(str(path), "r")
    except Exception as error:
        raise _broken(path, error) from None
    try:
        scans = [_read_scan(path, libe57, file, scan) for scan in file.root()["data3D"]]
    except DataError:
        raise
    except Exception as error:  # its own kind is not a part of its interface
        raise _broken(path, error) from None
    finally:
        file.close()
    if not scans:
        raise DataError(f"{path} holds no scan of points; leave it out.")
    places = np.concatenate([scan for scan, _, _ in scans])
    notes = {"invalid_points": sum(invalid for _, _, invalid in scans), "joined_scans": len(scans) - 1}
    values = dict(zip(XYZ, places.T, strict=True))
    normals = [found for _, found, _ in scans if found is not None]
    if len(normals) == len(scans):
        values |= dict(zip(NORMAL, np.concatenate(normals).T, strict=True))
    return Columns(values, {name: count for name, count in notes.items() if count})


Scan = tuple[NDArray[np.float64], NDArray[np.float64] | None, int]


def _read_scan(path: Path, libe57: Any, file: Any, scan: Any) -> Scan:
    """Points (N, 3) and their normals in the common frame, and the number of invalid points."""
    points = scan["points"]
    prototype = libe57.StructureNode(points.prototype())
    there = {prototype.get(place).elementName() for place in range(prototype.childCount())}
    system = next((names for names in (_CARTESIAN, _SPHERICAL) if set(names) <= there), None)
    if system is None:
        raise DataError(f"{path} has a scan without coordinates (it holds {', '.join(sorted(there))}); leave it out.")
    flag = "cartesianInvalidState" if system is _CARTESIAN else "sphericalInvalidState"
    wanted = [*system, *([flag] if flag in there else []), *(_NORMALS if set(_NORMALS) <= there else ())]
    require_budget(path, points.childCount() * len(wanted) * _BYTES)
    read = _read_fields(path, libe57, file, points, wanted)
    valid = read.get(flag, np.zeros(points.childCount())) == 0
    places = np.stack([read[name][valid] for name in system], axis=-1)
    rotation, translation = _pose(scan)
    normals = np.stack([read[name][valid] for name in _NORMALS], axis=-1) @ rotation.T if _NORMALS[0] in read else None
    cartesian = places if system is _CARTESIAN else _from_spherical(places)
    return cartesian @ rotation.T + translation, normals, int(len(valid) - valid.sum())


def _read_fields(path: Path, libe57: Any, file: Any, points: Any, names: list[str]) -> dict[str, NDArray[np.float64]]:
    count = points.childCount()
    found = {name: np.empty(max(count, 1)) for name in names}
    buffers = libe57.VectorSourceDestBuffer()
    for name, array in found.items():
        buffers.append(libe57.SourceDestBuffer(file, name, array, len(array), True, True))
    reader = points.reader(buffers)
    held = reader.read()
    reader.close()
    if held != count:
        raise DataError(
            f"{path} says that a scan has {count:,} points and holds {held:,}; it is truncated, restore it."
        )
    return {name: array[:count] for name, array in found.items()}


def _from_spherical(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Range, azimuth from x towards y, elevation above the plane of both (E2807, 8.4.4.4) to x, y, z."""
    distance, azimuth, elevation = places.T
    flat = distance * np.cos(elevation)
    return np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), distance * np.sin(elevation)], axis=-1)


def _pose(scan: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rotation (3, 3) and translation (3,) of a scan; the identity if it states none."""
    rotation, translation = np.eye(3), np.zeros(3)
    if not scan.isDefined("pose"):
        return rotation, translation
    pose = scan["pose"]
    if pose.isDefined("rotation"):
        quaternion = np.array([pose["rotation"][part].value() for part in "wxyz"])
        length = np.linalg.norm(quaternion)
        if not length > 0:
            raise ValueError("a scan is turned by no rotation")
        w, x, y, z = quaternion / length
        rotation = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
            ]
        )
    if pose.isDefined("translation"):
        translation = np.array([pose["translation"][axis].value() for axis in XYZ])
    return rotation, translation


def _broken(path: Path, error: Exception) -> DataError:
    reason = " ".join(str(error).split())[:100] or type(error).__name__
    return DataError(f"{path} cannot be read as E57 ({reason}); restore it or leave it out.")
