"""The settings of pretraining on sound: what each one means, and the augmentations they name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from randquant.audio.crops import SAMPLE_RATE
from randquant.audio.encoders.registry import EncoderName
from randquant.audio.spectrogram.front_end import Backend, FrontEnd, Mel
from randquant.cli.ranges import Range, check_ranges, check_rising
from randquant.policies.joined_names import joined_names
from randquant.policies.planned import Planned, made_once, planned, written
from randquant.policies.reading import Vocabulary
from randquant.policies.view_policy import ViewPolicy
from randquant.quantizers.choices import MOST_BINS, Edges
from randquant.training.settings import Training, store_paths

if TYPE_CHECKING:
    from randquant.views import Policy
    from randquant.weights.start import Start

Domain = Literal["log", "power"]
Cut = Literal["time", "band", "box"]
Scale = Literal["log", "power", "rank"]
RANGES = {
    "d": Range(1, 2**16),
    "unit_seconds": Range(0, 60, above=True),
    "together": Range(1, 2**20),
    "activation_margin": Range(0, 100),
    "dropout": Range(0, 1),
    "rq_bins": Range(2, MOST_BINS),
    "rq_p": Range(0, 1),
    "rq_block": Range(1, 1024),
    "rq_weight": Range(0, 1),
    "crop_frequency": Range(0, 100, above=True),
    "crop_time": Range(0, 100, above=True),
    "mixup_alpha": Range(0, 1),
    "n_mels": Range(1, 1024),
    "n_fft": Range(2, 2**16),
    "hop": Range(1, 2**16),
}
# What a view may have of its own, and what a local one may beside that.
_RQ = ("rq_bins", "rq_per", "rq_block", "rq_scale", "rq_edges", "rq_weight", "rq_p", "rq_after_crop")
_OWN = (*_RQ, "crop_frequency", "crop_time", "mixup_alpha")
_LOCAL_SECONDS = 0.32
FOLDER = Path(__file__).parent / "policies"


@dataclass
class AudioPretraining(Training):
    """Pretrain an audio encoder on unlabelled recordings.

    Args:
        data: stores to learn from, as `python -m scripts.prepare` writes them; labels are not read.
        monitor: labelled store on whose validation split kNN follows the training; never used for training.
        augment: augmentations joined by +: rrc (random resize crop), rq (randomized quantization), mixup
            (log-mixup-exp), filter (random equaliser and low-pass), noise, shift (in time), timemask, freqmask, gain,
            fader (random linear fader); or none. They are applied in the order filter, noise, mixup, rq, rrc, shift,
            timemask, freqmask, gain, fader.
        encoder: architecture.
        d: width of the encoder's MLP; the embedding size of AudioNTT2020.
        unit_seconds: length of a training crop.
        crops: 1: both views come from one crop, as in BYOL-A; 2: each view has its own crop of the recording.
        sampling: clip: every recording once per epoch; duration: once per unit_seconds of its length, each time from
            another part.
        together: crops of one recording that enter a batch together (with sampling duration); needed by
            negatives group.
        n_mels: mel bands of the front end.
        n_fft: samples of its windows.
        hop: samples from one frame to the next.
        mel: mel scale of the front end, slaney or htk.
        backend: code that computes the log-mel.
        cache: none: log-mels are computed from the crops; log_mel: once for whole recordings, kept in memory.
        activation_margin: initial mean of every unit before a ReLU, in standard deviations above zero; 0 keeps the
            usual initialisation, which zeroes half of the units after batch norm and leaves a third of them dead.
        dropout: of the encoder's MLP while it trains; 0.3 as published.
        rq_bins: bins of the quantizer: one number, or the lowest and highest of a range.
        rq_per: one quantizer per mel band, per block of rq_block neighbouring bands, or per clip.
        rq_block: bands of a block; they divide n_mels.
        rq_scale: where bins lie: log, among log-mels; power, among their exponentials; rank, among ranks, so that each
            bin holds as many entries.
        rq_edges: random: cuts anywhere; jittered: one in each of equal parts of the range; uniform: equal bins.
        rq_weight: range of the weight of the quantized log-mel in a view, the rest being what was there.
        rq_p: probability that a view is quantized.
        rq_after_crop: quantize after rrc instead of before it.
        crop_frequency: range of the crop's height over the number of bands.
        crop_time: range of the crop's width over the number of frames.
        mixup_alpha: largest weight of the mixed-in sound.
        mix_domain: with --mix mixup and --inputmix: log averages log-mels, power what they are logarithms of.
        mix_cut: with --mix cutmix: what comes from the other sound, a segment of time, of bands, or a box of both.
    """

    USED_BY: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **dict.fromkeys(_RQ, ("rq",)),
        **dict.fromkeys(("crop_frequency", "crop_time"), ("rrc",)),
        "mixup_alpha": ("mixup",),
    }

    data: list[Path] = field(default_factory=list)
    monitor: Path | None = None
    augment: str = "rrc+rq"
    encoder: EncoderName = "AudioNTT2020"
    d: int = 2048
    unit_seconds: float = 0.95
    crops: Literal[1, 2] = 1
    sampling: Literal["clip", "duration"] = "clip"
    together: int = 1
    n_mels: int = 64
    n_fft: int = 1024
    hop: int = 160
    mel: Mel = "slaney"
    backend: Backend = "native"
    cache: Literal["none", "log_mel"] = "none"
    activation_margin: float = 0.0
    dropout: float = 0.3
    rq_bins: list[int] = field(default_factory=lambda: [8])
    rq_per: Literal["band", "block", "clip"] = "band"
    rq_block: int = 8
    rq_scale: Scale = "log"
    rq_edges: Edges = "random"
    rq_weight: tuple[float, float] = (1.0, 1.0)
    rq_p: float = 1.0
    rq_after_crop: bool = False
    crop_frequency: tuple[float, float] = (0.6, 1.5)
    crop_time: tuple[float, float] = (0.6, 1.5)
    mixup_alpha: float = 0.4
    mix_domain: Domain = "log"
    mix_cut: Cut = "time"

    def __post_init__(self) -> None:
        from randquant.audio.spectrogram.mel_filters import mel_filter_bank

        super().__post_init__()
        self.data = store_paths(self.data)
        self.augmentations()  # refuses unknown names
        check_ranges(self, RANGES)
        for name in ("crop_frequency", "crop_time", "rq_weight"):
            low, high = getattr(self, name)
            if not low <= high:
                raise ValueError(f"--{name} should be two numbers with low <= high, got {low} {high}.")
        if self.rq_per == "block" and self.n_mels % self.rq_block:
            raise ValueError(f"--rq_block {self.rq_block} should divide --n_mels {self.n_mels}.")
        if self.unit < 1:
            raise ValueError(f"--unit_seconds {self.unit_seconds} is shorter than one sample; raise it.")
        if self.dropout == 1.0:
            raise ValueError("--dropout should be below 1, which leaves nothing to learn from.")
        check_rising(self, "rq_bins")
        mel_filter_bank(self.front_end)  # refuses bands that are too narrow
        self.policy()  # the augmentations check their own arguments
        self.views = written(self.planned()) if self.views else []

    @staticmethod
    def open_start(name: str) -> "Start[Any]":
        """As `Training.open_start`."""
        from randquant.audio.start import open_start

        return open_start(name)

    @property
    def front_end(self) -> FrontEnd:
        """The log-mel the encoder will be trained on."""
        return FrontEnd(n_mels=self.n_mels, n_fft=self.n_fft, hop=self.hop, mel=self.mel, backend=self.backend)

    @property
    def unit(self) -> int:
        """Samples of a training crop."""
        return round(self.unit_seconds * SAMPLE_RATE)

    def augmentations(self) -> list[str]:
        """The names in `augment`."""
        from randquant.audio.augment.registry import AUGMENTATIONS

        return joined_names(self.augment, AUGMENTATIONS)

    def planned(self) -> "list[Planned[AudioPretraining]]":
        """Every view with the settings that it has."""
        from randquant.audio.augment.registry import AUGMENTATIONS, OPERATIONS

        vocabulary = Vocabulary(AudioPretraining, _OWN, ["unit_seconds"], list(AUGMENTATIONS), list(OPERATIONS), FOLDER)
        views = planned(self, vocabulary, {"unit_seconds": _LOCAL_SECONDS})
        for each in views:
            if each.settings.unit > self.unit:
                raise ValueError(
                    f"--views ({each.view.title}): unit_seconds {each.settings.unit_seconds:g} is longer than the crop "
                    f"of {self.unit_seconds:g} s that it is cut from; lower it or raise --unit_seconds."
                )
        return views

    def view_policies(self) -> "tuple[list[Policy], list[Policy]]":
        """The policies of the global and of the local views; equal views share one, and so its mixing bank."""
        return made_once(self.planned(), lambda each: each.settings.view_policy(each.view))

    def view_policy(self, view: ViewPolicy) -> "Policy":
        """The augmentations of a view that has these settings."""
        from randquant.audio.augment.registry import OPERATIONS
        from randquant.audio.augment.short_crop import RandomShortCrop
        from randquant.views import Policy

        drawn = view.choices(lambda name, strength: OPERATIONS[name](self, strength))
        short = [RandomShortCrop(self.front_end.frames(self.unit))] if view.local else []
        return Policy(*short, *self.policy(), *drawn)

    def policy(self) -> "Policy":
        """The augmentations that `augment` names, in the order they are applied."""
        from randquant.audio.augment.registry import AUGMENTATIONS
        from randquant.views import Policy

        made = {name: make(self) for name, make in AUGMENTATIONS.items()}  # all, so that every flag is checked
        order = [name for name in made if name in self.augmentations()]
        if self.rq_after_crop and {"rq", "rrc"} <= set(order):
            order.remove("rq")
            order.insert(order.index("rrc") + 1, "rq")
        return Policy(*(made[name] for name in order))
