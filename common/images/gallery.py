"""A picture of augmented pictures: one row per picture, one column per augmentation."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from randquant.augmentation import Augmentation
from randquant.figures.figure import panels
from randquant.figures.under_each import under_each
from randquant.images.augment.automatic.autoaugment import AutoAugment
from randquant.images.augment.automatic.randaugment import RandAugment
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
from randquant.quantize import RandomizedQuantization

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = (4, 8, 16, 32)
_INCHES = 1.0  # a panel


def augmentations() -> dict[str, Augmentation | None]:
    """What the columns show, by title, each always applied; None leaves pictures as they are."""
    return {
        "as stored": None,
        "rrc": RandomResizedCrop(),
        "flip": RandomFlip(p=1.0),
        "colour": ColourJitter(p=1.0),
        "gray": RandomGray(p=1.0),
        "blur": RandomBlur(p=1.0),
        "solarize": RandomSolarize(p=1.0),
        "clahe": RandomClahe(p=1.0),
        "brightness": RandomBrightnessContrast(p=1.0),
        "equalize": RandomEqualize(p=1.0),
        "posterize": RandomPosterize(p=1.0),
        "randaugment": RandAugment(2, 9),
        "autoaugment": AutoAugment("imagenet"),
        "trivial": TrivialAugment(),
        **{f"rq, {bins} bins": RandomizedQuantization(bins, dim=(-2, -1)) for bins in BINS},
    }


def gallery(pictures: Tensor, titles: Sequence[str], *, seed: int = 0) -> "Figure":
    """Draw pictures and their augmented forms, with the number of distinct colours below.

    Args:
        pictures: (S, 3, H, W) in [0, 1].
        titles: S names of the rows.
        seed: of the augmentations.

    Raises:
        UsageError: matplotlib is missing.
    """
    views = under_each(augmentations(), pictures, seed=seed)
    figure, drawn = panels(titles, list(views), width=_INCHES, height=_INCHES * 1.14)
    for column, changed in enumerate(views.values()):
        for row, view in enumerate(changed):
            panel = drawn[row, column]
            panel.imshow(view.clamp(0.0, 1.0).permute(1, 2, 0).numpy(), interpolation="nearest")
            panel.set(xticks=[], yticks=[])
            panel.set_xlabel(f"{colours(view):,} colours", fontsize=5, labelpad=1)
    return figure


def colours(picture: Tensor) -> int:
    """How many different colours of 8 bits a channel a picture (3, H, W) has."""
    levels = (picture.clamp(0.0, 1.0) * 255.0).round().long().flatten(1)
    return len(((levels[0] * 256 + levels[1]) * 256 + levels[2]).unique())
