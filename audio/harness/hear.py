"""A HEAR module: `hear-validator` and `heareval` import it by name, `randquant.audio.harness.hear`.

    python -m heareval.embeddings.runner randquant.audio.harness.hear --model RUN

The API is that of HEAR (Turian et al., "HEAR: Holistic Evaluation of Audio Representations", 2022),
https://hearbenchmark.com/hear-api.html.
"""

from typing import Any

import torch
from torch import Tensor, nn

from randquant.audio.harness.fine_steps import fine_steps
from randquant.audio.ready_encoder import AudioReadyEncoder
from randquant.errors import UsageError


class HearModel(nn.Module):
    """What `load_model` returns.

    Args:
        encoder: of sound.

    Attributes:
        sample_rate: Hz that audio has to have.
        scene_embedding_size: D of a clip.
        timestamp_embedding_size: D of a time.
    """

    def __init__(self, encoder: AudioReadyEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.sample_rate = encoder.sample_rate
        self.scene_embedding_size = self.timestamp_embedding_size = encoder.dimension()

    def forward(self, audio: Tensor) -> Tensor:
        """Scene embeddings."""
        return get_scene_embeddings(audio, self)


def load_model(model_file_path: str = "", **how: Any) -> HearModel:
    """Open an encoder.

    Args:
        model_file_path: a run folder, a weights file, or `untrained:ENCODER:D`.
        how: as `randquant.load` takes it, such as the seed of an untrained encoder.

    Raises:
        DataError: it cannot be opened.
        UsageError: no path.
    """
    if not model_file_path:
        raise UsageError("randquant brings no weights; give load_model a run folder or a weights file (--model).")
    return HearModel(AudioReadyEncoder.open(model_file_path, **{"seed": 42, **how})).eval()


def get_scene_embeddings(audio: Tensor, model: HearModel) -> Tensor:
    """A vector a clip.

    Args:
        audio: (n_sounds, n_samples) in [-1, 1] at `model.sample_rate`.
        model: of `load_model`.

    Returns:
        (n_sounds, scene_embedding_size) float32 on the model's device. Clips over 10 s are the mean of equal windows.

    Raises:
        ValueError: another shape.
    """
    return model.encoder(_checked(audio), sample_rate=model.sample_rate, axes="BT")


def get_timestamp_embeddings(audio: Tensor, model: HearModel) -> tuple[Tensor, Tensor]:
    """Vectors over time, at a regular step of at most 50 ms.

    Memory grows with the vectors that are returned alone: a recording is worked through in pieces.

    Args:
        audio: (n_sounds, n_samples) in [-1, 1] at `model.sample_rate`.
        model: of `load_model`.

    Returns:
        Vectors (n_sounds, n_timestamps, timestamp_embedding_size) float32, and the time of the middle of what each
        stands for in milliseconds, (n_sounds, n_timestamps) float32, both on the model's device.

    Raises:
        ValueError: another shape.
    """
    found = fine_steps(model.encoder, _checked(audio))
    times = (found.times * 1000).to(model.encoder.device, torch.float32)
    return found.vectors, times.expand(len(audio), -1)


def _checked(audio: Tensor) -> Any:
    if audio.ndim != 2:
        raise ValueError(f"expected audio of shape (n_sounds, n_samples), got {tuple(audio.shape)}.")
    return audio.detach().cpu().float().numpy()
