"""The settings of an evaluation on pictures."""

from dataclasses import dataclass
from typing import Literal

from randquant.evaluation.probing import Probing

ProtocolName = Literal["moco-v3", "modified-moco"]
Statistics = Literal["auto", "checkpoint", "task"]


@dataclass
class ImageProbing(Probing):
    """Probe a frozen encoder on labelled stores of pictures.

    Args:
        protocol: preset of probes, their training, and the part of a picture that is seen.
        image_size: side of what the encoder sees, in pixels; as it was trained by default.
        statistics: normalise colours as the checkpoint was trained, or by the task's training pictures; auto is the
            checkpoint's where it has some.
        robustness: also classify test pictures as JPEG, with few levels, noise, blur and less contrast, by the
            classifiers of clean ones.
        folds: train on each of the official folds of a store that has some (STL-10) instead of all of train; the mean
            is over them.
    """

    protocol: ProtocolName = "moco-v3"
    image_size: int | None = None
    statistics: Statistics = "auto"
    folds: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.image_size is not None and not 8 <= self.image_size <= 4096:
            raise ValueError(f"--image_size should be from 8 to 4,096, got {self.image_size}.")
        if self.folds and self.save_classifier is not None:
            raise ValueError("--folds fits a classifier for each fold; leave it out to save one.")
