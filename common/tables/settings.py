"""The settings of pretraining on tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from randquant.cli.ranges import Range, check_ranges, check_rising
from randquant.policies.planned import Planned, made_once, planned, written
from randquant.policies.reading import Vocabulary
from randquant.policies.view_policy import ViewPolicy
from randquant.quantizers.choices import MOST_BINS
from randquant.ssl.registry import MethodName
from randquant.tables.encoders.registry import EncoderName
from randquant.training.optimization.schedule import RateSchedule
from randquant.training.settings import Training, store_paths

if TYPE_CHECKING:
    from torch import Tensor

    from randquant.views import Policy
    from randquant.weights.start import Start

RANGES = {
    "width": Range(1, 2**12),
    "rq_bins": Range(2, MOST_BINS),
    "rq_p": Range(0, 1),
    "input_drop": Range(0, 0.99),
}
_OWN = ("rq_bins", "rq_p", "rq_over", "input_drop")  # what a view may have of its own
FOLDER = Path(__file__).parent / "policies"
Split = Literal["train", "valid", "test"]
Over = Literal["batch", "training", "quantiles"]


@dataclass
class TablePretraining(Training):
    """Pretrain an encoder on the unlabelled rows of a table.

    Args:
        data: stores to learn from, as `python -m scripts.prepare table` writes them; labels are not read.
        splits: splits to train on; rows without a split are always used.
        monitor: labelled store on whose validation split kNN follows the training; never used for training.
        augment: rq (randomized quantization of every column), or none.
        encoder: architecture.
        width: factor of its layers; the embedding has 32 times as many numbers. 64 is i-Mix's.
        rq_bins: bins of a column's quantizer: one number, or the lowest and highest of a range.
        rq_p: probability that a row is quantized.
        rq_over: where the bins of a column lie: over its values in the batch, shared by all rows; or over its range in
            training, or over the ranks of its values there (quantiles), drawn for every cell.
        input_drop: probability that a number of a row is set to zero, the column's mean.
    """

    USED_BY: ClassVar[Mapping[str, tuple[str, ...]]] = dict.fromkeys(("rq_bins", "rq_p", "rq_over"), ("rq",))

    method: MethodName = "infonce"
    batch_size: int = 512
    learning_rate: float = 1e-3
    schedule: RateSchedule = "cosine"
    temperature: float = 0.1
    hidden_size: int = 512
    projection_size: int = 128
    data: list[Path] = field(default_factory=list)
    splits: list[Split] = field(default_factory=lambda: ["train", "valid"])
    monitor: Path | None = None
    augment: str = "rq"
    encoder: EncoderName = "MLP"
    width: int = 8
    rq_bins: list[int] = field(default_factory=lambda: [8])
    rq_p: float = 1.0
    rq_over: Over = "batch"
    input_drop: float = 0.0

    def __post_init__(self) -> None:
        from torch import zeros

        from randquant.tables.augment.column_quantization import RANKS

        super().__post_init__()
        self.data = store_paths(self.data)
        if self.augment not in ("rq", "none"):
            raise ValueError(f"--augment should be rq or none, got {self.augment!r}; --input_drop is its own flag.")
        check_ranges(self, RANGES)
        check_rising(self, "rq_bins")
        if self.mix == "cutmix":
            raise ValueError("--mix cutmix cuts a part out of pictures or sound, and a row has no parts; use mixup.")
        if self.rq_stage == "input":
            raise ValueError("--rq_stage input quantizes pictures, log-mels and clouds; give --augment rq or a stage.")
        self.policy(zeros(1, RANKS + 1))  # the augmentations check their own arguments
        self.views = written(self.planned()) if self.views else []

    @staticmethod
    def open_start(name: str) -> "Start[Any]":
        """As `Training.open_start`."""
        from randquant.tables.start import open_start

        return open_start(name)

    def planned(self) -> "list[Planned[TablePretraining]]":
        """Every view with the settings that it has."""
        from randquant.tables.augment.registry import OPERATIONS

        vocabulary = Vocabulary(TablePretraining, _OWN, [], ["none", "rq"], list(OPERATIONS), FOLDER)
        views = planned(self, vocabulary, {})
        for each in views:
            if each.view.local:
                raise ValueError(f"--views ({each.view.title}): a row has no parts to be a local view; leave it out.")
        return views

    def view_policies(self, quantiles: "Tensor") -> "list[Policy]":
        """The policies of the views, for columns with these quantiles."""
        return made_once(self.planned(), lambda each: each.settings.view_policy(each.view, quantiles))[0]

    def view_policy(self, view: ViewPolicy, quantiles: "Tensor") -> "Policy":
        """The augmentations of a view that has these settings."""
        from randquant.tables.augment.registry import OPERATIONS
        from randquant.views import Policy

        drawn = view.choices(lambda name, strength: OPERATIONS[name](self, strength, quantiles))
        return Policy(*self.policy(quantiles), *drawn)

    def policy(self, quantiles: "Tensor") -> "Policy":
        """The augmentations of one view, in the order they are applied."""
        from randquant.tables.augment.registry import AUGMENTATIONS
        from randquant.views import Policy

        asked = {"rq": self.augment == "rq", "drop": self.input_drop > 0}
        made = {name: make(self, quantiles) for name, make in AUGMENTATIONS.items()}
        return Policy(*(made[name] for name in made if asked[name]))
