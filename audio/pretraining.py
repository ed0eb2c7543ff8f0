"""The training task of audio: crops of recordings, log-mel views, an AudioNTT encoder.

    int16 samples (crops, B, T) -> log-mel -> dataset statistics -> a policy a view -> batch statistics -> views

Source: Niizumi et al., BYOL-A (IJCNN 2021; v2 TASLP 2023) for the order; randomized quantization stands where Mixup
does (Wu et al., ICCV 2023).
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from randquant.audio.crops import SAMPLE_RATE, fit_length
from randquant.audio.encoders.audio_encoder import AudioEncoder
from randquant.audio.encoders.registry import ENCODERS
from randquant.audio.encoders.weights import LoadedEncoder, save_encoder
from randquant.audio.mixing import log_mel_blend
from randquant.audio.samples import common_intake
from randquant.audio.settings import AudioPretraining
from randquant.audio.spectrogram.lifting import lift_activations
from randquant.audio.spectrogram.logmel import LogMel
from randquant.audio.spectrogram.normalize import LogMelViews, PostNorm, PreNorm, mean_and_std
from randquant.audio.stored_crops import LogMelCrops, WaveformCrops
from randquant.cli.progress import progress
from randquant.data.repeated_stores import repeated
from randquant.data.store import Store
from randquant.errors import DataError, UsageError
from randquant.training.memory import require_memory
from randquant.training.task import Task
from randquant.training.watching.monitor import KnnMonitor
from randquant.views import Views
from randquant.weights.start import Start, data_of, notes_of, start_of
from randquant.weights.training_metadata import metadata_of_run

STATISTICS_CROPS = 10_000
STATISTICS_EPOCH = 2**40  # crops for the statistics: an epoch no training reaches
LIFTING_CROPS = 256


def build_task(settings: AudioPretraining, device: torch.device) -> Task:
    """Everything the loop needs; called once the device is known and the seed is set.

    Raises:
        DataError: a store is missing, empty or not of audio, or the weights to start from cannot be opened.
        UsageError: the settings contradict these weights.
    """
    start: Start[LoadedEncoder] | None = start_of(settings)
    require_memory(settings, lambda: make_encoder(settings, settings.d), device)
    stores = [Store.open(path, kind="audio") for path in settings.data]
    source = LogMelCrops(stores, settings, device) if settings.cache == "log_mel" else WaveformCrops(stores, settings)
    front: nn.Module = nn.Identity() if settings.cache == "log_mel" else LogMel(settings.front_end)
    notes = [*notes_of(start, settings), *repeated(stores)]
    mean, std = _statistics(start, source, front.to(device), device, notes)
    encoder = make_encoder(settings, settings.d) if start is None else start.encoder()
    for part in encoder.modules():
        if isinstance(part, nn.Dropout):
            part.p = settings.dropout
    normalise = PreNorm(mean, std)
    if settings.activation_margin and start is None:
        lift_activations(encoder, _normalised_crops(source, front, normalise, device).cpu(), settings.activation_margin)

    def save(path: Path, trained: nn.Module, step: int) -> None:
        about = metadata_of_run(settings, step) | common_intake(store.info for store in stores)
        save_encoder(path, trained, front_end=settings.front_end, mean=mean, std=std, metadata=about)

    def views_of(wanted: AudioPretraining) -> LogMelViews:
        # Equal views have one policy object: they share the mixing bank, as published.
        policies, local = wanted.view_policies()
        return LogMelViews(front, normalise, Views(policies), Views(local) if local else None)

    make_views = views_of(settings)
    monitor = None if settings.monitor is None else knn_monitor(settings, make_views.normalise, device)
    hashes = [store.content_hash for store in stores]
    longest = int(source.lengths.max())
    if longest < settings.unit:
        notes.append(
            f"--unit_seconds {settings.unit_seconds:g} is longer than every recording (the longest lasts "
            f"{longest / SAMPLE_RATE:.2f} s), so every crop is a whole recording among zeros; lower it to use the "
            "lengths there are."
        )
    of_width = partial(make_encoder, settings)
    data, size = {"stores": hashes, **data_of(start)}, encoder.embedding_size()
    blend = partial(log_mel_blend, settings, scale=make_views.scale)
    return Task(source, make_views, encoder, size, save, monitor, data, notes, of_width, blend, views_of)


def make_encoder(settings: AudioPretraining, width: int) -> AudioEncoder:
    """The encoder of these settings, of a width in place of `settings.d`.

    Raises:
        UsageError: a width it cannot have.
    """
    try:
        return ENCODERS[settings.encoder].of_width(width, settings.n_mels)
    except ValueError as error:
        raise UsageError(f"--encoder {settings.encoder} --d {width} --n_mels {settings.n_mels}: {error}") from None


def _normalised_crops(source: WaveformCrops, front: nn.Module, normalise: PreNorm, device: torch.device) -> Tensor:
    """A few random training crops as the encoder sees them, unaugmented: (B, 1, F, frames)."""
    order = np.random.default_rng(source.seed).permutation(len(source))[:LIFTING_CROPS]
    with torch.no_grad():
        crops = front.to(device)(source.fetch(np.sort(order), STATISTICS_EPOCH)[0].to(device))
        return PostNorm()(normalise.to(device)(crops))


def _statistics(
    start: Start[LoadedEncoder] | None, source: WaveformCrops, front: nn.Module, device: torch.device, notes: list[str]
) -> tuple[float, float]:
    """Mean and deviation: of the weights to start from, as far as they say them, else of the crops."""
    if start is not None and start.loaded.mean is not None and start.loaded.std is not None:
        return start.loaded.mean, start.loaded.std
    mean, std = crop_statistics(source, front, device)
    if start is not None:
        notes.append(
            "these weights do not say by which mean and deviation log-mels are normalised; those of the data are "
            f"taken, {mean:.2f} and {std:.2f}"
        )
    return mean, std


def crop_statistics(source: WaveformCrops, front: nn.Module, device: torch.device) -> tuple[float, float]:
    """Mean and standard deviation of log-mel over at most 10,000 random training crops.

    Raises:
        DataError: every crop is the same silence.
    """
    order = np.random.default_rng(source.seed).permutation(len(source))[:STATISTICS_CROPS].copy()
    parts = np.array_split(order, max(len(order) // 256, 1))

    def log_mels() -> Iterator[Tensor]:
        for part in progress(parts, label="statistics", unit="batches"):
            yield front(source.fetch(np.sort(part), STATISTICS_EPOCH)[0].to(device))

    try:
        with torch.no_grad():
            return mean_and_std(log_mels())
    except ValueError:
        raise DataError(
            f"the recordings in {', '.join(str(store.path) for store in source.stores)} are all silent; give others."
        ) from None


def knn_monitor(settings: AudioPretraining, normalise: nn.Module, device: torch.device) -> KnnMonitor:
    """kNN on the validation split of `settings.monitor`, one fixed crop of each recording."""
    store = Store.open(settings.monitor or Path(), kind="audio")
    front = LogMel(settings.front_end).to(device)

    def load(items: NDArray[np.int64]) -> list[Tensor]:
        unit = max(settings.unit, round(float(np.median(store.lengths[items]))))
        clips = np.stack([fit_length(store.rows(int(item), 0, unit), unit) for item in items])
        with torch.no_grad():
            return [normalise.to(device)(front(part.to(device))) for part in torch.from_numpy(clips).split(64)]

    return KnnMonitor(store, seed=settings.seed, load=load)
