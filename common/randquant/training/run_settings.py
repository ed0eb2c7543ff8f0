"""The settings of a training as its run keeps them."""

from pathlib import Path
from typing import Any

from randquant.errors import DataError, one_line
from randquant.extras import needs

with needs("train"):
    import yaml

FILE_NAME = "config.yaml"


def is_run(path: Path) -> bool:
    """Whether a path is the folder of a training."""
    return (path / FILE_NAME).is_file() and not (path / "results.json").exists()


def read_settings(run: Path) -> dict[str, Any]:
    """The settings in the folder of a run; empty where its file holds none.

    Raises:
        DataError: the file cannot be read.
    """
    file = run / FILE_NAME
    try:
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise DataError(f"{file} is not YAML that can be read ({one_line(error)[:200]}); restore it.") from None
    return settings if isinstance(settings, dict) else {}
