"""The augmentations of one view of clouds, with an account of which slots are still genuine."""

import torch
from torch import Tensor

from pointcloud.augment.dropping import Dropping
from pointcloud.augment.geometric import RandomResample
from randquant.views import Policy


class PointPolicy(Policy):
    """Augmentations of clouds, applied one after the other, all drawing from the same generator.

    Any `Augmentation` of (B, N, C) fits, `PointQuantization` and `RandomizedQuantization(dim=-2)` among them.

    >>> from pointcloud.augment.geometric import RandomCrop, RandomRotation
    >>> policy = PointPolicy(RandomCrop(kept=(0.5, 0.5)), RandomRotation("z"))
    >>> points, kept = policy(torch.rand(2, 100, 3))
    >>> points.shape, kept.sum(dim=1)
    (torch.Size([2, 100, 3]), tensor([50, 50]))
    """

    def forward(  # type: ignore[override]
        self, x: Tensor, *, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Augment clouds.

        Args:
            x: (B, N, C).
            generator: source of every draw, on the device of x.

        Returns:
            points (B, N', C), N' other than N only with `RandomResample`; and kept (B, N') bool, false where a slot
            holds a copy of another's point since some `Dropping`. Every cloud keeps at least one.
        """
        kept = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        for augmentation in self:
            if not augmentation.training:
                continue
            if isinstance(augmentation, Dropping):
                dropping = augmentation.make_params(x, kept=kept, generator=generator)
                x, kept = augmentation.transform(x, dropping), dropping.kept
            elif isinstance(augmentation, RandomResample):
                resampling = augmentation.make_params(x, kept=kept, generator=generator)
                x, kept = augmentation.transform(x, resampling), kept.gather(1, resampling.slots)
            else:
                x = augmentation(x, generator=generator)
        return x, kept

    @property
    def keeps_slots(self) -> bool:
        """Whether every kept point stays in its slot, so that neighbourhoods computed beforehand still hold."""
        return not any(isinstance(augmentation, RandomResample) for augmentation in self)
