"""Weights of pictures to start a training from, and what they say of its settings."""

from randquant.images.encoders.weights import FAMILY, LoadedImageEncoder, named_encoder
from randquant.weights.start import Start


def open_start(name: str) -> Start[LoadedImageEncoder]:
    """Weights by name; with the architecture the side of their pictures stays, by which some networks are built.

    Raises:
        DataError: they cannot be opened, or are of another modality.
    """
    loaded = named_encoder(name, seed=0)
    encoder = loaded.encoder
    return Start(
        loaded, {"encoder": FAMILY.name_of(encoder), "width": encoder.arguments["width"], "image_size": encoder.size}
    )
