"""How log-mels are mixed: in the log or the power domain, by segments of time or bands, or by boxes."""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from randquant.audio.settings import Cut, Domain
from randquant.blend import Blend, Boxes, Linear, MixKind, Segments, as_tensors, per_sample
from randquant.views import View


class MixSettings(Protocol):
    """The settings of a training that say how log-mels are mixed; see `randquant.audio.settings.AudioPretraining`."""

    mix_domain: Domain
    mix_cut: Cut


class PowerMix(Blend):
    """Powers are averaged, as when both sounds are heard: log(w exp(s x) + (1 - w) exp(s other)) / s.

    The louder sound dominates, so the share overstates the quieter one. Source: the sum is that of BYOL-A's mixup,
    Niizumi et al., IJCNN 2021.

    Args:
        scale: gives s (): natural logarithms of power that one unit of the normalised log-mels stands for.
    """

    def __init__(self, scale: Callable[[], Tensor]) -> None:
        self.scale = scale

    def transform(self, x: View, other: View, weight: Tensor, params: Any) -> tuple[Tensor, Tensor]:
        """Blend (B, 1, F, T)."""
        x, other = as_tensors(x, other)
        share, scale = per_sample(weight, x).float(), self.scale()
        mixed = torch.logaddexp(scale * x.float() + share.log(), scale * other.float() + (-share).log1p()) / scale
        return torch.where(share == 1.0, x, mixed.to(x.dtype)), weight


def log_mel_blend(settings: MixSettings, kind: MixKind, *, scale: Callable[[], Tensor]) -> Blend:
    """The blend that the settings name; `scale` as in `PowerMix`."""
    if kind == "cutmix":
        cuts: dict[Cut, Blend] = {"time": Segments(-1), "band": Segments(-2), "box": Boxes()}
        return cuts[settings.mix_cut]
    return PowerMix(scale) if settings.mix_domain == "power" else Linear()
