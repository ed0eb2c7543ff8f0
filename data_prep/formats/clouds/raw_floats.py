"""Headerless binary scans (.bin): 32-bit floats, point after point, as KITTI and nuScenes publish them.

Nothing in such a file says how many numbers a point has, so --columns does: x y z i for KITTI, x y z i ring for
nuScenes (.pcd.bin).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.formats.clouds.columns import Columns
from randquant.data_prep.formats.whole_file import read_bytes
from randquant.errors import DataError

_KNOWN = {4: "x y z i for KITTI", 5: "x y z i ring for nuScenes"}
_FARTHEST, _NEAREST = 1e8, 1e-30  # metres; what lies outside was no number of 32 bits
_FEW = 0.02  # of the numbers that may be outside
_RINGS = 256


def read_raw_floats(path: str | Path, names: Sequence[str] | None) -> Columns:
    """Read the columns of a file under the given names.

    Args:
        path: 32-bit floats, little-endian.
        names: one for each number of a point; None is refused with a hint.

    Raises:
        DataError: the size is no whole number of points, or the numbers are none of 32 bits, or `names` are not its.
    """
    path = Path(path)
    data = read_bytes(path)
    if names is None:
        fits = [text for count, text in _KNOWN.items() if data and len(data) % (4 * count) == 0]
        raise DataError(
            f"{path} is bare numbers that no header names; give --columns, as in "
            f"{', '.join(fits or _KNOWN.values())}, or leave it out."
        )
    width = 4 * len(names)
    if not data or len(data) % width:
        raise DataError(
            f"{path} has {len(data):,} bytes, which is not a multiple of {len(names)} floats of 32 bits; give other "
            "--columns, or restore it."
        )
    table = np.frombuffer(data, dtype="<f4").reshape(-1, len(names))
    places = table[:, [names.index(axis) for axis in "xyz"]]
    if not _are_coordinates(places):
        raise DataError(f"{path} holds no coordinates as 32-bit floats; convert it, or leave it out.")
    if len(names) == 4 and _has_rings(data):
        raise DataError(
            f"{path} has a fifth number a point that counts rings, as in nuScenes; give --columns x y z i ring."
        )
    return Columns(dict(zip(names, table.T, strict=False)))


def _are_coordinates(places: NDArray[np.float32]) -> bool:
    size = np.abs(places)
    odd = (size > _FARTHEST) | ((size > 0) & (size < _NEAREST)) | np.isnan(size)
    return bool(odd.mean() <= _FEW)


def _has_rings(data: bytes) -> bool:
    if len(data) % 20:
        return False
    rings = np.frombuffer(data, dtype="<f4").reshape(-1, 5)[:, 4]
    return bool(np.isfinite(rings).all() and (rings >= 0).all() and (rings < _RINGS).all() and not (rings % 1).any())
