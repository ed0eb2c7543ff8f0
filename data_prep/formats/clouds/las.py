"""LAS and LAZ files, read by laspy (with lazrs for LAZ).

Coordinates are integers times a scale plus an offset; they are computed in double precision. laspy gives as many
points as a truncated file has, and no word about bounds that its points are not in; both are checked here.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.data_prep.formats.clouds.budget import require_budget
from randquant.data_prep.formats.clouds.columns import NORMAL, XYZ, Columns, plain
from randquant.errors import DataError

_NOISE = (7, 18)  # classes of points that are none, low and high (LAS 1.4, tables 9 and 17)
_MISSED = 0.01  # of the extent, by which the bounds in a header may miss the points
_BYTES = 24  # of three coordinates
_POINT_DATA, _FORM = 96, 104  # where a header keeps the place of the points, and their format; bit 7 is LAZ
_LEAST_CHUNK = 20  # bytes: a chunk of LAZ begins with one point as it is


def read_las(path: str | Path) -> Columns:
    """Read x, y, z of all points, and nx, ny, nz from extra dimensions; other dimensions are ignored.

    Points that are flagged as withheld, or classified as noise, are kept and counted.

    Raises:
        DataError: laspy or lazrs is missing, the file is not LAS, holds fewer points than its header says or points
            outside the header's bounds.
    """
    path = Path(path)
    try:
        import laspy
    except (ImportError, OSError):
        raise DataError(f"{path} needs laspy to be read; pip install laspy lazrs.") from None
    if path.suffix.lower() == ".laz" and not laspy.LazBackend.detect_available():
        raise DataError(f"{path} needs lazrs to be read; pip install lazrs.")
    try:
        _refuse_chunks(path)
        with laspy.open(path) as file:
            header = file.header
            require_budget(path, header.point_count * (header.point_format.size + _BYTES))
            points = file.read_points(header.point_count)
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}); check the path.") from None
    except BaseException as error:  # lazrs panics, which is no Exception
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise DataError(f"{path} cannot be read as LAS ({reason}); restore it or leave it out.") from None
    if len(points) != header.point_count:
        raise DataError(
            f"{path} says that it has {header.point_count:,} points and holds {len(points):,}; it is truncated, "
            "restore it."
        )
    if not header.are_points_compressed:
        _refuse_more(path, header)
    return _columns(path, header, points)


def _refuse_chunks(path: Path) -> None:
    """Refuse a LAZ table of more chunks than the file has room for: lazrs makes room for them and ends the process."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(_FORM + 1)
        if len(head) <= _FORM or not head[_FORM] & 0x80:
            return
        file.seek(*struct.unpack_from("<I", head, _POINT_DATA))
        place = file.read(8)
        if place == b"\xff" * 8:  # written as a stream: the place is the last thing in the file
            file.seek(size - 8)
            place = file.read(8)
        start = struct.unpack("<q", place)[0] if len(place) == 8 else -1
        if 0 <= start <= size - 8:
            file.seek(start)
            _, chunks = struct.unpack("<II", file.read(8))
            if chunks * _LEAST_CHUNK > size:
                raise DataError(
                    f"{path} says that it has {chunks:,} chunks in {size:,} bytes, which cannot be; restore the file."
                )


def _refuse_more(path: Path, header: Any) -> None:
    """Refuse points beyond the header's count, as an unfinished header leaves them."""
    start = header.offset_to_point_data + header.point_count * header.point_format.size
    named = [getattr(header, name, 0) or 0 for name in ("start_of_first_evlr", "start_of_waveform_data_packet_record")]
    with open(path, "rb") as file:
        file.seek(start)
        rest = file.read(header.point_format.size)
    if len(rest) == header.point_format.size and any(rest) and not any(place >= start for place in named):
        raise DataError(f"{path} says that it has {header.point_count:,} points and more follow; rewrite its header.")


def _columns(path: Path, header: Any, points: Any) -> Columns:
    values = {
        axis: np.asarray(points[axis.upper()], dtype=np.float64) * header.scales[place] + header.offsets[place]
        for place, axis in enumerate(XYZ)
    }
    notes = {
        "other_bounds": _other_bounds(path, header, np.stack([values[axis] for axis in XYZ], axis=-1)),
        "withheld_points": int(np.count_nonzero(points["withheld"]))
        if "withheld" in points.point_format.dimension_names
        else 0,
        "noise_points": int(np.isin(np.asarray(points["classification"]), _NOISE).sum()),
    }
    extra = {plain(name): name for name in points.point_format.extra_dimension_names}
    if set(NORMAL) <= extra.keys():
        values |= {name: np.asarray(points[extra[name]], dtype=np.float64) for name in NORMAL}
    return Columns(values, {name: count for name, count in notes.items() if count})


def _other_bounds(path: Path, header: Any, places: NDArray[np.float64]) -> bool:
    """Whether the header's bounds are unset, or wider than those of the points.

    Raises:
        DataError: points lie outside, as those of a damaged file do.
    """
    if not len(places):
        return False
    least, most = np.asarray(header.mins, dtype=float), np.asarray(header.maxs, dtype=float)
    low, high = places.min(axis=0), places.max(axis=0)
    if not (np.isfinite(least).all() and np.isfinite(most).all() and (least <= most).all() and (least < most).any()):
        return bool((low < high).any())
    spare = 2 * np.abs(header.scales) + _MISSED * (most - least)
    if (low < least - spare).any() or (high > most + spare).any():
        raise DataError(
            f"{path} has points outside the bounds that its header states, as a damaged file has; restore it, or "
            "rewrite its header."
        )
    return bool((low > least + spare).any() or (high < most - spare).any())
