"""The policy of a view of pictures, as the settings of a training name it."""

import copy
from collections.abc import Sequence

from randquant.augmentation import Augmentation
from randquant.images.augment.flip import RandomFlip
from randquant.images.augment.registry import AUGMENTATIONS, AugmentationSettings
from randquant.images.augment.resize_crop import RandomResizedCrop
from randquant.policies.joined_names import joined_names
from randquant.views import Policy

PER_VIEW = ("blur_p", "solarize_p")  # one value for all views or one a view, as in BYOL


def augmentation_names(augment: str) -> list[str]:
    """The names in a setting, in the order in which they are applied.

    Raises:
        ValueError: one that is unknown or repeated.

    >>> augmentation_names("rq+flip+rrc")
    ['rrc', 'flip', 'rq']
    """
    names = joined_names(augment, AUGMENTATIONS)
    return [name for name in AUGMENTATIONS if name in names]


def policy(settings: AugmentationSettings, view: int = 0) -> Policy:
    """The augmentations of one view; a flip that follows a crop is done in the crop's pass.

    Args:
        settings: of a training.
        view: number of the view, for the settings that differ between views (`PER_VIEW`).

    Raises:
        ValueError: an unknown name, or an argument out of range.
    """
    own = copy.copy(settings)
    for name in PER_VIEW:
        values: Sequence[float] = getattr(settings, name)
        if not values:
            raise ValueError(f"--{name} takes one probability for all views or one a view, got none.")
        setattr(own, name, [values[view % len(values)]])
    made = {name: make(own) for name, make in AUGMENTATIONS.items()}  # all, so that every flag is checked
    names = augmentation_names(settings.augment)
    if settings.rq_first and "rq" in names:
        names.remove("rq")
        names.insert(0, "rq")
    return Policy(*_fused([made[name] for name in names]))


def _fused(augmentations: list[Augmentation]) -> list[Augmentation]:
    """With the flip, where there is one, done by the crop, where there is one."""
    crop = next((each for each in augmentations if isinstance(each, RandomResizedCrop)), None)
    flip = next((each for each in augmentations if isinstance(each, RandomFlip)), None)
    if crop is None or flip is None:
        return augmentations
    crop.flip = flip.p
    return [each for each in augmentations if each is not flip]
