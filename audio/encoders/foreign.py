"""Encoders of sound by other people, as the probes and embeddings take them."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from randquant.audio.encoders.audio_encoder import AudioEncoder
from randquant.audio.encoders.layer import Layer
from randquant.errors import UsageError
from randquant.weights.foreign.foreign_encoder import ForeignEncoder


class ForeignAudioEncoder(AudioEncoder):
    """What a user's function made: waveforms (B, T) at its sample rate -> embeddings (B, D).

    Args:
        foreign: as it was opened.
    """

    layers: ClassVar[tuple[Layer, ...]] = ("output",)

    def __init__(self, foreign: ForeignEncoder) -> None:
        super().__init__()
        self.foreign, self.name = foreign.module, foreign.user.name
        self.sample_rate = foreign.whole("sample_rate", None, 1_000, 384_000)

    @property
    def arguments(self) -> dict[str, Any]:
        """What was read of it."""
        return {"sample_rate": self.sample_rate}

    def embedding_size(self, layer: Layer = "output") -> int:
        """D.

        Raises:
            UsageError: a layer that nothing is known of.
        """
        if layer != "output":
            raise UsageError(f"--layer {layer}: {self.name} has its output alone; leave out --layer.")
        return self.foreign.dimension

    def forward(self, x: Tensor, layer: Layer = "output", lengths: Tensor | None = None) -> Tensor:
        """Embed a batch of waveforms (B, T); clips of fewer than T samples, as `lengths` says, go one by one."""
        self.embedding_size(layer)
        if lengths is None:
            return self.foreign(x)
        return torch.cat([self.foreign(clip[None, :length]) for clip, length in zip(x, lengths.tolist(), strict=True)])

    @property
    def frame_step(self) -> int:  # type: ignore[override]
        """UsageError: it gives clips one vector."""
        raise UsageError(f"{self.name} gives a clip one vector; there are none over time.")

    def example(self) -> Tensor:
        """Two seconds of noise, always the same."""
        return 0.1 * torch.randn(2, self.sample_rate, generator=torch.Generator().manual_seed(0))
