"""An encoder as named on the command line, as a function that can be exported."""

from collections.abc import Sequence
from pathlib import Path

from randquant.audio import exported as audio_exported
from randquant.audio.encoders import weights as audio_weights
from randquant.audio.encoders.layer import Layer
from randquant.audio.ready_encoder import USUAL_STATISTICS
from randquant.cli.terminal import say
from randquant.data.store import Store
from randquant.errors import UsageError
from randquant.export.exportable import Exportable
from randquant.images import exported as image_exported
from randquant.images.encoders import weights as image_weights
from randquant.images.normalise import IMAGENET
from randquant.loading.modalities import modality_of
from randquant.pointcloud import exported as point_exported
from randquant.pointcloud.encoders.named_encoder import named_encoder as named_point_encoder
from randquant.tables import exported as table_exported
from randquant.tables.encoders import weights as table_weights
from randquant.tables.stored_table import block_sizes, column_names


def opened(checkpoint: str, *, layer: str | None, seed: int, store: Path | None) -> tuple[Exportable, str]:
    """The function of an encoder, and its kind of store.

    Args:
        checkpoint: run folder, weights file or untrained:ENCODER:D.
        layer: of an encoder of sound, whose features; None is the output.
        seed: of an untrained encoder.
        store: with rows of the table that an untrained encoder is for.

    Raises:
        DataError: it cannot be opened.
        UsageError: it names no encoder, or the layer or the store is missing or not its own.
    """
    kind = modality_of(checkpoint)
    if kind == "audio":
        return _sound(checkpoint, layer, seed), kind
    _require_layer(layer, ("output",))
    if kind == "points":
        shapes = named_point_encoder(checkpoint, seed=seed)
        say(f"{checkpoint}: {shapes.report}")
        return point_exported.exportable(shapes), kind
    if kind == "images":
        return _pictures(checkpoint, seed), kind
    return _rows(checkpoint, seed, store), kind


def _require_layer(layer: str | None, layers: Sequence[str]) -> None:
    if layer is None or layer in layers:
        return
    *others, last = layers
    if not others:
        raise UsageError(f"--layer {layer}: this encoder has the layer {last} alone; leave it out.")
    raise UsageError(f"--layer {layer}: this encoder has {', '.join(others)} and {last}; choose one of them.")


def _sound(checkpoint: str, layer: str | None, seed: int) -> Exportable:
    loaded = audio_weights.named_encoder(checkpoint, seed=seed)
    _require_layer(layer, loaded.encoder.layers)
    say(f"{checkpoint}: {loaded.report}")
    mean, std = loaded.mean, loaded.std
    if mean is None or std is None:
        mean, std = USUAL_STATISTICS
        say(f"It does not say how log-mels are normalised; {mean:g} and {std:g} are used, those of everyday sounds.")
    channel, peak = str(loaded.metadata.get("channel", "mean")), bool(loaded.metadata.get("peak_normalise"))
    chosen: Layer = layer or "output"  # type: ignore[assignment]  # one of its layers, as required above
    return audio_exported.exportable(loaded, audio_exported.Waveforms(mean, std, channel, peak), chosen)


def _pictures(checkpoint: str, seed: int) -> Exportable:
    loaded = image_weights.named_encoder(checkpoint, seed=seed)
    say(f"{checkpoint}: {loaded.report}")
    if loaded.statistics is None:
        say("It does not say how colours are normalised; those of ImageNet are used.")
    return image_exported.exportable(loaded, loaded.statistics or IMAGENET)


def _rows(checkpoint: str, seed: int, store: Path | None) -> Exportable:
    if store is None and checkpoint.startswith("untrained:"):
        raise UsageError(
            f"{checkpoint} is for rows of any table; give --task or --calibrate a store of the table it is to read."
        )
    table = None if store is None else Store.open(store, kind="tables")
    loaded = table_weights.named_encoder(checkpoint, seed, blocks=block_sizes(table) if table else ())
    if table is not None:
        loaded.require_columns(column_names(table), table.path)
    say(f"{checkpoint}: {loaded.report}")
    return table_exported.exportable(loaded)
