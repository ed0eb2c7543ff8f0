"""An audio representation for EVAR, on the user's own copy of it: `AR_RandQuant` of this module.

EVAR's licence allows evaluation alone, so nothing of it is here: its base class is imported when `AR_RandQuant` is
asked for, from wherever the user has put it. In the folder of EVAR, a module of two lines makes it known there:

    # evar/ar_randquant.py
    from randquant.audio.harness.evar_model import AR_RandQuant
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from randquant.audio.ready_encoder import AudioReadyEncoder
from randquant.audio.spectrogram.normalize import PreNorm, mean_and_std
from randquant.errors import UsageError

STATISTICS_CLIPS = 5_000


def representation_class() -> type:
    """The class `AR_RandQuant`, derived from the base class of the user's EVAR.

    Raises:
        UsageError: EVAR cannot be imported.
    """
    try:
        from evar.ar_base import BaseAudioRepr
    except ImportError as error:
        raise UsageError(
            f"EVAR cannot be imported ({error}); run this in the folder of your copy of EVAR, or put it on PYTHONPATH."
        ) from None

    class AR_RandQuant(BaseAudioRepr):
        """Clips of a task to vectors; log-mels are normalised by the statistics of its training clips.

        Args:
            cfg: of EVAR; `weight_file` is a run folder, a weights file, or `untrained:ENCODER:D`.
        """

        def __init__(self, cfg: Any) -> None:
            super().__init__(cfg)
            self.encoder = AudioReadyEncoder.open(str(cfg["weight_file"]))

        def precompute(self, device: Any, data_loader: Iterable[Any]) -> None:
            """Take the statistics of log-mels from the first 5,000 training clips, every batch of them."""
            self.encoder.prepare.to(device)
            self.encoder.prepare.normalise = task_statistics(self.encoder, data_loader).to(device)

        def forward(self, batch_audio: Tensor) -> Tensor:
            """(B, T) at 16 kHz -> (B, D); with gradients, for its fine-tuning."""
            return self.encoder.encoder(self.encoder.prepare(batch_audio))

        def encode_frames(self, batch_audio: Tensor) -> Tensor:
            """(B, T) -> (B, D, T'), before vectors are pooled."""
            return self.encoder.encoder.frames(self.encoder.prepare(batch_audio)).transpose(1, 2)

    return AR_RandQuant


def task_statistics(encoder: AudioReadyEncoder, data_loader: Iterable[Any]) -> PreNorm:
    """The normalisation by the first training clips that a loader gives, as (waveforms, labels)."""
    device, taken = encoder.prepare.normalise.mean.device, 0

    def log_mels() -> Iterable[Tensor]:
        nonlocal taken
        for waveforms, *_ in data_loader:
            if taken >= STATISTICS_CLIPS:
                return
            taken += len(waveforms)
            with torch.no_grad():
                yield encoder.prepare.log_mel(waveforms.to(device))

    return PreNorm(*mean_and_std(log_mels()))


def __getattr__(name: str) -> Any:
    """`AR_RandQuant`, made when it is asked for."""
    if name == "AR_RandQuant":
        return representation_class()
    raise AttributeError(f"module {__name__} has no attribute {name!r}")
