"""The modalities by name. The core reaches them here alone, by names that are resolved when they are needed."""

from importlib import import_module
from pathlib import Path
from typing import Any

from randquant.errors import DataError, UsageError
from randquant.loading.ready_encoder import ReadyEncoder
from randquant.weights.foreign.foreign_encoder import modality_of_foreign
from randquant.weights.foreign.user_function import PREFIX
from randquant.weights.named_encoder import UNTRAINED, weights_path
from randquant.weights.state_dict import unknown
from randquant.weights.weight_file import own_config, read_weights

# As headers of weights call them -> the class of its ready encoders; the first that recognises weights has them.
READY = {
    "points": "randquant.pointcloud.ready_encoder:PointReadyEncoder",
    "tables": "randquant.tables.ready_encoder:TableReadyEncoder",
    "images": "randquant.images.ready_encoder:ImageReadyEncoder",
    "audio": "randquant.audio.ready_encoder:AudioReadyEncoder",
}


# What modalities ask of the preparation of data, which imports them.
IS_CLOUD = "randquant.data_prep.own_files.loaded_shape:is_cloud"
READ_SHAPE = "randquant.data_prep.own_files.loaded_shape:read_shape"
SPREAD_CLOUD = "randquant.data_prep.own_files.loaded_shape:spread_cloud"
READING_NOTES = "randquant.data_prep.notes:reading_notes"
RAW_ROWS = "randquant.data_prep.tables.raw_rows:raw_rows"


def ready_class(modality: str) -> type[ReadyEncoder[Any]]:
    """The class of a modality's ready encoders."""
    return resolved(READY[modality])


def resolved(name: str) -> Any:
    """What a registered name, `module:attribute`, stands for."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def modality_of(name: str, seed: int = 42) -> str:
    """What an encoder is of, as named in `randquant.load` and on the command line.

    Args:
        name: as typed.
        seed: of what a user's function draws.

    Raises:
        DataError: there is no such file, it cannot be read, or it holds no encoder of ours.
        UsageError: an untrained encoder that no modality has, or one of the user's that does not say what it is of.
    """
    if name.startswith(PREFIX):
        return modality_of_foreign(name, seed)
    said = _said_of(name)  # most often, and no other modality is imported for it
    if said is not None:
        return said
    classes = {modality: ready_class(modality) for modality in READY}
    made = next((modality for modality, ready in classes.items() if ready.has_untrained(name)), None)
    if made is not None:
        return made
    networks = ", ".join(encoder for ready in reversed(classes.values()) for encoder in ready.networks)
    if name.startswith(UNTRAINED):
        raise UsageError(
            f"{name} does not name an untrained encoder; write {UNTRAINED}ENCODER:D with ENCODER one of {networks}, "
            f"as in {UNTRAINED}PointNetLite:256."
        )
    file = name
    for ready in classes.values():
        file = ready.file_of(file)
    path = weights_path(file)
    said = _said_of(path)
    if said is not None:
        return said
    content = read_weights(path)
    recognised = next((modality for modality, ready in classes.items() if ready.recognises(content)), None)
    if recognised is None:
        raise unknown(content, networks)
    return recognised


def _said_of(path: str | Path) -> str | None:
    """The modality that a file of ours says, read of its header alone; None for others, and for what opens not."""
    try:
        config = own_config(Path(path))
    except (DataError, OSError, ValueError, LookupError, TypeError, RecursionError):
        return None  # `read_weights` says why
    said = config.get("modality") if isinstance(config, dict) else None
    return said if said in READY else None
