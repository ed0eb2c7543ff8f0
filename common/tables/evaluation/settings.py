"""The settings of an evaluation on tables."""

from dataclasses import dataclass, field
from typing import Literal

from randquant.evaluation.probing import Probing

BaselineName = Literal["raw", "trees"]


@dataclass
class TableProbing(Probing):
    """Probe an encoder of tables on labelled stores.

    Args:
        checkpoint: run folder, weights file, untrained:MLP:WIDTH, or python:MODULE:FUNCTION, which runs your own code.
        task: stores of tables with labels and splits or folds, as `python -m scripts.prepare table` writes them.
        probes: probes to run, by default ridge and linear.
        robustness: also classify test rows with noise, missing cells and rounded numbers, by the classifiers of clean
            ones.
        baselines: what stands beside the encoder: raw, the same probes of the columns themselves; trees,
            gradient-boosted trees of them.
    """

    baselines: list[BaselineName] = field(default_factory=list)
