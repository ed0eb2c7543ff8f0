"""A picture of the views of sounds: one row per recording, one column per view."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from randquant.audio.pretraining import crop_statistics
from randquant.audio.settings import AudioPretraining
from randquant.audio.spectrogram.logmel import LogMel
from randquant.audio.spectrogram.normalize import PreNorm
from randquant.audio.stored_crops import WaveformCrops
from randquant.data.store import Store
from randquant.figures.figure import panels
from randquant.views import Views

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WARM = 64  # other crops that pass first, for what mixes in a past sound
_EPOCH = 2**41  # no training reads these crops


class ShownViews(NamedTuple):
    """What a training sees of a few recordings.

    Attributes:
        crops: (V, B, unit) int16 waveforms.
        log_mels: title of a view -> (B, 1, F, frames), natural logarithms; the crops' own come first.
    """

    crops: Tensor
    log_mels: dict[str, Tensor]


@torch.no_grad()
def shown_views(stores: Sequence[Store], rows: Sequence[int], settings: AudioPretraining) -> ShownViews:
    """Crops of recordings, and the views that a training with these settings makes of them, before they are normalised
    by their batch.

    Args:
        stores: those that the training reads.
        rows: recordings of the first one.
        settings: of the training; `seed` draws crops and augmentations.
    """
    source = WaveformCrops(stores, replace(settings, sampling="clip", together=1))
    front = LogMel(settings.front_end)
    normalise = PreNorm(*crop_statistics(source, front, torch.device("cpu")))
    policies, local = settings.view_policies()
    generator = torch.Generator().manual_seed(settings.seed)
    others = np.random.default_rng(settings.seed).permutation(len(source))[:_WARM]
    crops = source.fetch(np.array(rows, dtype=np.int64), _EPOCH)
    plain = front(crops.flatten(0, 1)).split(len(rows))
    made = {f"crop {number}" if len(plain) > 1 else "crop": each for number, each in enumerate(plain, 1)}
    for kind, chosen in (("view", policies), ("local view", local)):
        if not chosen:
            continue
        views = Views(chosen).train()
        views([normalise(front(each)) for each in source.fetch(others, _EPOCH)], generator=generator)
        augmented = views([normalise(each) for each in plain], generator=generator)
        made |= {f"{kind} {number}": x * normalise.std + normalise.mean for number, x in enumerate(augmented, 1)}
    return ShownViews(crops, made)


def gallery(log_mels: dict[str, Tensor], titles: Sequence[str]) -> "Figure":
    """Draw log-mels, low bands at the bottom, each row on the scale of its first picture.

    Args:
        log_mels: title of a column -> (B, 1, F, frames).
        titles: B names of the rows.

    Raises:
        UsageError: matplotlib is missing.
    """
    figure, drawn = panels(titles, list(log_mels), width=1.9, height=1.35)
    first = next(iter(log_mels.values()))
    for row in range(len(titles)):
        low, high = float(first[row].min()), float(first[row].max())
        for column, views in enumerate(log_mels.values()):
            panel = drawn[row, column]
            panel.imshow(views[row, 0].numpy(), origin="lower", aspect="auto", vmin=low, vmax=max(high, low + 1e-3))
            panel.set(xticks=[], yticks=[])
    figure.subplots_adjust(wspace=0.05, hspace=0.08)
    return figure
