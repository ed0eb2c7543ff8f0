"""Weights of a point cloud encoder: written as safetensors, read from any published format.

Nothing that is read is ever executed, and loading is strict: every tensor of the encoder is matched by name and shape,
and what else the file holds must be recognisable as another part (projector, target network, classifier).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pointcloud.encoders.point_encoder import PointEncoder
from pointcloud.encoders.published_weights import OTHER_PART, is_recognised, open_published, own_names
from pointcloud.encoders.registry import ENCODERS
from pointcloud.first_points import Points
from pointcloud.geometry import Axis
from pointcloud.layout import Layout
from randquant.errors import DataError, UsageError
from randquant.weights.state_dict import describe, fill_encoder, find_encoder
from randquant.weights.weight_file import Content, network_hash, read_weights, untrained, write_weights

MODALITY = "points"
UP: Axis = "z"  # of a store, and so of whatever was trained on one
NORMALISE = "unit_sphere"


@dataclass
class LoadedPointEncoder:
    """An encoder ready to embed, and all that is known about it.

    Attributes:
        encoder: in eval mode, on the CPU, float32.
        points: of the clouds it was trained on, "any" for clouds of any size, None where unknown.
        up: the axis that pointed up in them: z in ours, y in the published ones.
        normalise: how they were normalised: unit_sphere, the mean of the points at 0 and the farthest one at 1.
        metadata: about its training, as given to `save_encoder`.
        report: one sentence: what matched, under which names, and what was left out.
        sha256: of the encoder's tensors and arguments (`network_hash`), whatever file they come in.
    """

    encoder: PointEncoder
    points: Points | None
    up: Axis
    normalise: str
    metadata: dict[str, Any]
    report: str
    sha256: str

    @property
    def layout(self) -> Layout:
        """The columns the encoder reads."""
        return Layout.of(self.encoder.channels)


def load_encoder(path: str | Path) -> LoadedPointEncoder:
    """Open weights, recognised by their content and not by their name.

    Args:
        path: a run folder (its `encoder.safetensors` is read), a file written by `save_encoder`, a training
            checkpoint of ours, or published weights.

    Raises:
        DataError: missing, truncated, no checkpoint, for another encoder, or holding Python objects, which loading
            would execute.
    """
    content = read_weights(path)
    if content.config is not None:
        return _own(content)
    if content.is_checkpoint:
        return _from_training(content)
    encoder, up, report = open_published(content)
    return LoadedPointEncoder(encoder, None, up, NORMALISE, {}, report, network_hash(encoder))


def is_of_points(path: str | Path) -> bool:
    """Whether weights are of point clouds rather than of sound, as far as recognisable.

    Raises:
        DataError: the file cannot be read; see `load_encoder`.
    """
    return read_weights(path).is_of(MODALITY, "points", is_recognised)


def save_encoder(path: str | Path, encoder: nn.Module, *, points: Points, metadata: dict[str, Any]) -> None:
    """Write an encoder as safetensors, atomically; equal content gives equal bytes.

    The header's `config` holds modality, encoder (name, arguments), channels, points, up, normalise and the training's
    metadata.

    Args:
        path: file to write.
        encoder: a `PointEncoder`, on any device.
        points: of the clouds it was trained on, at least 1 or "any".
        metadata: JSON values about the training.

    Raises:
        TypeError: the encoder is none of `ENCODERS`, or the metadata are not JSON values.
        ValueError: a number of points below 1.
    """
    if not isinstance(encoder, PointEncoder) or type(encoder).__name__ not in ENCODERS:
        raise TypeError(f"expected one of {', '.join(ENCODERS)}, got {type(encoder).__name__}.")
    if not _is_count(points):
        raise ValueError(f"points should be an integer >= 1, got {points!r}.")
    config = {
        "modality": MODALITY,
        "encoder": {"name": type(encoder).__name__, "arguments": encoder.arguments},
        "channels": list(encoder.channels),
        "points": points,
        "up": UP,
        "normalise": NORMALISE,
        "training": metadata,
    }
    write_weights(path, encoder, config)


def untrained_encoder(name: str, d: int, seed: int, channels: int = 3) -> LoadedPointEncoder:
    """A freshly initialised encoder, the baseline any pretraining has to beat. The global random state is untouched.

    Args:
        name: a key of `pointcloud.encoders.registry.ENCODERS`.
        d: its size.
        seed: of the initialisation.
        channels: 3 for coordinates, 6 for normals too.

    Raises:
        UsageError: an unknown name.
        ValueError: a size the encoder cannot have.
    """
    if name not in ENCODERS:
        raise UsageError(f"there is no encoder {name!r}; choose one of {', '.join(ENCODERS)}.")
    encoder = untrained(lambda: _made(name, d, channels), seed)
    report = f"{describe(encoder)}, untrained, seed {seed}"
    metadata = {"untrained": True, "seed": seed}
    return LoadedPointEncoder(encoder, None, UP, NORMALISE, metadata, report, network_hash(encoder))


def _made(name: str, d: int, channels: int) -> PointEncoder:
    return ENCODERS[name](d=d, channels=channels)  # type: ignore[call-arg]  # every encoder takes these


def _own(content: Content) -> LoadedPointEncoder:
    """A file of `save_encoder`."""
    config = content.own_config()
    if config.get("modality") != MODALITY:
        raise DataError(f"{content.file} is an encoder of sound, not of point clouds; give one of those.")
    try:
        points, up, normalise = config["points"], config["up"], config["normalise"]
        metadata = dict(config["training"])
        with torch.device("meta"):
            encoder = ENCODERS[config["encoder"]["name"]](**config["encoder"]["arguments"])
    except (ValueError, KeyError, TypeError) as error:
        raise content.wrong_header(error) from None
    fill_encoder(content.file, encoder, content.value)
    content.check_hash(encoder)
    if not _is_count(points) or up not in ("x", "y", "z") or config.get("channels") != list(encoder.channels):
        raise content.damaged()
    trained = "clouds of any size" if points == "any" else f"{points:,} points"
    report = f"{describe(encoder)}: all {len(content.value)} tensors matched, trained on {trained}"
    return LoadedPointEncoder(encoder, points, up, normalise, metadata, report, network_hash(encoder))


def _from_training(content: Content) -> LoadedPointEncoder:
    """The encoder of a training checkpoint of ours, as it is."""
    try:
        settings = content.value["settings"]
        points = settings["points"] if settings["points"] == "any" else int(settings["points"])
        metadata = {"step": content.value["step"], **{name: settings[name] for name in ("method", "augment", "seed")}}
        with torch.device("meta"):
            encoder = _made(settings["encoder"], settings["d"], 6 if settings["normals"] else 3)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{content.file} is a training checkpoint without an encoder of point clouds ({error!r}); "
            "give one of scripts.pretrain_pointcloud."
        ) from None
    found = find_encoder(content, (own_names(type(encoder)),), OTHER_PART, settings["encoder"])
    fill_encoder(content.file, encoder, found.tensors)
    return LoadedPointEncoder(encoder, points, UP, NORMALISE, metadata, found.report(encoder), network_hash(encoder))


def _is_count(points: Any) -> bool:
    return points == "any" or (isinstance(points, int) and not isinstance(points, bool) and points >= 1)
