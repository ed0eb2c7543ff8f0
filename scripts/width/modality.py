"""What a modality brings to a study of widths: its settings, its encoder at any width, and items to make views of."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from randquant.audio import pretraining as audio_pretraining
from randquant.audio.encoders.registry import ENCODERS as AUDIO_ENCODERS
from randquant.audio.settings import AudioPretraining
from randquant.images import pretraining as image_pretraining
from randquant.images.encoders.registry import ENCODERS as IMAGE_ENCODERS
from randquant.images.settings import ImagePretraining
from randquant.pointcloud import pretraining as point_pretraining
from randquant.pointcloud.encoders.registry import ENCODERS as POINT_ENCODERS
from randquant.pointcloud.settings import PointPretraining
from randquant.tables import pretraining as table_pretraining
from randquant.tables.encoders.mlp import MLP
from randquant.tables.encoders.registry import ENCODERS as TABLE_ENCODERS
from randquant.tables.settings import TablePretraining
from randquant.training.task import Task

TABLE = (10, 4, 40)  # blocks of the columns of a random table, those of CovType
UNITS = 32  # of the narrowest layer of an MLP of width 1


@dataclass(frozen=True)
class Modality:
    """How a modality is trained at any width.

    Attributes:
        settings: its class of settings.
        encoder: its encoder by default, one that muP suits.
        make_encoder: settings and a width -> the encoder.
        build: settings and a device -> the task of stored items.
        item: shape of a random item, as the encoder takes it.
        encoders: their names.
        width: a width -> the settings that say it.
        unit: widths that one of the encoder's own stands for; other widths are refused.
        further: settings by default.
    """

    settings: type[Any]
    encoder: str
    make_encoder: Callable[[Any, int], Any]
    build: Callable[[Any, torch.device], Task]
    item: tuple[int, ...]
    encoders: Collection[str]
    width: Callable[[int], dict[str, Any]]
    unit: int = 1
    further: Mapping[str, Any] = field(default_factory=dict)


MODALITIES = {
    "audio": Modality(
        AudioPretraining,
        "AudioNTT2020",
        audio_pretraining.make_encoder,
        audio_pretraining.build_task,
        item=(1, 64, 48),
        encoders=AUDIO_ENCODERS,
        width=lambda width: {"d": width},
        further={"unit_seconds": 0.48},
    ),
    "pointcloud": Modality(
        PointPretraining,
        "PointNet",
        point_pretraining.make_encoder,
        point_pretraining.build_task,
        item=(256, 3),
        encoders=POINT_ENCODERS,
        width=lambda width: {"d": width},
        further={"points": 256},
    ),
    "images": Modality(
        ImagePretraining,
        "small_cnn",
        image_pretraining.encoder_of,
        image_pretraining.build_task,
        item=(3, 32, 32),
        encoders=IMAGE_ENCODERS,
        width=lambda width: {"width": width / image_pretraining.UNIT_WIDTH},
    ),
    "tables": Modality(
        TablePretraining,
        "MLP",
        lambda settings, width: MLP(TABLE, width),
        table_pretraining.build_task,
        item=(sum(TABLE),),
        encoders=TABLE_ENCODERS,
        width=lambda width: {"width": width // UNITS},
        unit=UNITS,
    ),
}
