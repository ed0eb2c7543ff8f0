"""The base class of audio encoders."""

from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from randquant.audio.encoders.layer import Layer


class AudioEncoder(nn.Module):
    """Normalised log-mels (B, 1, F, T) of any length -> embeddings (B, D); the constructor takes `d`, their size.

    A batch of clips of different lengths is padded at the tail, with anything, and comes with `lengths`. What is behind
    a clip's own frames has no influence: its vectors are those of the clip alone.

    Attributes:
        n_mels: F.
        layers: what `layer` may be.
        frame_step: frames of the log-mel for each frame of `frames`.
        frame_reach: frames of the log-mel before and behind its own that a frame of `frames` depends on; None for all.
    """

    layers: ClassVar[tuple[Layer, ...]] = ("output", "conv", "conv+output")
    n_mels: int
    frame_step: int
    frame_reach: int | None = None

    @classmethod
    def of_width(cls, d: int, n_mels: int = 64) -> Self:
        """The encoder for `--d` in pretraining: by default of embedding size d."""
        return cls(d=d, n_mels=n_mels)

    @property
    def arguments(self) -> dict[str, Any]:
        """All arguments of the constructor, JSON values; they make the same network again."""
        raise NotImplementedError

    def embedding_size(self, layer: Layer = "output") -> int:
        """D of `forward` with this layer.

        Raises:
            ValueError: the encoder has no such layer.
        """
        raise NotImplementedError

    def forward(self, x: Tensor, layer: Layer = "output", lengths: Tensor | None = None) -> Tensor:
        """Embed a batch.

        Args:
            x: (B, 1, F, T) normalised log-mel with F = n_mels.
            layer: "output", the encoder's own output; "conv", the features of its convolutions; "conv+output", the two
                concatenated.
            lengths: (B,) int64, valid frames of each clip, 1 to T; all T where None.

        Returns:
            (B, D), float32 (float64 for a float64 encoder).

        Raises:
            ValueError: another shape, lengths outside 1 to T, or the encoder has no such layer.
        """
        raise NotImplementedError

    def frames(self, x: Tensor, layer: Layer = "output", lengths: Tensor | None = None) -> Tensor:
        """The features of every frame before they are pooled: (B, T', D).

        Clip b has the first `frame_count(lengths[b])` of them; zeros follow.

        Args:
            x: as in `forward`.
            layer: as in `forward`.
            lengths: as in `forward`.

        Raises:
            ValueError: as `forward`.
        """
        raise NotImplementedError

    def frame_count(self, length: int) -> int:
        """Frames that `frames` gives for a log-mel of `length` frames: a last incomplete group is dropped, but for
        that of a clip shorter than one group.
        """
        return max(1, length // self.frame_step)

    def frame_times(self, count: int, hop_seconds: float) -> Tensor:
        """The middle of each of the first `count` frames of `frames`, (count,) float64 seconds.

        Frame t of the log-mel is centred at t hops, so frame i of `frames` spans steps i * frame_step and on.

        Args:
            count: how many.
            hop_seconds: from one frame of the log-mel to the next.

        >>> encoder = AudioEncoder()
        >>> encoder.frame_step = 8
        >>> encoder.frame_times(2, 0.01)
        tensor([0.0350, 0.1150], dtype=torch.float64)
        """
        middles = torch.arange(count, dtype=torch.float64) * self.frame_step + (self.frame_step - 1) / 2
        return middles * hop_seconds

    def check(self, x: Tensor, lengths: Tensor | None = None) -> None:
        """Check the shapes of a batch.

        Raises:
            ValueError: x is not (B, 1, n_mels, T), or lengths are not B whole numbers from 1 to T.
        """
        if x.ndim != 4 or x.shape[1] != 1 or x.shape[2] != self.n_mels:
            raise ValueError(f"expected log-mels of shape (B, 1, {self.n_mels}, T), got {tuple(x.shape)}.")
        if lengths is None:
            return
        if lengths.shape != x.shape[:1] or lengths.is_floating_point() or lengths.dtype == torch.bool:
            raise ValueError(
                f"expected lengths of {len(x)} whole numbers, got {lengths.dtype} of shape {tuple(lengths.shape)}."
            )
        least, most = lengths.aminmax() if len(x) else (1, 1)
        if least < 1 or most > x.shape[3]:
            raise ValueError(f"expected lengths from 1 to the {x.shape[3]} frames there are, got {least} to {most}.")
