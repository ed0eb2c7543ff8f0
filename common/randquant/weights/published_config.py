"""config.json beside model.safetensors: the header of the weights, where the Hub and people can read it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from randquant.errors import DataError
from randquant.weights.own_header import own_header

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
CARD = "README.md"
LIBRARY = "randquant"


def config_of(header: Mapping[str, str]) -> dict[str, Any]:
    """The JSON of config.json, of the metadata in the header of a file of ours."""
    about = {key: value for key, value in header.items() if key != "config"}
    return {"library_name": LIBRARY, **about, **json.loads(header["config"])}


def require_ours(folder: Path) -> None:
    """Refuse a folder whose files of these names are not of ours, before any is replaced.

    Raises:
        DataError: it holds some.
    """
    found = [name for name in (WEIGHTS, CONFIG, CARD) if (folder / name).exists()]
    if found and not _is_ours(folder):
        raise DataError(
            f"{folder} holds {', '.join(found)} that randquant has not published; give an empty folder, or one that it "
            "has written."
        )


def _is_ours(folder: Path) -> bool:
    """Whether config.json or the weights say that they are; a save that was killed leaves the latter alone."""
    try:
        said = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        return isinstance(said, dict) and said.get("library_name") == LIBRARY
    except FileNotFoundError:
        pass
    except (OSError, ValueError, RecursionError):
        return False
    try:
        return own_header(folder / WEIGHTS) is not None
    except (OSError, ValueError):
        return False


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
