"""Weights of tables to start a training from, and what they say of its settings."""

from randquant.tables.encoders.weights import FAMILY, LoadedTableEncoder, named_encoder
from randquant.weights.start import Start


def open_start(name: str) -> Start[LoadedTableEncoder]:
    """Weights by name.

    Raises:
        DataError: they cannot be opened, or are of another modality.
    """
    loaded = named_encoder(name, 0, blocks=())
    return Start(loaded, {"encoder": FAMILY.name_of(loaded.encoder), "width": loaded.encoder.arguments["width"]})
