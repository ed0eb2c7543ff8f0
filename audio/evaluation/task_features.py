"""Extract features of a task: fixed-length clips, log-mels, normalisation, embeddings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.audio.crops import SAMPLE_RATE
from randquant.audio.embedding.window_batches import batch_seconds
from randquant.audio.encoders.layer import Layer
from randquant.audio.encoders.weights import LoadedEncoder
from randquant.audio.evaluation.choices import Statistics, StatisticsScope
from randquant.audio.evaluation.robustness import Corruption
from randquant.audio.evaluation.tasks import ClipTask, Protocol, read_batches
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.audio.spectrogram.logmel import LogMel
from randquant.audio.spectrogram.normalised_log_mel import NormalisedLogMel
from randquant.audio.spectrogram.normalize import Normalisation, mean_and_std
from randquant.audio.waveforms import WaveformFrontEnd
from randquant.cli.progress import batch_progress
from randquant.data.features import FORMAT_VERSION, Features, cached, content_key
from randquant.errors import DataError
from randquant.files.atomic import read_json, write_json
from randquant.inference import in_precision
from randquant.precision import said
from randquant.probes.conditions.conditioned import tested

_FEATURE_EPOCH, _STATISTICS_EPOCH = 0, 1  # independent draws of the same crop seed


@dataclass(frozen=True)
class Reading:
    """How features are made of the clips of a task.

    Attributes:
        cache: folder of features, keyed by content.
        seed: of the crops.
        layer: which features of the encoder.
        statistics: "task": log-mel statistics of the task's training clips, as published; "checkpoint": those the
            encoder was trained with.
        scope: "protocol": folds share their statistics as the protocol has it; "fold": each has those of its own
            training items.
        device: where to compute.
    """

    cache: Path
    seed: int = 42
    layer: Layer = "output"
    statistics: Statistics = "task"
    scope: StatisticsScope = "protocol"
    device: str | torch.device = "cpu"

    def by_fold(self, task: ClipTask) -> bool:
        """Whether each fold of a task has statistics of its own."""
        return self.scope == "fold" and bool(task.folds)


def task_features(
    loaded: LoadedEncoder,
    task: ClipTask,
    protocol: Protocol,
    reading: Reading,
    fold: str | None = None,
    corruption: Corruption | None = None,
) -> Features:
    """Embed every clip of a task once, float32, with the encoder in eval mode; read from `cache` where it was done.

    With a `fold` of a cross-validated task, the statistics are those of this fold's own training items. With a
    `corruption` the test clips alone are embedded, cut as ever and then changed.

    Raises:
        DataError: the statistics of the checkpoint are asked for and it carries none, or the features are not finite.
    """
    normalisation = _normalisation(loaded, task, protocol, reading, fold)
    encode = encoder_function(loaded, normalisation, reading.layer, reading.device)
    indices = np.arange(len(task.store), dtype=np.int64) if corruption is None else tested(task.items)
    head = np.isin(indices, tested(task.items)) & (protocol.test_crop == "head")

    def batches(start: int) -> Iterator[Tensor]:
        clips = read_batches(
            task,
            indices[start:],
            pad=protocol.pad,
            head=head[start:],
            seed=reading.seed,
            epoch=_FEATURE_EPOCH,
            batch=_batch(task, reading.device),
        )
        if corruption is not None:
            clips = _changed(clips, indices[start:], corruption)
        return batch_progress(clips, label=f"features of {task.name}", unit="clips", total=len(indices), initial=start)

    settings = {
        "weights": loaded.sha256,
        **said(loaded.precision),
        "front_end": loaded.front_end.to_dict(),
        "layer": reading.layer,
        "store": task.store.content_hash,
        "unit": task.unit,
        "pad": protocol.pad,
        "test_crop": protocol.test_crop,
        "crop_seed": reading.seed,
        "mean": normalisation.mean,
        "std": normalisation.std,
    }
    if corruption is not None:
        settings["corruption"] = corruption.facts
    dimension = loaded.encoder.embedding_size(reading.layer)
    items = task.items if corruption is None else task.items.take(indices)
    features = cached(reading.cache, settings, items, dimension, encode, batches)
    features.provenance["statistics"] = vars(normalisation)
    return features


def _changed(clips: Iterator[Tensor], rows: NDArray[np.int64], corruption: Corruption) -> Iterator[Tensor]:
    """Batches of clips (B, T), those of `rows` in their order, after a change."""
    start = 0
    for batch in clips:
        yield corruption(batch, rows[start : start + len(batch)].tolist())
        start += len(batch)


def _normalisation(
    loaded: LoadedEncoder, task: ClipTask, protocol: Protocol, reading: Reading, fold: str | None
) -> Normalisation:
    if isinstance(loaded.front_end, WaveformFrontEnd):
        return Normalisation(0.0, 1.0, "none: the encoder takes waveforms")
    if reading.statistics == "task":
        return task_statistics(loaded.front_end, task, protocol, reading, fold)
    if loaded.mean is None or loaded.std is None:
        raise DataError(
            'The checkpoint carries no log-mel statistics, which --statistics checkpoint needs; use "task".'
        )
    return Normalisation(loaded.mean, loaded.std, "checkpoint")


def task_statistics(
    front_end: FrontEnd, task: ClipTask, protocol: Protocol, reading: Reading, fold: str | None = None
) -> Normalisation:
    """Mean and deviation of log-mels over random unit-length crops of the training items.

    Only training items enter, each clip weighs the same. The codes published with BYOL-A v1 (which drew indices
    of training items but read other files too) and EVAR (which skipped its first batch) differ in that. In
    cross-validation one item is training in some folds and test in another: the items are those the protocol
    names, or those of `fold` alone. The result does not depend on the encoder and is kept in `cache` with the
    features.

    Raises:
        DataError: every training clip is the same silence, so there is no spread to divide by.
    """
    selected, items = _statistics_items(task, protocol, fold)
    rows = torch.from_numpy(selected)
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(reading.seed))[
        : protocol.statistics_crops
    ]
    indices = rows[order].sort().values.numpy()
    settings = {
        "front_end": front_end.to_dict(),
        "store": task.store.content_hash,
        "items": task.items.digest(),
        "unit": task.unit,
        "pad": protocol.pad,
        "seed": reading.seed,
        "crops": len(indices),
        "of": items,
        "format_version": FORMAT_VERSION,
    }
    source = f"{len(indices)} random crops of {items}"
    record = reading.cache / "statistics" / f"{content_key(settings)}.json"
    known = _known_statistics(record)
    if known is not None:
        return Normalisation(*known, source)
    batches = read_batches(
        task,
        indices,
        pad=protocol.pad,
        head=np.zeros(len(indices), dtype=bool),
        seed=reading.seed,
        epoch=_STATISTICS_EPOCH,
        batch=_batch(task, reading.device),
    )
    log_mel = LogMel(front_end).to(reading.device)
    shown = batch_progress(batches, label=f"statistics of {task.name}", unit="clips", total=len(indices))
    try:
        with torch.inference_mode():
            mean, std = mean_and_std(log_mel(clips.to(reading.device)) for clips in shown)
    except ValueError:
        raise DataError(
            f"{task.store.path}: every training clip is the same silence; check how the recordings were prepared."
        ) from None
    write_json(record, {"mean": mean, "std": std, "settings": settings})
    return Normalisation(mean, std, source)


def encoder_function(
    loaded: LoadedEncoder, normalisation: Normalisation, layer: Layer, device: str | torch.device
) -> Callable[[Tensor], Tensor]:
    """The map from waveforms (B, T), int16 or float, to float32 embeddings (B, D) on `device`."""
    prepare = NormalisedLogMel(loaded.front_end, normalisation.mean, normalisation.std).to(device)
    network = in_precision(loaded.encoder.to(device).float().eval(), loaded.precision, device)

    def encode(waveform: Tensor) -> Tensor:
        return network(prepare(waveform.to(device, non_blocking=True)), layer=layer)

    return encode


def _statistics_items(task: ClipTask, protocol: Protocol, fold: str | None) -> tuple[NDArray[np.int64], str]:
    """Rows that statistics are computed from, and their description."""
    if not task.folds:
        return task.training(), "the task's training items"
    if fold is not None:
        return task.training(left_out=fold), f"{fold}'s training items"
    if protocol.fold_statistics == "all folds":
        return task.training(), "the items of all folds"
    return task.training(left_out=task.folds[0]), f"{task.folds[0]}'s training items, for all folds"


def _batch(task: ClipTask, device: str | torch.device) -> int:
    return max(1, int(batch_seconds(device) * SAMPLE_RATE / task.unit))


def _known_statistics(record: Path) -> tuple[float, float] | None:
    try:
        values = read_json(record)
        return float(values["mean"]), float(values["std"])
    except (DataError, OSError, KeyError, TypeError, ValueError):
        return None
