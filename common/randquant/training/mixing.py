"""Mixing and quantized stages of a training, from its settings and what its modality says."""

from typing import TYPE_CHECKING

from randquant.mix import InputMix, Mix
from randquant.stages import quantize_stage
from randquant.training.settings import Training

if TYPE_CHECKING:
    from randquant.training.task import Task


def mix_of(settings: Training, task: "Task") -> Mix | None:
    """The i-Mix of a training; None where nothing is mixed.

    Raises:
        UsageError: the encoder lacks a layer, or the modality's inputs cannot be mixed so.
    """
    if settings.mix == "none":
        return None
    blend = task.blend(settings.mix) if "input" in settings.mix_layer.split("+") else None
    mix = Mix(settings.mix, settings.mix_alpha, settings.mix_layer, settings.mix_symmetric, blend)
    mix.check(task.encoder)
    return mix


def input_mix_of(settings: Training, task: "Task") -> InputMix | None:
    """The InputMix of a training; None where there is none."""
    if settings.inputmix == 0:
        return None
    return InputMix(settings.inputmix, settings.inputmix_alpha, task.blend("mixup"))


def quantize_its_stage(settings: Training, task: "Task") -> None:
    """Quantize the stage of the task's encoder that the settings name, if they do.

    Raises:
        UsageError: the encoder has no such stage.
    """
    if settings.rq_stage is not None:
        low, high = settings.rq_stage_bins[0], settings.rq_stage_bins[-1]
        quantize_stage(task.encoder, settings.rq_stage, low if low == high else (low, high))
