"""The augmentations of log-mels by the names that --augment takes, in the order in which a view applies them."""

from collections.abc import Callable
from typing import Literal, Protocol

from audio.augment.fader import RandomLinearFader
from audio.augment.filter import RandomFilter
from audio.augment.mixup import LogMixupExp
from audio.augment.resize_crop import RandomResizeCrop
from randquant.augmentation import Augmentation
from randquant.quantize import RandomizedQuantization


class AugmentationSettings(Protocol):
    """The settings of a training that augmentations read; see `audio.settings.AudioPretraining`."""

    rq_bins: list[int]
    rq_per: Literal["band", "clip"]
    rq_p: float
    crop_frequency: tuple[float, float]
    crop_time: tuple[float, float]
    mixup_alpha: float


def _quantization(settings: AugmentationSettings) -> RandomizedQuantization:
    numbers = settings.rq_bins
    bins = numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])
    return RandomizedQuantization(bins, dim=-1 if settings.rq_per == "band" else (-2, -1), p=settings.rq_p)


AUGMENTATIONS: dict[str, Callable[[AugmentationSettings], Augmentation]] = {
    "filter": lambda settings: RandomFilter(),
    "mixup": lambda settings: LogMixupExp(settings.mixup_alpha),
    "rq": _quantization,
    "rrc": lambda settings: RandomResizeCrop(frequency_scale=settings.crop_frequency, time_scale=settings.crop_time),
    "fader": lambda settings: RandomLinearFader(),
}
