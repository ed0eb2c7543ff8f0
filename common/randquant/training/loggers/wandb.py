"""Weights & Biases: WANDB_PROJECT and WANDB_MODE=offline are its own variables; files go to RUN/wandb."""

import os
from collections.abc import Mapping

from randquant.extras import needs
from randquant.training.loggers.logger import PROJECT, LoggedRun, Logger


class Wandb(Logger):
    """A run of Weights & Biases."""

    def __init__(self, run: LoggedRun) -> None:
        with needs("wandb"):
            import wandb
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=run.name,
            id=run.id,
            resume="allow",
            dir=str(run.folder),
            config=dict(run.settings),
        )
        self.id = self._run.id

    def numbers(self, step: int, numbers: Mapping[str, float]) -> None:
        self._run.log(dict(numbers), step=step)

    def close(self, *, finished: bool) -> None:
        self._run.finish(exit_code=0 if finished else 1)
