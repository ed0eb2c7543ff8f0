"""Measure what views keep of the crops of a store."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from randquant.audio.augment.resize_crop import RandomResizeCrop
from randquant.audio.augment.shift import RandomTimeShift
from randquant.audio.encoders.weights import FAMILY, named_encoder
from randquant.audio.kept.classes import Recalls, recalls
from randquant.audio.kept.detail import Detail, detail
from randquant.audio.kept.shared import Shared, shared
from randquant.audio.pretraining import make_encoder
from randquant.audio.settings import AudioPretraining
from randquant.audio.spectrogram.logmel import LogMel
from randquant.audio.spectrogram.normalize import PostNorm, PreNorm, mean_and_std
from randquant.audio.stored_crops import WaveformCrops
from randquant.cli.progress import progress
from randquant.data.features import Items
from randquant.data.labelled_store import items_of
from randquant.data.store import Store
from randquant.errors import UsageError
from randquant.inference import evaluating, inference
from randquant.policies.view_policy import ViewPolicy
from randquant.views import Policy, Views

_MOVING = (RandomResizeCrop, RandomTimeShift)  # what they move cannot be compared place by place
_EPOCH = 2**41  # no training reads these crops
_BATCH = 256
Describe = str | dict[str, Any]


class Kept(NamedTuple):
    """What the views of one policy keep.

    Attributes:
        view: the policy's title.
        detail: without what moves in frequency or time.
        shared: by two views.
        recalls: of classes, known and asked by views of this policy; None where the store has no classes.
    """

    view: str
    detail: Detail
    shared: Shared
    recalls: Recalls | None


class Crops(NamedTuple):
    """Crops of a store: normalised log-mels (B, 1, F, T), their recordings (B,), and their items."""

    log_mels: Tensor
    groups: Tensor
    items: Items


def crops_of(store: Store, settings: AudioPretraining, count: int) -> Crops:
    """At most `count` random crops as a training reads them, those of one recording together."""
    source = WaveformCrops([store], replace(settings, crops=1))
    positions = np.sort(source.order(np.random.default_rng(settings.seed))[:count])
    front = LogMel(settings.front_end)
    with inference():
        parts = [
            front(source.fetch(part, _EPOCH)[0]) for part in np.array_split(positions, -(-len(positions) // _BATCH))
        ]
        log_mels = PreNorm(*mean_and_std(parts))(torch.cat(parts))
    groups = source.groups(positions)
    return Crops(log_mels, torch.from_numpy(groups), items_of(store).take(groups))


def kept(crops: Crops, view: Describe, settings: AudioPretraining, encoder: nn.Module) -> Kept:
    """What two views by a policy keep.

    Args:
        crops: of a store.
        view: a policy, as `--views` takes it.
        settings: of the training; `seed` draws the augmentations, `negatives` says what a view is told from.
        encoder: that looks at the views.

    Raises:
        ValueError: no such policy, or one of a local view, which shows no whole crop.
    """
    own = replace(settings, views=[view, view])
    policies, _ = own.view_policies()
    views, placed = Views(policies).train(), _unmoved(policies[0]).train()
    drawn = torch.Generator().manual_seed(settings.seed)
    with inference(), evaluating(encoder):
        views([crops.log_mels], generator=drawn)  # fills the bank of what mixes in a past sound
        unmoved = placed(crops.log_mels, generator=drawn)
        augmented = PostNorm()(torch.cat(views([crops.log_mels], generator=drawn)))
        first, second = (
            torch.cat([encoder(part) for part in each.split(_BATCH)]) for each in augmented.chunk(len(policies))
        )
    front = settings.front_end
    groups = None if settings.negatives == "batch" else crops.groups
    return Kept(
        _title(own.planned()[0].view),
        detail(crops.log_mels, unmoved, front.sample_rate / front.hop),
        shared(first, second, groups),
        recalls(first, crops.items, settings.seed),
    )


def _unmoved(policy: Policy) -> Policy:
    """The same augmentations, without what moves."""
    return Policy(*(each for each in policy if not isinstance(each, _MOVING)))  # type: ignore[arg-type]


def measured(
    store: Store, views: Sequence[Describe], settings: AudioPretraining, encoder: nn.Module, count: int
) -> tuple[int, list[Kept]]:
    """How many crops of a store there were, at most `count`, and `kept` of the crop as it is and of each policy."""
    crops = crops_of(store, settings, count)
    every = progress(["none", *views], label=f"views of {store.path.name}", unit="policies")
    return len(crops.log_mels), [kept(crops, view, settings, encoder) for view in every]


def look(settings: AudioPretraining, checkpoint: str | None) -> nn.Module:
    """The encoder that looks at views: a trained one, or an untrained one of the settings.

    Raises:
        UsageError: it was trained on other log-mels than those of the settings.
        DataError: the file is not weights of a known encoder.
    """
    if checkpoint is None:
        make = FAMILY.make_untrained(settings.encoder, lambda _: make_encoder(settings, settings.d), settings.seed)
        return make.encoder
    loaded = named_encoder(checkpoint, seed=settings.seed)
    if loaded.front_end != settings.front_end:
        raise UsageError(
            f"--checkpoint {checkpoint} was trained on other log-mels ({loaded.front_end}); give those flags of the "
            "front end too, or another checkpoint."
        )
    return loaded.encoder


def _title(view: ViewPolicy) -> str:
    """Its name or augmentations, and what it sets, so that two of one name can be told apart."""
    return " ".join([view.title, *(f"{name}={_value(value)}" for name, value in view.settings.items())])


def _value(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
