"""Weights of point clouds to start a training from, and what they say of its settings."""

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
    return Start(loaded, kept, {} if loaded.points is None else {"points": loaded.points, "parts": _parts(loaded)})


def _parts(loaded: LoadedPointEncoder) -> int:
    """Of a cloud as it was trained on; 1 where parts do not divide it."""
    part = loaded.encoder.part
    return (
        loaded.points // part if part and loaded.points != "any" and loaded.points and not loaded.points % part else 1
    )


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
