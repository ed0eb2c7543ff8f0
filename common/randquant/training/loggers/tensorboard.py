"""TensorBoard: RUN/tensorboard."""

from collections.abc import Mapping

from randquant.extras import needs
from randquant.training.loggers.logger import LoggedRun, Logger


class TensorBoard(Logger):
    """Event files in the folder of the run; steps after the one it goes on from are dropped."""

    def __init__(self, run: LoggedRun) -> None:
        with needs("train"):
            from torch.utils.tensorboard import SummaryWriter
        self._board = SummaryWriter(str(run.folder / "tensorboard"), purge_step=run.start + 1 if run.start else None)

    def numbers(self, step: int, numbers: Mapping[str, float]) -> None:
        for name, value in numbers.items():
            self._board.add_scalar(name, value, step)

    def close(self, *, finished: bool) -> None:
        self._board.close()
