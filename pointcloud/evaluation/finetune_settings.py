"""How an encoder is fine-tuned."""

from dataclasses import dataclass

from randquant.cli.ranges import Range, check_ranges
from randquant.training.settings import RANGES as PRETRAINING

RANGES = {
    "points": Range(1, 2**20),
    "epochs": Range(1, 10**6),
    "warmup_epochs": Range(0, 10**6),
    "learning_rate": PRETRAINING["learning_rate"],
    "weight_decay": PRETRAINING["weight_decay"],
    "batch_size": Range(2, 2**20),
    "gradient_clip": Range(0, 1e12, above=True),
    "dropout": Range(0, 1),
    "label_share": Range(0, 1, above=True),
    "votes": Range(0, 10**4),
    "repeats": Range(1, 10**4),
}


@dataclass(frozen=True)
class FinetuneSettings:
    """How encoder and head are trained; the defaults are Point-MAE's.

    Attributes:
        points: of each shape.
        epochs: passes over the labelled shapes.
        warmup_epochs: of them, those in which the rate rises from 0.
        learning_rate: the highest, of AdamW.
        weight_decay: of all weights but biases and scales of norms.
        batch_size: shapes a step; fewer where there are fewer.
        gradient_clip: largest norm of all gradients together.
        dropout: in the head.
        label_share: of the labels that are used, in (0, 1], of train and of validation alike.
        votes: varied views of each test shape whose logits are averaged; 0 for none.
        repeats: trainings, with seeds seed, seed + 1, ...
    """

    points: int = 1024
    epochs: int = 300
    warmup_epochs: int = 10
    learning_rate: float = 5e-4
    weight_decay: float = 0.05
    batch_size: int = 32
    gradient_clip: float = 10.0
    dropout: float = 0.5
    label_share: float = 1.0
    votes: int = 10
    repeats: int = 3

    def __post_init__(self) -> None:
        check_ranges(self, RANGES, prefix="")
        if not self.warmup_epochs < self.epochs:
            raise ValueError(f"warmup_epochs should be below the {self.epochs} epochs, got {self.warmup_epochs}.")
        if self.dropout == 1:
            raise ValueError("dropout should be below 1, which leaves nothing to learn from.")
