"""The augmentations of point clouds by the names that --augment takes, in the order in which a view applies them."""

from collections.abc import Callable
from typing import Literal, Protocol

from randquant.augmentation import Augmentation
from randquant.pointcloud.augment.dropping import RandomCrop, RandomCutout, RandomDropout
from randquant.pointcloud.augment.elastic import RandomElastic
from randquant.pointcloud.augment.jitter import RandomJitter
from randquant.pointcloud.augment.quantize import PointQuantization, Quantizer
from randquant.pointcloud.augment.resample import RandomResample
from randquant.pointcloud.augment.rotation import RandomRotation, RandomRotationPerturbation
from randquant.pointcloud.augment.scale import RandomAnisotropicScale, RandomScale
from randquant.pointcloud.augment.shear import RandomShear
from randquant.pointcloud.augment.translation import RandomTranslation
from randquant.pointcloud.points.first_points import Points
from randquant.pointcloud.points.layout import Layout
from randquant.policies.strength import Strength

GEO = ("crop", "dropout", "stretch", "jitter")  # what "geo" stands for


class AugmentationSettings(Protocol):
    """The settings of a training that augmentations read; see `randquant.pointcloud.settings.PointPretraining`."""

    points: Points
    normals: bool
    crop_kept: tuple[float, float]
    dropout: tuple[float, float]
    stretch: float
    rotate_axis: Literal["x", "y", "z", "so3"]
    jitter: float | list[float]
    rq_bins: list[int]
    rq_p: float
    rq_value: Literal["random", "midpoint", "zero"]
    rq_shared: bool
    rq_normals_bins: list[int]
    rq_jitter: float
    rq_renormalise: bool

    @property
    def layout(self) -> Layout:
        """The columns of the clouds."""


def _quantization(settings: AugmentationSettings) -> PointQuantization:
    coordinates = Quantizer(_bins(settings.rq_bins), settings.rq_p, value=settings.rq_value)
    normals = None
    if settings.normals and settings.rq_normals_bins != [0]:
        normals = Quantizer(_bins(settings.rq_normals_bins), settings.rq_p, value=settings.rq_value)
    return PointQuantization(
        coordinates,
        normals,
        layout=settings.layout,
        shared=settings.rq_shared,
        jitter=settings.rq_jitter,
        renormalise=settings.rq_renormalise,
    )


def _jitter(sigma: float | list[float]) -> RandomJitter:
    most = max(sigma) if isinstance(sigma, list) else sigma
    return RandomJitter(sigma, clip=5 * most)


def _bins(numbers: list[int]) -> int | tuple[int, int]:
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


AUGMENTATIONS: dict[str, Callable[[AugmentationSettings], Augmentation]] = {
    "resample": lambda settings: RandomResample(1 if settings.points == "any" else settings.points),
    "crop": lambda settings: RandomCrop(kept=settings.crop_kept),
    "cutout": lambda settings: RandomCutout(p=0.5),
    "dropout": lambda settings: RandomDropout(settings.dropout),
    "rotate": lambda settings: RandomRotation(settings.rotate_axis, layout=settings.layout),
    "perturb": lambda settings: RandomRotationPerturbation(layout=settings.layout),
    "stretch": lambda settings: RandomAnisotropicScale(
        (1 / settings.stretch, settings.stretch), layout=settings.layout
    ),
    "shear": lambda settings: RandomShear(layout=settings.layout),
    "elastic": lambda settings: RandomElastic(layout=settings.layout),
    "scale": lambda settings: RandomScale(),
    "translate": lambda settings: RandomTranslation(),
    "rq": _quantization,
    "jitter": lambda settings: _jitter(settings.jitter),
}

# What a random choice among operations chooses from: a name, and how a strength becomes an augmentation.
OPERATIONS: dict[str, Callable[[AugmentationSettings, Strength], Augmentation]] = {
    "rotate": lambda settings, strength: _rotation(settings, 180.0 * strength.high),
    "stretch": lambda settings, strength: RandomAnisotropicScale(
        (1 / (1 + strength.high), 1 + strength.high), layout=settings.layout
    ),
    "shear": lambda settings, strength: RandomShear(strength.span(0.0, 0.4), layout=settings.layout),
    "jitter": lambda settings, strength: RandomJitter(0.04 * strength.high, clip=0.2 * strength.high),
    "drop": lambda settings, strength: RandomDropout(strength.span(0.0, 0.875)),
    "crop": lambda settings, strength: RandomCrop(kept=strength.span(1.0, 0.3)),
    "elastic": lambda settings, strength: RandomElastic(strength.span(0.0, 0.2), layout=settings.layout),
    "rq": lambda settings, strength: PointQuantization(
        Quantizer(strength.bins(256, 8), value=settings.rq_value), layout=settings.layout, shared=settings.rq_shared
    ),
}


def _rotation(settings: AugmentationSettings, degrees: float) -> RandomRotation:
    """About the axis of the run; where that is any, about the vertical one, since a strength limits the angle."""
    return RandomRotation(
        "z" if settings.rotate_axis == "so3" else settings.rotate_axis, degrees, layout=settings.layout
    )
