"""Weights of point clouds to start a training from, and what they say of its settings."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from randquant.errors import UsageError
from randquant.packed import PackedBatch
from randquant.pointcloud.encoders.named_encoder import named_encoder
from randquant.pointcloud.encoders.occupancy import PREFIX
from randquant.pointcloud.encoders.weights import FAMILY, UP, LoadedPointEncoder
from randquant.pointcloud.points.axes import Axis, turn_up
from randquant.pointcloud.points.layout import Layout
from randquant.pointcloud.settings import PointPretraining
from randquant.weights.start import Start


def open_start(name: str) -> Start[LoadedPointEncoder]:
    """Weights by name, such as `dgcnn.pth:k=15`. Networks take any number of points, so that theirs is a choice.

    Raises:
        DataError: they cannot be opened, or are of another modality.
        UsageError: there is nothing to train.
    """
    if name.startswith(PREFIX):
        raise UsageError(f"--init {name} is a grid without weights; give a run, a file of weights or hf://owner/name.")
    loaded = named_encoder(name, seed=0)
    encoder = loaded.encoder
    kept = {
        "encoder": FAMILY.name_of(encoder),
        "d": encoder.arguments["d"],
        "normals": loaded.layout.normals is not None,
    }
    return Start(loaded, kept, partial(_usual, name, loaded))


def _usual(name: str, loaded: LoadedPointEncoder, given: Mapping[str, Any]) -> dict[str, Any]:
    """As many points as it was trained on, and parts of the size of its own, of which other points make other numbers.

    Raises:
        UsageError: the points that are asked for cannot be divided so.
    """
    usual: dict[str, Any] = {} if loaded.points is None else {"points": loaded.points}
    part = loaded.encoder.part
    if not part or "parts" in given:
        return usual
    points = {"points": PointPretraining.points, **usual, **given}["points"]
    if points == "any" or points % part:
        raise UsageError(
            f"--init {name} embeds clouds in parts of {part} points, which --points {points} cannot be divided into; "
            f"give a multiple of {part}, or --parts too (1 takes clouds whole)."
        )
    return {**usual, "parts": max(points // part, 1)}


def turn_inputs(encoder: nn.Module, layout: Layout, up: Axis) -> None:
    """Let an encoder for which another axis points up take clouds as stores have them, z up, while it is trained.

    Which points are neighbours does not change, nor do weights: a file of them says its axis.
    """
    if up != UP:
        encoder.register_forward_pre_hook(partial(_turned, layout, up))


def _turned(layout: Layout, up: Axis, encoder: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    clouds, *others = inputs
    rows = clouds.rows if isinstance(clouds, PackedBatch) else clouds
    parts = [turn_up(rows[..., triple], UP, up) for triple in (layout.xyz, layout.normals) if triple is not None]
    turned = torch.cat(parts, dim=-1)
    return (clouds.with_rows(turned) if isinstance(clouds, PackedBatch) else turned, *others)
