"""A picture of augmented clouds: one row per shape, one column per augmentation."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from randquant.augmentation import Augmentation
from randquant.figures.figure import panels
from randquant.figures.under_each import under_each
from randquant.pointcloud.augment.dropping import RandomCrop, RandomCutout, RandomDropout
from randquant.pointcloud.augment.jitter import RandomJitter
from randquant.pointcloud.augment.quantize import PointQuantization, Quantizer
from randquant.pointcloud.augment.rotation import RandomRotation
from randquant.pointcloud.augment.scale import RandomAnisotropicScale
from randquant.pointcloud.points.layout import XYZ

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = (8, 16, 32, 64)
_AZIMUTH, _ELEVATION = math.radians(-55.0), math.radians(22.0)  # of the eye, z pointing up
_REACH = 1.12  # of each panel from its middle, in radii of the unit sphere
_INCHES = 1.35  # a panel


def augmentations() -> dict[str, Augmentation | None]:
    """What the columns show, by title; None leaves clouds as they are. Values: as in `randquant.pointcloud.augment`."""
    return {
        "as stored": None,
        "turned about z": RandomRotation("z"),
        "turned anyhow": RandomRotation("so3"),
        "stretched": RandomAnisotropicScale(),
        "jittered": RandomJitter(),
        "dropped out": RandomDropout(ratio=(0.5, 0.875)),
        "cropped": RandomCrop(kept=(0.5, 0.7)),
        "cut out": RandomCutout(),
        **{f"RQ, {bins} bins": PointQuantization(Quantizer(bins=bins)) for bins in BINS},
    }


def gallery(clouds: Tensor, titles: Sequence[str], *, seed: int = 0) -> "Figure":
    """Draw clouds and their augmented forms, nearer points brighter, with the number of distinct points below.

    Args:
        clouds: (S, N, C) in the unit sphere, z up; only coordinates are shown.
        titles: S names of the rows.
        seed: of the augmentations.

    Raises:
        UsageError: matplotlib is missing.
    """
    views = under_each(augmentations(), clouds[..., XYZ.xyz].float().cpu(), seed=seed)
    figure, drawn = panels(titles, list(views), width=_INCHES, height=_INCHES * 1.08)
    for column, changed in enumerate(views.values()):
        for row, cloud in enumerate(changed):
            _draw(drawn[row, column], cloud.numpy())
    return figure


def projected(points: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Orthographic projection of points (N, 3): image coordinates (N, 2) and nearness (N,)."""
    sin_a, cos_a, sin_e, cos_e = math.sin(_AZIMUTH), math.cos(_AZIMUTH), math.sin(_ELEVATION), math.cos(_ELEVATION)
    right = np.array([-sin_a, cos_a, 0.0])
    up = np.array([-sin_e * cos_a, -sin_e * sin_a, cos_e])
    towards = np.array([cos_e * cos_a, cos_e * sin_a, sin_e])
    return np.stack([points @ right, points @ up], axis=1), points @ towards


def _draw(panel: Any, points: NDArray[np.float32]) -> None:
    places, near = projected(points)
    order = np.argsort(near)  # the nearest last, so that they hide the others
    panel.scatter(
        *places[order].T, c=near[order], s=1.6, cmap="viridis", vmin=-1.0, vmax=1.0, linewidths=0, rasterized=True
    )
    panel.set(xlim=(-_REACH, _REACH), ylim=(-_REACH, _REACH), xticks=[], yticks=[], aspect="equal")
    for spine in panel.spines.values():
        spine.set_visible(False)
    panel.set_xlabel(f"{len(np.unique(points, axis=0)):,} points", fontsize=5, labelpad=1)
