"""The base class of self-supervised methods: from a list of views to a loss."""

from collections.abc import Sequence

from torch import Tensor, nn

from randquant.views import View


class Method(nn.Module):
    """Owns an encoder and the heads behind it.

    A view is the tensor (B, ...) that the encoder takes, or the tuple of its arguments where it takes several.

    Attributes:
        encoder: what is kept after pretraining.
    """

    encoder: nn.Module

    def forward(self, views: Sequence[View], groups: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The loss, and the projections (views * B, P) on which collapse is watched.

        Args:
            views: at least two of the same samples.
            groups: (B,) int64, the recording or object that each sample is a part of, for the methods that ask.
        """
        raise NotImplementedError

    def after_step(self, momentum: float) -> None:
        """Called right after the optimiser's step; a teacher follows by this momentum."""
