"""The augmentations of log-mels by the names that --augment takes, in the order in which a view applies them."""

from collections.abc import Callable
from typing import Literal, Protocol

from randquant.audio.augment.fader import RandomLinearFader
from randquant.audio.augment.filter import RandomFilter
from randquant.audio.augment.gain import RandomGain
from randquant.audio.augment.mask import RandomMask
from randquant.audio.augment.mixup import LogMixupExp
from randquant.audio.augment.noise import RandomNoise
from randquant.audio.augment.quantization import LogMelQuantization
from randquant.audio.augment.resize_crop import RandomResizeCrop
from randquant.audio.augment.shift import RandomTimeShift
from randquant.audio.augment.speed import RandomSpeed
from randquant.audio.settings import Scale
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.augmentation import Augmentation
from randquant.policies.strength import Strength
from randquant.quantize import RandomizedQuantization
from randquant.quantizers.choices import Edges


class AugmentationSettings(Protocol):
    """The settings of a training that augmentations read; see `randquant.audio.settings.AudioPretraining`."""

    rq_bins: list[int]
    rq_per: Literal["band", "block", "clip"]
    rq_block: int
    rq_p: float
    rq_scale: Scale
    rq_edges: Edges
    rq_weight: tuple[float, float]
    crop_frequency: tuple[float, float]
    crop_time: tuple[float, float]
    mixup_alpha: float

    @property
    def front_end(self) -> FrontEnd: ...


def _quantization(settings: AugmentationSettings) -> Augmentation:
    numbers = settings.rq_bins
    bins = numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])
    if settings.rq_per != "block" and settings.rq_scale == "log" and settings.rq_weight == (1.0, 1.0):
        return RandomizedQuantization(bins, _quantized_along(settings), settings.rq_p, settings.rq_edges)  # fastest
    bands = {"band": 1, "block": settings.rq_block, "clip": 0}[settings.rq_per]
    return LogMelQuantization(bins, bands, settings.rq_p, settings.rq_scale, settings.rq_edges, settings.rq_weight)


def _quantized_along(settings: AugmentationSettings) -> int | tuple[int, int]:
    return (-2, -1) if settings.rq_per == "clip" else -1


AUGMENTATIONS: dict[str, Callable[[AugmentationSettings], Augmentation]] = {
    "filter": lambda settings: RandomFilter(),
    "noise": lambda settings: RandomNoise(),
    "mixup": lambda settings: LogMixupExp(settings.mixup_alpha),
    "rq": _quantization,
    "rrc": lambda settings: RandomResizeCrop(frequency_scale=settings.crop_frequency, time_scale=settings.crop_time),
    "shift": lambda settings: RandomTimeShift(),
    "timemask": lambda settings: RandomMask("time"),
    "freqmask": lambda settings: RandomMask("frequency"),
    "gain": lambda settings: RandomGain(),
    "fader": lambda settings: RandomLinearFader(),
}

# What a random choice among operations chooses from: a name, and how a strength becomes an augmentation.
OPERATIONS: dict[str, Callable[[AugmentationSettings, Strength], Augmentation]] = {
    "gain": lambda settings, strength: RandomGain(strength.span(0.0, 1.5)),
    "timemask": lambda settings, strength: RandomMask("time", strength.span(0.0, 0.5)),
    "freqmask": lambda settings, strength: RandomMask("frequency", strength.span(0.0, 0.5)),
    "shift": lambda settings, strength: RandomTimeShift(strength.span(0.0, 0.5)),
    "noise": lambda settings, strength: RandomNoise(strength.span(0.0, 0.5)),
    "fader": lambda settings, strength: RandomLinearFader(1.5 * strength.high),
    "speed": lambda settings, strength: RandomSpeed(strength.span(0.0, 0.5), settings.front_end),
    "stretch": lambda settings, strength: RandomSpeed(strength.span(0.0, 0.5)),
    "background": lambda settings, strength: LogMixupExp(0.5 * strength.high),
    "rq": lambda settings, strength: RandomizedQuantization(strength.bins(64, 4), _quantized_along(settings)),
}
