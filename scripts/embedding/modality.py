"""What a checkpoint embeds, as named on the command line."""

from typing import Literal

from randquant.audio.encoders import registry as audio_registry
from randquant.errors import UsageError
from randquant.images.encoders import registry as image_registry
from randquant.images.encoders.weights import is_of_pictures
from randquant.pointcloud.encoders import named_encoder as point_named
from randquant.pointcloud.encoders import occupancy
from randquant.pointcloud.encoders import registry as point_registry
from randquant.pointcloud.encoders.weights import is_of_points
from randquant.tables.encoders import registry as table_registry
from randquant.tables.encoders.weights import is_of_tables
from randquant.weights.named_encoder import untrained_name

Modality = Literal["audio", "images", "points", "tables"]
UNTRAINED: dict[Modality, tuple[str, ...]] = {
    "audio": tuple(audio_registry.ENCODERS),
    "images": tuple(image_registry.ENCODERS),
    "points": tuple(point_registry.ENCODERS),
    "tables": tuple(table_registry.ENCODERS),
}


def modality_of(checkpoint: str) -> Modality:
    """What a checkpoint is of; of sound where it is of nothing else.

    Raises:
        DataError: there is no such file, or it cannot be read.
        UsageError: an untrained encoder that no modality has.
    """
    if checkpoint.startswith(occupancy.PREFIX):
        return "points"
    name = point_named.split_neighbours(checkpoint)[0]
    untrained = untrained_name(name)
    if untrained is None:
        if is_of_points(name):
            return "points"
        if is_of_tables(name):
            return "tables"
        return "images" if is_of_pictures(name) else "audio"
    found = next((modality for modality, names in UNTRAINED.items() if untrained in names), None)
    if found is None:
        names = ", ".join(name for names in UNTRAINED.values() for name in names)
        raise UsageError(
            f"--checkpoint {checkpoint} does not name an untrained encoder; write untrained:ENCODER:D with ENCODER "
            f"one of {names}, as in untrained:PointNetLite:256."
        )
    return found
