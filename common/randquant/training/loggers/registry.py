"""The loggers by name. Their packages are imported when one is made, and never where none is asked for."""

from collections.abc import Sequence
from importlib.util import find_spec
from pkgutil import resolve_name
from typing import Literal

from randquant.training.loggers.logger import LoggedRun, Logger

LoggerName = Literal["csv", "tensorboard", "wandb", "mlflow", "trackio"]
CSV: LoggerName = "csv"  # RUN/log.csv, which is written always
_MADE_BY = {"tensorboard": "TensorBoard", "wandb": "Wandb", "mlflow": "MLflow", "trackio": "Trackio"}


def check_installed(names: Sequence[str]) -> None:
    """Refuse loggers whose package is missing, before anything is done.

    Raises:
        ValueError: one is.
    """
    missing = [name for name in names if name != CSV and find_spec(name) is None]
    if missing:
        extra = "train" if missing[0] == "tensorboard" else missing[0]
        raise ValueError(f"--logger {missing[0]} needs its package; type: pip install 'randquant[{extra}]'")


def make_logger(name: str, run: LoggedRun) -> Logger:
    """The logger of that name, begun."""
    logger: Logger = resolve_name(f"randquant.training.loggers.{name}:{_MADE_BY[name]}")(run)
    return logger
