"""Column names of point cloud files, normalised: x, y, z, nx, ny, nz and others."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from numpy.typing import NDArray

from randquant.errors import DataError, UsageError

XYZ, NORMAL = ("x", "y", "z"), ("nx", "ny", "nz")
PASSED_OVER = "_"  # a column without a name

_UNIT = re.compile(r"\s*[\[(][^\])]*[\])]$")  # x [m], Y (mm)
_PLACE = "points?|pos|positions?|coords?|coordinates?|pt|p"
_SPELLINGS = (
    # ParaView's Points:0, VeloView's Points_m_XYZ:0 and NumPy's points[0], points_0
    (re.compile(r"(?:points?(?:_m_xyz)?|positions?|coordinates?|coords?|vertices|vertex|xyz)[:_]?\[?([012])\]?"), ""),
    (re.compile(r"normals?[:_]?\[?([012])\]?"), "n"),
    (re.compile(rf"(?:{_PLACE})[:_ .]?([xyz])|([xyz])[:_ .]?(?:coords?|coordinates?|pos)"), ""),
    (re.compile(r"(?:normals?|norm|n|scalar_n)[:_ .]?([xyz])"), "n"),
)
_MAP = {"easting": "x", "northing": "y", "elevation": "z", "height": "z", "altitude": "z"}


@dataclass(frozen=True)
class Columns:
    """The columns that a reader found.

    Attributes:
        values: (N,) numbers of each column by its name.
        notes: what was left out, moved or assumed, as in `randquant.data_prep.notes.READING`: how often.
    """

    values: Mapping[str, NDArray]
    notes: Mapping[str, int] = field(default_factory=dict)


def plain(name: str) -> str:
    """Normalise a column name: its common spellings become one.

    >>> [plain(name) for name in ("X", "normal_x", "NormalZ", "Points:0", "y [m]", "red")]
    ['x', 'nx', 'nz', 'x', 'y', 'red']
    """
    name = _UNIT.sub("", name.strip().strip('"').lower())
    for pattern, prefix in _SPELLINGS:
        found = pattern.fullmatch(name)
        if found is not None:
            axis = next(axis for axis in found.groups() if axis)
            return prefix + (axis if axis in XYZ else XYZ[int(axis)])
    return name


def plain_names(path: Path, names: Sequence[str]) -> list[str]:
    """Normalise all names; easting, northing and height become x, y, z if those are absent.

    Raises:
        DataError: two of x, y, z, nx, ny, nz have the same name.
    """
    found = [plain(name) for name in names]
    if not set(XYZ) & set(found):
        mapped = [_MAP.get(name, name) for name in found]
        found = mapped if set(XYZ) <= set(mapped) else found
    doubled = next((name for name in (*XYZ, *NORMAL) if found.count(name) > 1), None)
    if doubled is not None:
        alike = [name for name, own in zip(names, found, strict=True) if own == doubled]
        raise DataError(f"{path} has {len(alike)} columns for {doubled} ({', '.join(alike)}); keep one of them.")
    return found


def by_name(path: Path, columns: Iterable[tuple[str, NDArray]]) -> dict[str, NDArray]:
    """Columns by their normalised names.

    Raises:
        DataError: as `plain_names`.
    """
    there = list(columns)
    return dict(zip(plain_names(path, [name for name, _ in there]), (values for _, values in there), strict=True))


def check_columns(names: Sequence[str] | None) -> tuple[str, ...] | None:
    """Check --columns: one name per column of files without a header.

    Raises:
        UsageError: x, y and z are not among them, or a name comes twice.
    """
    if names is None:
        return None
    found = tuple(PASSED_OVER if name == PASSED_OVER else plain(name) for name in names)
    used = [name for name in found if name != PASSED_OVER]
    if not set(XYZ) <= set(used) or len(set(used)) < len(used):
        raise UsageError(
            f"--columns {' '.join(names)} should name x, y and z, each once, and pass over others by any other name or "
            f"{PASSED_OVER}, as in --columns x y z i."
        )
    return found
