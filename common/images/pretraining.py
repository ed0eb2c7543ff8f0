"""The training task of pictures: bytes of stored pictures, augmented views, an encoder.

    uint8 (B, H, W, 3) -> [0, 1] -> a policy a view -> colour statistics -> views (B, 3, size, size)

Raw pictures of one size travel whole and are cropped on the device. Of others, such as ImageNet's, the crops are
decoded by the loader, and the policy on the device begins behind the crop.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from randquant.cli.progress import progress
from randquant.data.repeated_stores import repeated
from randquant.data.store import Store
from randquant.errors import UsageError
from randquant.images.augment.flip import RandomFlip
from randquant.images.augment.resize_crop import RandomResizedCrop
from randquant.images.encoders.image_encoder import ImageEncoder
from randquant.images.encoders.registry import ENCODERS
from randquant.images.encoders.weights import LoadedImageEncoder, save_encoder
from randquant.images.fitted_pictures import NormalisedBatches, fitted_batch
from randquant.images.normalise import ColourStatistics, Normalise, colour_statistics
from randquant.images.picture_views import PictureViews
from randquant.images.settings import ImagePretraining
from randquant.images.stored_crops import Crop, PictureCrops, PictureSource, WholePictures, one_size
from randquant.images.stored_images import StoredImages
from randquant.training.idle import equal_views
from randquant.training.memory import require_memory
from randquant.training.task import Task
from randquant.training.watching.monitor import KnnMonitor
from randquant.views import Policy
from randquant.weights.start import Start, data_of, notes_of, start_of
from randquant.weights.training_metadata import metadata_of_run

STATISTICS_PICTURES = 2_000
UNIT_WIDTH = 64  # --base_width of a network as it was published


def build_task(settings: ImagePretraining, device: torch.device) -> Task:
    """Everything the loop needs; called once the device is known and the seed is set.

    Raises:
        DataError: a store is missing, empty or not of pictures, or the weights to start from cannot be opened.
        UsageError: a size the encoder cannot have, or settings that contradict these weights.
    """
    start: Start[LoadedImageEncoder] | None = start_of(settings)
    require_memory(settings, lambda: _encoder(settings), device, (3, settings.image_size, settings.image_size))
    stores = [Store.open(path, kind="images") for path in settings.data]
    source, policies = picture_source(stores, settings)
    known = None if start is None else start.loaded.statistics
    statistics = known or statistics_of_source(source)
    encoder = _encoder(settings) if start is None else start.encoder()
    normalise = Normalise(statistics)

    def save(path: Path, trained: nn.Module, step: int) -> None:
        about = metadata_of_run(settings, step) | {"splits": " ".join(settings.splits)}
        assert isinstance(trained, ImageEncoder)
        save_encoder(path, trained, statistics=statistics, metadata=about)

    monitor = None if settings.monitor is None else knn_monitor(settings, normalise, device)
    hashes = [store.content_hash for store in stores]
    local = sum(each.view.local for each in settings.planned())

    def views_of(wanted: ImagePretraining) -> PictureViews:
        return PictureViews(policies_behind(source, wanted), normalise, local)

    data, of_width = {"stores": hashes, **data_of(start)}, partial(encoder_of, settings)
    notes = [*notes_of(start, settings), *repeated(stores)]
    notes += [*(equal_views(settings, "pictures") if settings.augment == "none" else [])]
    return Task(
        source,
        PictureViews(policies, normalise, local),
        encoder,
        encoder.embedding_size(),
        save,
        monitor,
        data,
        notes,
        of_width,
        views_of=views_of,
    )


def knn_monitor(settings: ImagePretraining, normalise: Normalise, device: torch.device) -> KnnMonitor:
    """kNN on the validation split of `settings.monitor`, the middle of each picture."""
    store = Store.open(settings.monitor or Path(), kind="images")
    pictures, normalise = StoredImages(store), normalise.to(device)

    def load(items: NDArray[np.int64]) -> NormalisedBatches:
        return NormalisedBatches(fitted_batch(pictures, items, settings.image_size), normalise, device)

    return KnnMonitor(store, seed=settings.seed, load=load)


def picture_source(stores: Sequence[Store], settings: ImagePretraining) -> tuple[PictureSource, list[Policy]]:
    """Where pictures come from, and the policy of each view behind it, those of local views last.

    Raises:
        DataError: no pictures of the splits.
        UsageError: something stands before a crop that the loader has to take.
    """
    pictures, (whole, local) = [StoredImages(store) for store in stores], settings.policies()
    policies = [*whole, *local]
    size, side = one_size(pictures), settings.image_size
    crops = [next((each for each in policy if isinstance(each, RandomResizedCrop)), None) for policy in policies]
    if size is not None and (size == (side, side) or all(crops)):
        return WholePictures(pictures, settings, size), policies
    first = [crop is None or policy[0] is crop for policy, crop in zip(policies, crops, strict=True)]
    if not all(first):
        raise UsageError(
            "--rq_first needs pictures that are stored raw and have one size; of these only crops are read, so leave "
            "it out."
        )
    cut = [
        Crop(side) if crop is None else Crop(crop.size if isinstance(crop.size, int) else side, crop.scale, crop.ratio)
        for crop in crops
    ]
    return PictureCrops(pictures, settings, cut), [_behind_crop(policy) for policy in policies]


def policies_behind(source: PictureSource, settings: ImagePretraining) -> list[Policy]:
    """The policy of each view of these settings behind a source, those of local views last."""
    policies = [policy for each in settings.policies() for policy in each]
    return policies if isinstance(source, WholePictures) else [_behind_crop(policy) for policy in policies]


def _behind_crop(policy: Policy) -> Policy:
    """A policy without its crop, whose flip stays."""
    crop = next((each for each in policy if isinstance(each, RandomResizedCrop)), None)
    rest: list[Any] = [each for each in policy if each is not crop]
    return Policy(*([RandomFlip(crop.flip)] if crop is not None and crop.flip else []), *rest)


def statistics_of_source(source: PictureSource) -> ColourStatistics:
    """Mean and deviation of each colour over at most 2,000 random pictures of those trained on.

    Raises:
        DataError: all are of one colour.
    """
    order = np.random.default_rng(source.seed).permutation(len(source))[:STATISTICS_PICTURES]
    shown = progress(np.sort(order), label="statistics", unit="pictures")
    return colour_statistics(torch.tensor(source.picture(position)) for position in shown)


def _encoder(settings: ImagePretraining) -> ImageEncoder:
    return encoder_of(settings, settings.width * UNIT_WIDTH)


def encoder_of(settings: ImagePretraining, width: float) -> ImageEncoder:
    """The encoder of these settings, of a width in place of `settings.width`, in numbers of which 64 are the factor 1.

    Raises:
        UsageError: a size it cannot have.
    """
    factor, side = width / UNIT_WIDTH, settings.image_size
    try:
        return ENCODERS[settings.encoder](width=factor, size=side)
    except ValueError as error:
        raise UsageError(f"--encoder {settings.encoder} --width {factor:g} --image_size {side}: {error}") from None
