"""From bytes to the views of a training: pictures in [0, 1], a policy a view, normalised."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from common.images.normalise import Normalise, in_unit_range
from randquant.views import Policy


class PictureViews(nn.Module):
    """Raw pictures (B, H, W, 3), or crops of them a view -> normalised views (B, 3, size, size).

    Args:
        policies: one a view.
        normalise: what the encoder expects.
    """

    def __init__(self, policies: Sequence[Policy], normalise: Normalise) -> None:
        super().__init__()
        self.policies, self.normalise = nn.ModuleList(policies), normalise

    def forward(self, batch: Tensor | tuple[Tensor, ...], *, generator: torch.Generator) -> list[Tensor]:
        """Views of whole pictures, or each of its own crops."""
        if isinstance(batch, Tensor):
            pictures = [in_unit_range(batch)] * len(self.policies)
        else:
            pictures = [in_unit_range(part) for part in batch]
        views = [policy(each, generator=generator) for policy, each in zip(self.policies, pictures, strict=True)]
        return [self.normalise(view).contiguous(memory_format=torch.channels_last) for view in views]
