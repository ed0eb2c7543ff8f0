"""What audio brings to the training loop: crops of recordings, log-mel views, an AudioNTT encoder.

    int16 samples (crops, B, T) -> log-mel -> dataset statistics -> a policy a view -> batch statistics -> views

Source: Niizumi et al., BYOL-A (IJCNN 2021; v2 TASLP 2023) for the order; randomized quantization stands where Mixup
does (Wu et al., ICCV 2023).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from audio.augment import LogMixupExp, RandomFilter, RandomLinearFader, RandomResizeCrop
from audio.crops import SAMPLE_RATE, CropPositions, fit_length, random_starts
from audio.encoders.audio_encoder import AudioEncoder
from audio.encoders.registry import ENCODERS, EncoderName
from audio.encoders.weights import save_encoder
from audio.logmel import Backend, FrontEnd, LogMel, Mel
from audio.normalize import PostNorm, PreNorm, mean_and_std
from randquant.augmentation import Augmentation
from randquant.cli.progress import progress
from randquant.cli.ranges import Range, check_ranges
from randquant.data.repeated_stores import repeated
from randquant.data.store import Store
from randquant.errors import DataError, UsageError
from randquant.quantize import MOST_BINS, RandomizedQuantization
from randquant.training.memory import require_memory
from randquant.training.monitor import KnnMonitor
from randquant.training.settings import Training
from randquant.training.task import Task
from randquant.views import Policy, Views

AUGMENTATIONS = ("rrc", "rq", "mixup", "filter", "fader")
STATISTICS_CROPS = 10_000
STATISTICS_EPOCH = 2**40  # crops for the statistics: an epoch no training reaches
LIFTING_CROPS = 256
RANGES = {
    "d": Range(1, 2**16),
    "unit_seconds": Range(0, 60, above=True),
    "together": Range(1, 2**20),
    "activation_margin": Range(0, 100),
    "dropout": Range(0, 1),
    "rq_bins": Range(2, MOST_BINS),
    "rq_p": Range(0, 1),
    "crop_frequency": Range(0, 100, above=True),
    "crop_time": Range(0, 100, above=True),
    "mixup_alpha": Range(0, 1),
}


@dataclass
class AudioPretraining(Training):
    """Pretrain an audio encoder on unlabelled recordings.

    Args:
        data: stores to learn from, as `python -m scripts.prepare` writes them; labels are not read.
        monitor: labelled store on whose validation split kNN follows the training; never enters it.
        augment: augmentations joined by +: rrc (random resize crop), rq (randomized quantization), mixup
            (log-mixup-exp), filter (random equaliser and low-pass), fader (random linear fader); or none. They are
            applied in the order filter, mixup, rq, rrc, fader.
        encoder: architecture.
        d: width of the encoder's MLP; the embedding size of AudioNTT2020.
        unit_seconds: length of a training crop.
        crops: 1: both views come from one crop, as in BYOL-A; 2: each view has its own crop of the recording.
        sampling: clip: every recording once an epoch; duration: once for every unit_seconds it lasts, from another
            part of it each time.
        together: crops of one recording that enter a batch together (with sampling duration); they are what
            negatives group needs.
        mel: mel scale of the front end, slaney or htk.
        backend: code that computes the log-mel.
        cache: none: log-mels are computed from the crops; log_mel: once for whole recordings, kept in memory.
        activation_margin: how many deviations above zero every unit before a ReLU starts on average; 0 keeps the
            usual initialisation, which cuts half of what passes a batch norm and leaves a third of the units dead.
        dropout: of the encoder's MLP while it trains; 0.3 as published.
        rq_bins: bins of the quantizer: one number, or the lowest and highest of a range.
        rq_per: one quantizer per mel band or per clip.
        rq_p: probability that a view is quantized.
        rq_after_crop: quantize after rrc instead of before it.
        crop_frequency: range of the crop's height over the number of bands.
        crop_time: range of the crop's width over the number of frames.
        mixup_alpha: largest share of the mixed-in sound.
    """

    data: list[Path] = field(default_factory=list)
    monitor: Path | None = None
    augment: str = "rrc+rq"
    encoder: EncoderName = "AudioNTT2020"
    d: int = 2048
    unit_seconds: float = 0.95
    crops: Literal[1, 2] = 1
    sampling: Literal["clip", "duration"] = "clip"
    together: int = 1
    mel: Mel = "slaney"
    backend: Backend = "native"
    cache: Literal["none", "log_mel"] = "none"
    activation_margin: float = 0.0
    dropout: float = 0.3
    rq_bins: list[int] = field(default_factory=lambda: [8])
    rq_per: Literal["band", "clip"] = "band"
    rq_p: float = 1.0
    rq_after_crop: bool = False
    crop_frequency: tuple[float, float] = (0.6, 1.5)
    crop_time: tuple[float, float] = (0.6, 1.5)
    mixup_alpha: float = 0.4

    def __post_init__(self) -> None:
        super().__post_init__()
        self.data = [Path(store) for store in self.data]
        if not self.data:
            raise ValueError("--data must name at least one store.")
        names = self.augmentations()
        unknown = [name for name in names if name not in AUGMENTATIONS]
        if unknown or len(set(names)) < len(names):
            raise ValueError(
                f"--augment should be none or a choice of {', '.join(AUGMENTATIONS)} joined by +, got {self.augment!r}."
            )
        check_ranges(self, RANGES)
        for name in ("crop_frequency", "crop_time"):
            low, high = getattr(self, name)
            if not low <= high:
                raise ValueError(f"--{name} should be two factors with 0 < low <= high, got {low} {high}.")
        if self.unit < 1:
            raise ValueError(f"--unit_seconds {self.unit_seconds} is shorter than one sample; raise it.")
        if self.dropout == 1.0:
            raise ValueError("--dropout should be below 1, which leaves nothing to learn from.")
        if len(self.rq_bins) not in (1, 2) or not self.rq_bins[0] <= self.rq_bins[-1]:
            shown = " ".join(map(str, self.rq_bins)) or "none"
            raise ValueError(f"--rq_bins takes one number of bins, or two with the lower one first, got {shown}.")
        self.policy()  # the augmentations check their own arguments

    @property
    def front_end(self) -> FrontEnd:
        """The log-mel the encoder will be trained on."""
        return FrontEnd(mel=self.mel, backend=self.backend)

    @property
    def unit(self) -> int:
        """Samples of a training crop."""
        return round(self.unit_seconds * SAMPLE_RATE)

    def augmentations(self) -> list[str]:
        """The names in `augment`."""
        return [] if self.augment == "none" else self.augment.split("+")

    def policy(self) -> Policy:
        """The augmentations of one view, in the order they are applied."""
        bins = self.rq_bins[0] if len(self.rq_bins) == 1 else (self.rq_bins[0], self.rq_bins[1])
        quantize = RandomizedQuantization(bins, dim=-1 if self.rq_per == "band" else (-2, -1), p=self.rq_p)
        made: dict[str, Augmentation] = {
            "filter": RandomFilter(),
            "mixup": LogMixupExp(self.mixup_alpha),
            "rq": quantize,
            "rrc": RandomResizeCrop(frequency_scale=self.crop_frequency, time_scale=self.crop_time),
            "fader": RandomLinearFader(),
        }
        middle = ("rrc", "rq") if self.rq_after_crop else ("rq", "rrc")
        order = ("filter", "mixup", *middle, "fader")
        return Policy(*(made[name] for name in order if name in self.augmentations()))


def build_task(settings: AudioPretraining, device: torch.device) -> Task:
    """Everything the loop needs; called once the device is known and the seed is set.

    Raises:
        DataError: a store is missing, empty or not of audio.
    """
    require_memory(settings, lambda: _encoder(settings), device)
    stores = [Store.open(path, kind="audio") for path in settings.data]
    source = LogMelCrops(stores, settings, device) if settings.cache == "log_mel" else WaveformCrops(stores, settings)
    front: nn.Module = nn.Identity() if settings.cache == "log_mel" else LogMel(settings.front_end)
    mean, std = crop_statistics(source, front.to(device), device)
    encoder = _encoder(settings)
    for part in encoder.modules():
        if isinstance(part, nn.Dropout):
            part.p = settings.dropout
    normalise = PreNorm(mean, std)
    if settings.activation_margin:
        lift_activations(encoder, _normalised_crops(source, front, normalise, device).cpu(), settings.activation_margin)

    def save(path: Path, trained: nn.Module, step: int) -> None:
        about = {"step": step, "method": settings.method, "augment": settings.augment, "seed": settings.seed}
        save_encoder(path, trained, front_end=settings.front_end, mean=mean, std=std, metadata=about)

    # One policy object for both views: they share the mixing bank, as published.
    make_views = LogMelViews(front, normalise, Views([settings.policy()] * 2))
    monitor = None if settings.monitor is None else knn_monitor(settings, make_views.normalise, device)
    hashes = [store.content_hash for store in stores]
    notes = [*repeated(stores), *_too_long(settings, source)]
    return Task(source, make_views, encoder, encoder.embedding_size(), save, monitor, {"stores": hashes}, notes)


def _encoder(settings: AudioPretraining) -> AudioEncoder:
    try:
        return ENCODERS[settings.encoder].of_width(settings.d)
    except ValueError as error:
        raise UsageError(f"--encoder {settings.encoder} --d {settings.d}: {error}") from None


def _too_long(settings: AudioPretraining, source: "WaveformCrops") -> list[str]:
    longest = int(source.lengths.max())
    if longest >= settings.unit:
        return []
    return [
        f"--unit_seconds {settings.unit_seconds:g} is longer than every recording (the longest lasts "
        f"{longest / SAMPLE_RATE:.2f} s), so every crop is a whole recording among zeros; lower it to use the lengths "
        "there are."
    ]


class WaveformCrops:
    """Random unit-length crops of recordings, as bytes: (crops, B, unit) int16."""

    def __init__(self, stores: Sequence[Store], settings: AudioPretraining) -> None:
        self.stores, self.unit, self.seed, self.crops = stores, settings.unit, settings.seed, settings.crops
        self.lengths = np.concatenate([store.lengths for store in stores])
        self._first = np.cumsum([0, *(len(store) for store in stores)])  # recording of each store
        if not len(self.lengths):
            raise DataError(f"{', '.join(str(store.path) for store in stores)} hold no recordings; prepare others.")
        often = (
            np.maximum(self.lengths // self.unit, 1) if settings.sampling == "duration" else np.ones_like(self.lengths)
        )
        self._positions = CropPositions(often, settings.together)

    def __len__(self) -> int:
        return len(self._positions)

    def order(self, generator: np.random.Generator) -> NDArray[np.integer]:
        """A permutation of the positions that keeps what enters a batch together."""
        return self._positions.order(generator)

    def groups(self, positions: NDArray[np.integer]) -> NDArray[np.int64]:
        """The recording of each position."""
        return self._positions.clips(positions)

    def fetch(self, positions: NDArray[np.int64], epoch: int) -> Tensor:
        """Crops for these positions of the epoch."""
        batch = np.empty((self.crops, len(positions), self.unit), dtype=np.int16)
        clips = self.groups(positions)
        for view, starts in enumerate(self._starts(positions, self.lengths[clips], self.unit, epoch)):
            for row, (clip, start) in enumerate(zip(clips, starts, strict=True)):
                samples = self.waveform(int(clip), int(start), int(start) + self.unit)
                batch[view, row] = fit_length(samples, self.unit)
        return torch.from_numpy(batch)

    def waveform(self, clip: int, start: int = 0, stop: int | None = None) -> NDArray[np.int16]:
        """Samples of a recording, (T,) int16."""
        owner = int(np.searchsorted(self._first, clip, side="right")) - 1
        return self.stores[owner].rows(clip - int(self._first[owner]), start, stop)

    def _starts(
        self, positions: NDArray[np.int64], lengths: NDArray[np.int64], unit: int, epoch: int
    ) -> list[NDArray[np.int64]]:
        """Starts for each crop, within the position's part of its recording.

        Crop number and epoch make one counter, so that no two draws are the same.
        """
        free = np.maximum(lengths - unit, 0) + 1
        found = self._positions.find(positions)
        first, last = (free * (found.part + k) // found.parts for k in (0, 1))
        return [
            first
            + random_starts(positions, last - first + unit - 1, unit, seed=self.seed, epoch=epoch * self.crops + crop)
            for crop in range(self.crops)
        ]


class LogMelCrops(WaveformCrops):
    """Random crops of log-mels computed once for whole recordings and kept in memory: (crops, B, 1, F, frames) float32.

    Unlike those of a waveform crop, its first and last frames see the sound around the crop instead of a reflection.
    """

    def __init__(self, stores: Sequence[Store], settings: AudioPretraining, device: torch.device) -> None:
        super().__init__(stores, settings)
        front = LogMel(settings.front_end).to(device)
        self.frames = settings.front_end.frames(self.unit)
        self.log_mels = [
            self._whole(front, clip, device)
            for clip in progress(range(len(self.lengths)), label="log-mels", unit="recordings", total=len(self.lengths))
        ]
        self.frame_counts = np.array([log_mel.shape[1] for log_mel in self.log_mels], dtype=np.int64)

    def fetch(self, positions: NDArray[np.int64], epoch: int) -> Tensor:
        """Crops for these positions of the epoch."""
        clips = self.groups(positions)
        starts = self._starts(positions, self.frame_counts[clips], self.frames, epoch)
        crops = [
            torch.stack(
                [self.log_mels[clip][:, start : start + self.frames] for clip, start in zip(clips, view, strict=True)]
            )
            for view in starts
        ]
        return torch.stack(crops).unsqueeze(2)

    @torch.no_grad()
    def _whole(self, front: LogMel, clip: int, device: torch.device) -> Tensor:
        samples = self.waveform(clip)
        if len(samples) < self.unit:
            samples = fit_length(samples, self.unit)
        return front(torch.from_numpy(np.array(samples))[None].to(device))[0, 0].cpu()


class LogMelViews(nn.Module):
    """Raw crops -> normalised, augmented log-mel views, (B, 1, F, frames) each."""

    def __init__(self, front: nn.Module, normalise: PreNorm, views: Views) -> None:
        super().__init__()
        self.front, self.normalise, self.views, self.post = front, normalise, views, PostNorm()

    def forward(self, batch: Tensor, *, generator: torch.Generator) -> list[Tensor]:
        """Views of crops (crops, B, ...); view i is made from crop i, or all from the only one."""
        _crops, size = batch.shape[:2]
        log_mels = self.normalise(self.front(batch.flatten(0, 1))).split(size)
        views = self.views(log_mels, generator=generator)
        return list(self.post(torch.cat(views)).contiguous(memory_format=torch.channels_last).split(size))


@torch.no_grad()
def lift_activations(encoder: AudioEncoder, x: Tensor, margin: float) -> None:
    """Set the biases so that every unit before a ReLU starts `margin` deviations above zero on x (B, 1, F, T).

    Batch norms need no data for that. The linear layers do: their inputs are all positive, so by the signs of its
    weights alone a unit is always on or always off, and one that is off learns nothing. Biases are found layer by
    layer in one pass (Krähenbühl et al., "Data-dependent initializations", ICLR 2016).
    """

    def lift(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        units = output.flatten(0, -2)
        change = margin * units.std(dim=0) - units.mean(dim=0)
        layer.bias.add_(change)  # type: ignore[operator]
        return output + change

    norms = [part for part in encoder.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.constant_(norm.bias, margin)
    hooks = [part.register_forward_hook(lift) for part in encoder.modules() if isinstance(part, nn.Linear)]
    encoder.train()(x)
    for hook in hooks:
        hook.remove()
    for norm in norms:
        norm.reset_running_stats()


def _normalised_crops(source: WaveformCrops, front: nn.Module, normalise: PreNorm, device: torch.device) -> Tensor:
    """A few random training crops as the encoder sees them, unaugmented: (B, 1, F, frames)."""
    order = np.random.default_rng(source.seed).permutation(len(source))[:LIFTING_CROPS]
    with torch.no_grad():
        crops = front.to(device)(source.fetch(np.sort(order), STATISTICS_EPOCH)[0].to(device))
        return PostNorm()(normalise.to(device)(crops))


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
