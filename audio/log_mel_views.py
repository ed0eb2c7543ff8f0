"""From raw crops to augmented log-mel views."""

import torch
from torch import Tensor, nn

from audio.normalize import PostNorm, PreNorm
from randquant.views import Views


class LogMelViews(nn.Module):
    """Raw crops -> normalised, augmented log-mel views, (B, 1, F, frames) each."""

    def __init__(self, front: nn.Module, normalise: PreNorm, views: Views) -> None:
        super().__init__()
        self.front, self.normalise, self.views, self.post = front, normalise, views, PostNorm()

    def forward(self, batch: Tensor, *, generator: torch.Generator) -> list[Tensor]:
        """Views of crops (crops, B, ...); view i is made from crop i, or all from the only one."""
        _crops, size = batch.shape[:2]
        log_mels = self.normalise(self.front(batch.flatten(0, 1))).split(size)
        views = self.views(log_mels, generator=generator)
        return list(self.post(torch.cat(views)).contiguous(memory_format=torch.channels_last).split(size))
