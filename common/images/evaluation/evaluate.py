"""How a frozen encoder of pictures is evaluated: what it sees, and what a result says of that."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from randquant.evaluation.evaluate import Evaluation
from randquant.evaluation.frozen import Frozen
from randquant.evaluation.labelled_task import LabelledTask
from randquant.files.json_record import Json
from randquant.images.encoders.image_encoder import batch_size
from randquant.images.encoders.weights import LoadedImageEncoder, named_encoder
from randquant.images.evaluation.protocols import PROTOCOLS
from randquant.images.evaluation.result import ImageResult
from randquant.images.evaluation.robustness import Corruption
from randquant.images.evaluation.settings import ImageProbing
from randquant.images.evaluation.sight import Sight, sight_of
from randquant.images.fitted_pictures import fitted_batch
from randquant.images.normalise import ColourStatistics, Normalise, as_encoded
from randquant.images.stored_images import StoredImages
from randquant.inference import in_precision
from randquant.precision import said
from randquant.probes.probe import Probe
from randquant.probes.training_sets import over_training_sets, training_sets


def evaluation(probing: ImageProbing) -> Evaluation[LoadedImageEncoder, ImageResult]:
    """The evaluation that a command asks for."""
    preset = PROTOCOLS[probing.protocol]
    seen: dict[str, Sight] = {}  # by content of the store

    def sight(loaded: LoadedImageEncoder, task: LabelledTask) -> Sight:
        key = task.store.content_hash
        if key not in seen:
            size, statistics, seed = probing.image_size, probing.statistics, probing.seed
            seen[key] = sight_of(loaded, task, size=size, share=preset.share, statistics=statistics, seed=seed)
        return seen[key]

    def result(loaded: LoadedImageEncoder, task: LabelledTask) -> Callable[..., ImageResult]:
        found = sight(loaded, task)
        own: dict[str, Any] = {**found.settings(), "statistics": found.source}
        return partial(ImageResult, **own)

    def fitted_on(loaded: LoadedImageEncoder) -> Mapping[str, Json]:
        (only,) = seen.values()  # a classifier is saved of one task
        return only.settings()

    return Evaluation(
        command="probe_images",
        kind="images",
        load=lambda name, seed: named_encoder(name, seed=seed, size=probing.image_size),
        frozen=lambda loaded, task, device: frozen(loaded, task, sight(loaded, task), device),
        result=result,
        preset=preset,
        fitted_on=fitted_on,
        subject={
            "image_size": str(probing.image_size or "as trained"),
            "statistics": probing.statistics,
            "training_sets": "folds" if probing.folds else "train",
        },
        arranged=_over_folds if probing.folds else lambda task, asked: asked,
        corruption=Corruption,
    )


def _over_folds(task: LabelledTask, asked: Mapping[str, Probe[Any]]) -> dict[str, Probe[Any]]:
    try:
        column = task.store.column("folds")
    except KeyError:
        column = []
    sets = training_sets(column, str(task.store.path))
    return {name: over_training_sets(probe, sets) for name, probe in asked.items()}


def frozen(loaded: LoadedImageEncoder, task: LabelledTask, sight: Sight, device: torch.device) -> Frozen[Tensor]:
    """How it encodes the pictures of a task."""
    pictures = StoredImages(task.store)
    return Frozen(
        read=lambda items: fitted_batch(pictures, items, sight.size, sight.share),
        encode=encoder_function(loaded, sight.colours, device),
        dimension=loaded.encoder.embedding_size(),
        settings={"weights": loaded.sha256, **said(loaded.precision), **sight.settings()},
        batch_size=batch_size(sight.size, device),
        unit="pictures",
    )


def encoder_function(
    loaded: LoadedImageEncoder, colours: ColourStatistics, device: str | torch.device
) -> Callable[[Tensor], Tensor]:
    """The map from bytes (B, size, size, 3) to float32 embeddings (B, D) on the device."""
    encoder, normalise = loaded.encoder.to(device).float().eval(), Normalise(colours).to(device)
    encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network = in_precision(encoder, loaded.precision, device)
    return lambda pixels: network(as_encoded(pixels, normalise, device))
