"""config.yaml of a run, read fast: most of its lines stand in the next run's file too."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

_NEXT_KEY = re.compile(r"\n(?=[A-Za-z_])")  # what begins otherwise goes on with the value before it


def read_settings(file: Path) -> dict[str, Any]:
    """The settings in a config.yaml.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds no settings of a training of ours.
    """
    try:
        found = _parsed(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"it is no YAML: {' '.join(str(error).split())}") from None
    if "method" not in found or "seed" not in found:
        raise ValueError("it holds no settings of a training of ours")
    return found


def _parsed(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for block in _NEXT_KEY.split(text.rstrip("\n")):
        value = _block(block)
        if not isinstance(value, dict):  # anchors, comments, a file that somebody has written by hand
            whole = yaml.safe_load(text)
            return whole if isinstance(whole, dict) else {}
        found |= value
    return {str(name): value for name, value in found.items()}


@lru_cache(maxsize=4096)
def _block(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None
