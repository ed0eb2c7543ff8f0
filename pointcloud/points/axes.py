"""The axes of clouds, and the quarter turn from one that points up to another."""

from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Axis = Literal["x", "y", "z"]
AXES: tuple[Axis, ...] = ("x", "y", "z")

Coordinates = TypeVar("Coordinates", "Tensor", NDArray)


def turn_up(points: Coordinates, source: Axis = "y", target: Axis = "z") -> Coordinates:
    """Rotate points or normals by 90 degrees, from axis `source` to axis `target`.

    The third axis stays, and it is a rotation: left and right are not swapped. Points in the other direction,
    `turn_up(points, target, source)`, undo it.

    Args:
        points: (..., 3) coordinates or normals, a tensor or an array.
        source, target: "x", "y" or "z".

    Raises:
        ValueError: another axis.

    >>> turn_up(np.array([1.0, 2.0, 3.0]), "y", "z").tolist()
    [1.0, -3.0, 2.0]
    """
    if source not in AXES or target not in AXES:
        raise ValueError(f"source and target should be x, y or z, got {source!r} and {target!r}")
    if source == target:
        return points
    columns = [points[..., axis] for axis in range(3)]
    first, second = AXES.index(source), AXES.index(target)
    columns[second], columns[first] = columns[first], -columns[second]
    if isinstance(points, np.ndarray):
        return np.stack(columns, axis=-1)
    import torch  # late: shapes are prepared, in many processes, without it

    return torch.stack(columns, dim=-1)
