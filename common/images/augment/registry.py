"""The augmentations of pictures by the names that --augment takes, in the order in which a view applies them."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from randquant.augmentation import Augmentation
from randquant.images.augment.automatic.autoaugment import AutoAugment
from randquant.images.augment.automatic.found_policies import PolicyName
from randquant.images.augment.automatic.operation import KINDS, Operation
from randquant.images.augment.automatic.randaugment import CHOICES, RandAugment
from randquant.images.augment.automatic.trivial import TrivialAugment
from randquant.images.augment.blur import RandomBlur
from randquant.images.augment.brightness import RandomBrightnessContrast
from randquant.images.augment.clahe import RandomClahe
from randquant.images.augment.colour import ColourJitter
from randquant.images.augment.equalize import RandomEqualize
from randquant.images.augment.flip import RandomFlip
from randquant.images.augment.gray import RandomGray
from randquant.images.augment.posterize import RandomPosterize
from randquant.images.augment.resize_crop import RandomResizedCrop
from randquant.images.augment.solarize import RandomSolarize
from randquant.policies.strength import Strength
from randquant.quantize import RandomizedQuantization


class AugmentationSettings(Protocol):
    """The settings of a training that augmentations read, with the values that suit as defaults.

    Attributes:
        augment: names of `AUGMENTATIONS` joined by +, or none.
        image_size: side of a view in pixels; 0 keeps the pictures'.
        crop_min: least share of the area that a crop has (0.08; 0.2 in MoCo v1 and v2).
        crop_max: largest share of the area that a crop has (1).
        flip_p: probability of mirroring (0.5).
        randaugment: number of RandAugment's operations and their strength from 0 to 10 (2 9).
        autoaugment: data on which AutoAugment's policy was found, imagenet or cifar10 (imagenet).
        colour: strengths of brightness, contrast, saturation and hue (0.4 0.4 0.2 0.1, MoCo v3; 0.4 0.4 0.4 0.1, v2).
        colour_p: probability of colour jitter (0.8).
        gray_p: probability of gray (0.2).
        blur_p: probability of blur, one for all views or one a view (0.5; 1.0 0.1 are BYOL's).
        blur_sigma: range of the blur's deviation in pixels (0.1 2.0, for 224 px).
        solarize_p: probability of solarization, one for all views or one a view (0.2; 0 0.2 are BYOL's).
        clahe_p, brightness_p, equalize_p, posterize_p: probabilities (0.2, as in Modified-MoCo).
        rq_bins: number of bins, or the lowest and the highest (8).
        rq_p: probability of randomized quantization (1).
        rq_first: randomized quantization before the other augmentations, not after (False).
    """

    augment: str
    image_size: int
    crop_min: float
    crop_max: float
    flip_p: float
    randaugment: tuple[int, int]
    autoaugment: PolicyName
    colour: tuple[float, float, float, float]
    colour_p: float
    gray_p: float
    blur_p: list[float]
    blur_sigma: tuple[float, float]
    solarize_p: list[float]
    clahe_p: float
    brightness_p: float
    equalize_p: float
    posterize_p: float
    rq_bins: list[int]
    rq_p: float
    rq_first: bool


def _crop(settings: AugmentationSettings) -> RandomResizedCrop:
    return RandomResizedCrop(settings.image_size or None, scale=(settings.crop_min, settings.crop_max))


def _quantization(settings: AugmentationSettings) -> RandomizedQuantization:
    numbers = settings.rq_bins
    bins = numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])
    return RandomizedQuantization(bins, dim=(-2, -1), p=settings.rq_p)


AUGMENTATIONS: dict[str, Callable[[AugmentationSettings], Augmentation]] = {
    "rrc": _crop,
    "flip": lambda settings: RandomFlip(settings.flip_p),
    "randaugment": lambda settings: RandAugment(*settings.randaugment),
    "autoaugment": lambda settings: AutoAugment(settings.autoaugment),
    "trivial": lambda settings: TrivialAugment(),
    "colour": lambda settings: ColourJitter(*settings.colour, p=settings.colour_p),
    "gray": lambda settings: RandomGray(settings.gray_p),
    "blur": lambda settings: RandomBlur(settings.blur_p[0], settings.blur_sigma),
    "solarize": lambda settings: RandomSolarize(settings.solarize_p[0]),
    "clahe": lambda settings: RandomClahe(settings.clahe_p),
    "brightness": lambda settings: RandomBrightnessContrast(settings.brightness_p),
    "equalize": lambda settings: RandomEqualize(settings.equalize_p),
    "posterize": lambda settings: RandomPosterize(settings.posterize_p),
    "rq": _quantization,
}

# What a random choice among operations chooses from: a name, and how a strength becomes an augmentation.
OPERATIONS: dict[str, Callable[[Strength], Augmentation]] = {
    **{name: partial(Operation, KINDS[name]) for name in CHOICES},
    "rq": lambda strength: RandomizedQuantization(strength.bins(64, 4), dim=(-2, -1)),
}
