"""Weights of a point cloud encoder: written as safetensors, read from any published format.

Nothing that is read is ever executed, and loading is strict: every tensor of the encoder is matched by name and shape,
and what else the file holds must be recognisable as another part (projector, target network, classifier).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from randquant.pointcloud.encoders.point_encoder import PointEncoder
from randquant.pointcloud.encoders.published_weights import OTHER_PART, is_recognised, open_published, own_names
from randquant.pointcloud.encoders.registry import ENCODERS
from randquant.pointcloud.points.axes import Axis
from randquant.pointcloud.points.first_points import Points
from randquant.pointcloud.points.layout import Layout
from randquant.precision import InForce
from randquant.weights.encoder_family import EncoderFamily
from randquant.weights.weight_file import Content, network_hash, read_weights

FAMILY = EncoderFamily("points", "point clouds", "scripts.pretrain_pointcloud", ENCODERS)
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
        precision: in which its features are computed.
    """

    encoder: PointEncoder
    points: Points | None
    up: Axis
    normalise: str
    metadata: dict[str, Any]
    report: str
    sha256: str
    precision: InForce = "32"

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


def is_of_points(content: Content) -> bool:
    """Whether the content of a file is weights of point clouds rather than of sound, as far as recognisable."""
    return content.is_of(FAMILY.modality, "points", is_recognised)


def save_encoder(
    path: str | Path, encoder: nn.Module, *, points: Points, up: Axis = UP, metadata: dict[str, Any]
) -> None:
    """Write an encoder as safetensors, atomically; equal content gives equal bytes.

    The header's `config` holds modality, encoder (name, arguments), channels, points, up, normalise and the training's
    metadata.

    Args:
        path: file to write.
        encoder: a `PointEncoder`, on any device.
        points: of the clouds it was trained on, at least 1 or "any".
        up: the axis that points up for it.
        metadata: JSON values about the training.

    Raises:
        TypeError: the encoder is none of `ENCODERS`, or the metadata are not JSON values.
        ValueError: a number of points below 1.
    """
    FAMILY.name_of(encoder)
    assert isinstance(encoder, PointEncoder)
    if not _is_count(points):
        raise ValueError(f"points should be an integer >= 1, got {points!r}.")
    own = {"channels": list(encoder.channels), "points": points, "up": up, "normalise": NORMALISE}
    FAMILY.save(path, encoder, own, metadata)


def untrained_encoder(name: str, d: int, seed: int, channels: int = 3) -> LoadedPointEncoder:
    """A freshly initialised encoder, the baseline any pretraining has to beat. The global random state is untouched.

    Args:
        name: a key of `randquant.pointcloud.encoders.registry.ENCODERS`.
        d: its size.
        seed: of the initialisation.
        channels: 3 for coordinates, 6 for normals too.

    Raises:
        UsageError: an unknown name.
        ValueError: a size the encoder cannot have.
    """
    opened = FAMILY.make_untrained(name, lambda made: made(d=d, channels=channels), seed)  # type: ignore[call-arg]
    encoder = opened.encoder
    return LoadedPointEncoder(encoder, None, UP, NORMALISE, opened.metadata, opened.report, network_hash(encoder))


def _own(content: Content) -> LoadedPointEncoder:
    """A file of `save_encoder`."""
    opened = FAMILY.open_saved(content, lambda config: {name: config[name] for name in ("points", "up", "normalise")})
    encoder, points, up = opened.encoder, opened.own["points"], opened.own["up"]
    channels = content.own_config().get("channels")
    if not _is_count(points) or up not in ("x", "y", "z") or channels != list(encoder.channels):
        raise content.damaged()
    trained = "clouds of any size" if points == "any" else f"{points:,} points"
    report, digest = f"{opened.report}, trained on {trained}", network_hash(encoder)
    return LoadedPointEncoder(encoder, points, up, opened.own["normalise"], opened.metadata, report, digest)


def _from_training(content: Content) -> LoadedPointEncoder:
    """The encoder of a training checkpoint of ours, as it is."""
    opened = FAMILY.open_checkpoint(content, _in_checkpoint, lambda encoder: (own_names(type(encoder)),), OTHER_PART)
    encoder, (points, up), digest = opened.encoder, opened.own, network_hash(opened.encoder)
    return LoadedPointEncoder(encoder, points, up, NORMALISE, opened.metadata, opened.report, digest)


def _in_checkpoint(saved: Any) -> tuple[PointEncoder, tuple[Points, Axis]]:
    """Encoder without tensors, number of points and axis that points up, of a training checkpoint of ours."""
    settings, data = saved["settings"], saved.get("data", {})
    points: Points = settings["points"] if settings["points"] == "any" else int(settings["points"])
    parts = settings.get("parts", 1)
    sizes = {"d": settings["d"], "channels": 6 if settings["normals"] else 3}
    if parts > 1:
        sizes["part"] = points // parts
    return ENCODERS[settings["encoder"]](**data.get("arguments", sizes)), (points, data.get("up", UP))


def _is_count(points: Any) -> bool:
    return points == "any" or (isinstance(points, int) and not isinstance(points, bool) and points >= 1)
