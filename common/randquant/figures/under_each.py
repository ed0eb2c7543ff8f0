"""What several augmentations make of the same samples, to be shown side by side."""

from collections.abc import Mapping

import torch
from torch import Tensor

from randquant.augmentation import Augmentation


def under_each(augmentations: Mapping[str, Augmentation | None], x: Tensor, *, seed: int) -> dict[str, Tensor]:
    """Samples (S, ...) under each augmentation, drawn by `seed` whatever the others draw; None leaves them as they are.

    Args:
        augmentations: by title.
        x: the samples.
        seed: at least 0.
    """
    found = {}
    for title, augmentation in augmentations.items():
        generator = torch.Generator(device=x.device).manual_seed(seed)
        found[title] = x if augmentation is None else augmentation.train()(x, generator=generator)
    return found
