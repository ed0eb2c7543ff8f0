"""A shape on a page: its first points, which are spread over it, on a grid."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from randquant.data.store import Store
from randquant.files.json_record import Json
from randquant.pointcloud.evaluation.result import ShapeResult
from randquant.report.media.excerpt import Shape
from randquant.report.modality import Reported, Show

POINTS = 1024
_GRID = 255


def excerpts(store: Store) -> Show:
    """How the shapes of a store are seen."""

    def show(item: int) -> Shape:
        return Shape(item, on_grid(store.rows(item, 0, POINTS)[:, :3]), int(store.lengths[item]))

    return show


def on_grid(points: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Points (n, 3) as (n, 3) uint8: the longest axis fills the grid, the others are centred in it."""
    low, high = points.min(axis=0), points.max(axis=0)
    reach = float((high - low).max()) or 1.0
    return np.rint(((points - (low + high) / 2) / reach + 0.5) * _GRID).astype(np.uint8)


def _features(result: ShapeResult) -> Mapping[str, Json]:
    order = "first of the file" if result.order == "file" else "farthest"
    return {"points": result.points, "order": order, "renormalise": result.renormalise, "corruption": None}


REPORTED = Reported("points", "shapes", ShapeResult, _features, excerpts)
