"""From bytes to the views of a training: pictures in [0, 1], a policy a view, normalised."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from randquant.images.normalise import Normalise, in_unit_range
from randquant.views import Policy, ViewSet


class PictureViews(nn.Module):
    """Raw pictures (B, H, W, 3), or crops of them a view -> normalised views (B, 3, size, size).

    Args:
        policies: one a view, the local ones last.
        normalise: what the encoder expects.
        local: number of local views.
    """

    def __init__(self, policies: Sequence[Policy], normalise: Normalise, local: int = 0) -> None:
        super().__init__()
        self.policies, self.normalise, self.local = nn.ModuleList(policies), normalise, local

    def forward(self, batch: Tensor | tuple[Tensor, ...], *, generator: torch.Generator) -> list[Tensor] | ViewSet:
        """Views of whole pictures, or each of its own crops."""
        if isinstance(batch, Tensor):
            pictures = [in_unit_range(batch)] * len(self.policies)
        else:
            pictures = [in_unit_range(part) for part in batch]
        augmented = (policy(each, generator=generator) for policy, each in zip(self.policies, pictures, strict=True))
        views = [self.normalise(view).contiguous(memory_format=torch.channels_last) for view in augmented]
        whole = len(views) - self.local
        return ViewSet([*views[:whole]], [*views[whole:]]) if self.local else views
