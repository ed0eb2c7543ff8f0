"""The base class of audio encoders."""

from typing import Any, Literal, Self

from torch import Tensor, nn

Layer = Literal["output", "conv", "conv+output"]


class AudioEncoder(nn.Module):
    """Normalised log-mels (B, 1, F, T) of any length -> embeddings (B, D); the constructor takes `d`, their size.

    Attributes:
        n_mels: F.
    """

    n_mels: int

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

    def forward(self, x: Tensor, layer: Layer = "output") -> Tensor:
        """Embed a batch.

        Args:
            x: (B, 1, F, T) normalised log-mel with F = n_mels.
            layer: "output", the encoder's own output; "conv", the features of its convolutions; "conv+output", the two
                concatenated.

        Returns:
            (B, D), float32 (float64 for a float64 encoder).

        Raises:
            ValueError: another shape, or the encoder has no such layer.
        """
        raise NotImplementedError
