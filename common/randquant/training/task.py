"""The interface between a modality and the training loop."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from randquant.blend import Blend, MixKind, standard_blend
from randquant.training.batches import Source
from randquant.views import View, ViewSet


class MakeViews(Protocol):
    """An `nn.Module` from a raw batch on the device to the method's views; its state (a mixing bank) is kept."""

    def __call__(self, batch: Any, *, generator: torch.Generator) -> Sequence[View] | ViewSet:
        """Views of the batch, drawn from `generator`; a `ViewSet` where there are local ones."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> Any: ...
    def to(self, device: torch.device) -> Any: ...


@dataclass
class Task:
    """What a modality provides to the loop.

    Attributes:
        source: raw batches.
        make_views: raw batch -> views, a module on the device.
        encoder: what is trained, a view of B items -> (B, embedding_size).
        embedding_size: D.
        save_encoder: called with (path, encoder, step) to export.
        monitor: called with (encoder in eval mode, device); gives named numbers for the log, such as kNN accuracy.
        data: what identifies the data, such as content hashes; a run continues only on the same.
        blend: how inputs are mixed by "mixup" or "cutmix"; raises a UsageError for what they cannot be mixed by. As it
            stands, averages and boxes.
        notes: what to say before the training begins, a sentence each.
        of_width: makes the same encoder of another width, as muP asks; None where it has no width to choose.
        views_of: makes the views of other settings of augmentations from the same raw batches.
    """

    source: Source
    make_views: MakeViews
    encoder: nn.Module
    embedding_size: int
    save_encoder: Callable[[Path, nn.Module, int], None]
    monitor: Callable[[nn.Module, torch.device], dict[str, float]] | None
    data: dict[str, Any]
    notes: Sequence[str] = ()
    of_width: Callable[[int], Any] | None = None
    blend: Callable[[MixKind], Blend] = standard_blend
    views_of: Callable[[Any], MakeViews] | None = None
