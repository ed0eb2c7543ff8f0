"""An encoder class for X-ARES (Zhang et al., 2025), which imports it from a file of the user's.

# my_encoder.py
from randquant.audio.harness.xares_encoder import encoder_class
MyEncoder = encoder_class("RUN")

python -m xares.run --max-jobs 1 my_encoder.py src/tasks/*.py
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from randquant.audio.harness.fine_steps import fine_steps, step_milliseconds
from randquant.audio.ready_encoder import AudioReadyEncoder


class WaveformEncoder(nn.Module):
    """Waveforms (B, T) at 16 kHz -> vectors over time (B, T', D), as `check_audio_encoder` of X-ARES wants.

    X-ARES pads a batch and does not say by how much; with its batches of one, clips keep their lengths.

    Args:
        checkpoint: a run folder, a weights file, or `untrained:ENCODER:D`.

    Attributes:
        sampling_rate: Hz.
        output_dim: D.
        hop_size_in_ms: from one vector to the next.
    """

    def __init__(self, checkpoint: str) -> None:
        super().__init__()
        self.encoder = AudioReadyEncoder.open(checkpoint)
        self.sampling_rate = self.encoder.sample_rate
        self.output_dim = self.encoder.dimension()
        self.hop_size_in_ms = step_milliseconds(self.encoder)

    def forward(self, audio: Tensor) -> Tensor:
        """(B, T), or (T,) for one, in [-1, 1] -> (B, T', D) on the encoder's device."""
        waveforms = audio.detach().reshape(-1, audio.shape[-1]).to("cpu", torch.float32)
        return fine_steps(self.encoder, waveforms.numpy()).vectors


def encoder_class(checkpoint: str) -> Callable[[], WaveformEncoder]:
    """A class that X-ARES makes without arguments; its name ends in Encoder, as X-ARES wants.

    Args:
        checkpoint: as for `WaveformEncoder`.
    """

    class RandquantEncoder(WaveformEncoder):
        """Of one checkpoint."""

        def __init__(self) -> None:
            super().__init__(checkpoint)

    return RandquantEncoder
