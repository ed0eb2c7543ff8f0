"""trackio: TRACKIO_PROJECT and TRACKIO_DIR say where; by default a local database."""

import os
import secrets
from collections.abc import Mapping

from randquant.extras import needs
from randquant.training.loggers.logger import PROJECT, LoggedRun, Logger


class Trackio(Logger):
    """A run of trackio, which is known by its name alone."""

    def __init__(self, run: LoggedRun) -> None:
        with needs("trackio"):
            import trackio
        self.id = run.id or f"{run.name}-{secrets.token_hex(3)}"
        project = os.environ.get("TRACKIO_PROJECT", PROJECT)
        self._run = trackio.init(
            project=project, name=self.id, config=dict(run.settings), resume="allow", embed=False, auto_log_gpu=False
        )

    def numbers(self, step: int, numbers: Mapping[str, float]) -> None:
        self._run.log(dict(numbers), step=step)

    def close(self, *, finished: bool) -> None:
        self._run.finish()
