"""The settings of pretraining on pictures: what each one means, and the augmentations they name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from randquant.cli.ranges import Range, check_ranges, check_rising
from randquant.images.augment.automatic.found_policies import PolicyName
from randquant.images.encoders.registry import ENCODERS, EncoderName
from randquant.policies.planned import Planned, parted, planned, written
from randquant.policies.reading import Vocabulary
from randquant.policies.view_policy import ViewPolicy
from randquant.quantizers.choices import MOST_BINS
from randquant.ssl.registry import MethodName
from randquant.training.settings import Training, store_paths

if TYPE_CHECKING:
    from randquant.views import Policy
    from randquant.weights.start import Start

_PROBABILITIES = (
    *("flip_p", "colour_p", "gray_p", "blur_p", "solarize_p"),
    *("clahe_p", "brightness_p", "equalize_p", "posterize_p", "rq_p"),
)
RANGES = {
    "width": Range(0, 64, above=True),
    "image_size": Range(8, 2**12),
    "crop_min": Range(0, 1, above=True),
    "crop_max": Range(0, 1, above=True),
    "colour": Range(0, 10),
    "blur_sigma": Range(0, 100, above=True),
    **dict.fromkeys(_PROBABILITIES, Range(0, 1)),
    "rq_bins": Range(2, MOST_BINS),
}
# What a view may have of its own.
_OWN = (
    *("crop_min", "crop_max", "flip_p", "randaugment", "autoaugment", "colour", "colour_p", "gray_p", "blur_p"),
    *("blur_sigma", "solarize_p", "clahe_p", "brightness_p", "equalize_p", "posterize_p"),
    *("rq_bins", "rq_p", "rq_first"),
)
FOLDER = Path(__file__).parent / "policies"
Split = Literal["train", "valid", "test"]


@dataclass
class ImagePretraining(Training):
    """Pretrain an encoder on unlabelled pictures.

    Args:
        data: stores to learn from, as `python -m scripts.prepare` writes them; labels are not read.
        splits: splits to train on; pictures without a split are always used.
        monitor: labelled store on whose validation split kNN follows the training; never used for training.
        augment: augmentations joined by +: rrc (random resized crop), flip, randaugment, autoaugment, trivial
            (TrivialAugment), colour (jitter of brightness, contrast, saturation and hue), gray, blur, solarize, clahe,
            brightness (and contrast), equalize, posterize, rq (randomized quantization); or none. They are applied in
            this order, whatever the order they are named in.
        encoder: architecture; small_cnn trains on a CPU.
        width: factor of the encoder's numbers of channels.
        image_size: side of a view in pixels. Without rrc a picture is scaled and its middle is taken.
        crop_min: least share of the picture's area that a crop has.
        crop_max: largest share of the picture's area that a crop has.
        flip_p: probability of mirroring.
        randaugment: number of operations and their strength from 0 to 10.
        autoaugment: data on which its policy was found, imagenet or cifar10.
        colour: strengths of brightness, contrast, saturation and hue.
        colour_p: probability of colour jitter.
        gray_p: probability of gray.
        blur_p: probability of blur, one for all views or one a view.
        blur_sigma: range of the blur's deviation in pixels.
        solarize_p: probability of solarization, one for all views or one a view.
        clahe_p: probability of contrast-limited adaptive histogram equalization.
        brightness_p: probability of a change of brightness and contrast.
        equalize_p: probability of equalization.
        posterize_p: probability of posterization.
        rq_bins: bins of a colour's quantizer: one number, or the lowest and highest of a range.
        rq_p: probability that a view is quantized.
        rq_first: quantize before everything else instead of after.
    """

    USED_BY: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **dict.fromkeys(("crop_min", "crop_max"), ("rrc",)),
        **{name: (name.removesuffix("_p"),) for name in _PROBABILITIES},
        **{name: (name,) for name in ("randaugment", "autoaugment", "colour")},
        "blur_sigma": ("blur",),
        **dict.fromkeys(("rq_bins", "rq_first"), ("rq",)),
    }

    method: MethodName = "mocov3"
    hidden_size: int = 512
    data: list[Path] = field(default_factory=list)
    splits: list[Split] = field(default_factory=lambda: ["train", "valid"])
    monitor: Path | None = None
    augment: str = "rrc+flip+rq"
    encoder: EncoderName = "small_cnn"
    width: float = 1.0
    image_size: int = 32
    crop_min: float = 0.08
    crop_max: float = 1.0
    flip_p: float = 0.5
    randaugment: tuple[int, int] = (2, 9)
    autoaugment: PolicyName = "imagenet"
    colour: tuple[float, float, float, float] = (0.4, 0.4, 0.2, 0.1)
    colour_p: float = 0.8
    gray_p: float = 0.2
    blur_p: list[float] = field(default_factory=lambda: [0.5])
    blur_sigma: tuple[float, float] = (0.1, 2.0)
    solarize_p: list[float] = field(default_factory=lambda: [0.2])
    clahe_p: float = 0.2
    brightness_p: float = 0.2
    equalize_p: float = 0.2
    posterize_p: float = 0.2
    rq_bins: list[int] = field(default_factory=lambda: [8])
    rq_p: float = 1.0
    rq_first: bool = False

    def __post_init__(self) -> None:
        from randquant.images.augment.policy import policy

        super().__post_init__()
        self.data = store_paths(self.data)
        check_ranges(self, RANGES)
        check_rising(self, "rq_bins")
        if self.crop_min > self.crop_max:
            raise ValueError(f"--crop_min {self.crop_min:g} should be at most --crop_max {self.crop_max:g}.")
        if self.blur_sigma[0] > self.blur_sigma[1]:
            raise ValueError(
                f"--blur_sigma takes the lower number first, got {self.blur_sigma[0]:g} {self.blur_sigma[1]:g}."
            )
        policy(self)  # the augmentations check their own arguments
        self.views = written(self.planned()) if self.views else []

    @staticmethod
    def open_start(name: str) -> "Start[Any]":
        """As `Training.open_start`."""
        from randquant.images.start import open_start

        return open_start(name)

    def planned(self) -> "list[Planned[ImagePretraining]]":
        """Every view with the settings that it has."""
        from randquant.images.augment.policy import augmentation_names
        from randquant.images.augment.registry import AUGMENTATIONS, OPERATIONS

        names = ["none", *AUGMENTATIONS]
        vocabulary = Vocabulary(ImagePretraining, _OWN, ["image_size"], names, list(OPERATIONS), FOLDER)
        size = max(8, 8 * round(self.image_size * 96 / 224 / 8))
        views = planned(self, vocabulary, {"image_size": size, "crop_min": 0.1, "crop_max": 0.3})
        for each in (each for each in views if each.view.local):
            if "rrc" not in augmentation_names(each.settings.augment):
                raise ValueError(f"--views ({each.view.title}): a local view of pictures is a crop; add rrc to it.")
            if not ENCODERS[self.encoder].any_size:
                raise ValueError(
                    f"--views ({each.view.title}): {self.encoder} takes pictures of one size, which a local view has "
                    "not; choose another --encoder, or leave out local views."
                )
        return views

    def policies(self) -> "tuple[list[Policy], list[Policy]]":
        """The augmentations of each global and of each local view."""
        views = self.planned()
        made = [each.settings.view_policy(each.view, number) for number, each in enumerate(views)]
        return parted(views, made)

    def view_policy(self, view: ViewPolicy, number: int) -> "Policy":
        """The augmentations of a view that has these settings and this number."""
        from randquant.images.augment.policy import policy
        from randquant.images.augment.registry import OPERATIONS
        from randquant.views import Policy

        return Policy(*policy(self, number), *view.choices(lambda name, strength: OPERATIONS[name](strength)))
