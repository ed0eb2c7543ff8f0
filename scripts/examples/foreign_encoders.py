"""Encoders of other people for `--checkpoint python:scripts.examples.foreign_encoders:FUNCTION:NAME`.

Copy the one nearest to yours into a file of your own, and name that. A function returns anything that can be called
with a batch and has a few attributes: `dimension`, and for sound `sample_rate`.
"""

import torch
from torch import Tensor, nn


class TimmPictures(nn.Module):
    """A model of timm: pictures (B, 3, H, W) in [0, 1] -> (B, D)."""

    modality = "images"
    mean: Tensor
    std: Tensor

    def __init__(self, name: str, *, pretrained: bool = False) -> None:
        import timm

        super().__init__()
        self.model = timm.create_model(name, pretrained=pretrained, num_classes=0)
        config = timm.data.resolve_model_data_config(self.model)
        self.size, self.dimension = config["input_size"][-1], self.model.num_features
        for key in ("mean", "std"):
            self.register_buffer(key, torch.tensor(config[key])[:, None, None])

    def forward(self, pictures: Tensor) -> Tensor:
        """Normalised as the model expects, and embedded."""
        return self.model((pictures - self.mean) / self.std)


def timm_model(name: str) -> TimmPictures:
    """A model with random weights; `pretrained=True` downloads those of timm."""
    return TimmPictures(name)


class Wav2Vec2Clips(nn.Module):
    """A wav2vec 2.0 or HuBERT of torchaudio: the mean over time of its last layer, (B, T) -> (B, D)."""

    sample_rate = 16_000

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.dimension = model.get_parameter("encoder.feature_projection.projection.bias").numel()

    def forward(self, waveforms: Tensor) -> Tensor:
        """The mean of the last layer."""
        layers, _ = self.model.extract_features(waveforms)  # type: ignore[operator]
        return layers[-1].mean(dim=1)


def torchaudio_model(name: str) -> Wav2Vec2Clips:
    """Such as wav2vec2_base or hubert_base, with random weights.

    `Wav2Vec2Clips(torchaudio.pipelines.WAV2VEC2_BASE.get_model())` downloads published ones.
    """
    import torchaudio

    return Wav2Vec2Clips(getattr(torchaudio.models, name)())


class MeanAndSpread:
    """The least there is: mean and deviation of a cloud's coordinates."""

    modality = "points"
    dimension = 6

    def __call__(self, clouds: Tensor) -> Tensor:
        """(B, N, 3) -> (B, 6)."""
        return torch.cat([clouds.mean(dim=1), clouds.std(dim=1)], dim=1)


mean_and_spread = MeanAndSpread  # a class is a function that returns its object
