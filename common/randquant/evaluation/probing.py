"""The flags of a command that probes a frozen encoder, the same for every modality."""

from dataclasses import dataclass
from pathlib import Path

from randquant.cli.ranges import SEEDS, Range, check_ranges
from randquant.precision import Precision
from randquant.probes.registry import ProbeName

RANGES = {"seed": SEEDS, "seeds": Range(1, 10**6)}


@dataclass
class Probing:
    """Probe a frozen encoder on labelled stores.

    Args:
        checkpoint: run folder, weights file, hf://OWNER/NAME, untrained:ENCODER:SIZE, or python:MODULE:FUNCTION, which
            runs your own code.
        task: stores with labels and splits or folds.
        out: JSON file to write (several tasks become a list under "results"), or a results folder to add to.
        probes: probes to run; the protocol's own by default. fewshot means 1, 5 and 10 labels per class, 1 % and 10 %
            of the labels.
        seeds: repeats of a probe that is trained, with seeds --seed, --seed + 1, ...; the protocol's number by
            default.
        learning_rates: of a probe that is trained, instead of the protocol's; of several, the best on validation.
        seed: of the first repeat and of an untrained encoder.
        cache: folder of features; ${RANDQUANT_CACHE:-~/.cache/randquant}/features by default.
        robustness: also ask the classifiers of clean items about changed test items, each change seeded by --seed.
        save_classifier: file for the fitted classifier of the first probe; of one task with train and test splits.
        device: auto, cpu or cuda.
        precision: of the network that computes features: 32, bf16, or auto (bf16 where the hardware computes it fast).
    """

    checkpoint: str
    task: list[Path]
    out: str
    probes: list[ProbeName] | None = None
    seeds: int | None = None
    learning_rates: list[float] | None = None
    seed: int = 42
    robustness: bool = False
    cache: Path | None = None
    save_classifier: Path | None = None
    device: str = "auto"
    precision: Precision = "32"

    def __post_init__(self) -> None:
        self.task = [Path(store) for store in self.task]
        if not self.task:
            raise ValueError("--task must name at least one store.")
        check_ranges(self, {name: allowed for name, allowed in RANGES.items() if getattr(self, name) is not None})

    @property
    def features_folder(self) -> Path:
        """The cache of features."""
        from randquant.data.features import default_cache  # late, since it loads torch

        return self.cache or default_cache()
