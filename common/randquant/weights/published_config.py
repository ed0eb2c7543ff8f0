"""config.json beside model.safetensors: the header of the weights, where the Hub and people can read it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from randquant.errors import DataError

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
LIBRARY = "randquant"


def config_of(header: Mapping[str, str]) -> dict[str, Any]:
    """The JSON of config.json, of the metadata in the header of a file of ours."""
    about = {key: value for key, value in header.items() if key != "config"}
    return {"library_name": LIBRARY, **about, **json.loads(header["config"])}


def check_config(weights: Path, sha256: str | None) -> None:
    """Check that the config.json beside weights, if it is one of ours, is of these.

    Args:
        weights: model.safetensors.
        sha256: as its header says; None for weights of others.

    Raises:
        DataError: it is no JSON, or of other weights.
    """
    file = weights.parent / CONFIG
    if not file.is_file():
        return
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise DataError(f"{file} is damaged: it is no JSON; download or publish it again.") from None
    if isinstance(said, dict) and said.get("library_name") == LIBRARY and said.get("sha256") != sha256:
        raise DataError(f"{file} is of other weights than {weights.name} beside it; download or publish both again.")
