"""The commands that are run again, by the names that records give them."""

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from randquant.cli.command import call_of, call_with
from randquant.errors import DataError
from randquant.files.json_record import Json

_PROBES = {
    "probe_audio": "probe",
    "evaluate_modelnet": "evaluate",
    "probe_images": "probe",
    "probe_table": "probe_table",
}
# By modality: the kind of the stores, and what the header of an encoder says.
_PROBINGS = {
    "audio": "probe_audio",
    "points": "evaluate_modelnet",
    "images": "probe_images",
    "tables": "probe_table",
}
_TRAININGS = {
    "audio": "pretrain_audio",
    "points": "pretrain_pointcloud",
    "images": "pretrain_images",
    "tables": "pretrain_table",
}


def probing_command(modality: str) -> str | None:
    """The name of the command that probes encoders of a modality; None where none does."""
    return _PROBINGS.get(modality)


def data_flag(name: str) -> str:
    """The flag with which a command that probes takes its stores."""
    return "store" if name == "evaluate_modelnet" else "task"


def probe_call(name: str, settings: Mapping[str, Json]) -> Callable[[], Any]:
    """The call of a command that probes.

    Raises:
        DataError: there is none of this name.
        UsageError: it does not take these settings.
    """
    if name not in _PROBES:
        raise DataError(f"{name} is not a command of this version; use the version that wrote the result.")
    return call_with(_function(name, _PROBES[name]), settings)


def training_call(modality: str, flags: list[str]) -> Callable[[], Any]:
    """The call of the command that trains encoders of a modality.

    Raises:
        DataError: none does.
        UsageError: it does not take these flags.
    """
    name = _TRAININGS.get(modality)
    if name is None:
        raise DataError(f"encoders of {modality} are not trained by this version; use the version that wrote the run.")
    return call_of(_function(name, name), flags)


def words(settings: Mapping[str, Json]) -> list[str]:
    """Settings as flags on a command line; those that are None or empty are left out.

    >>> words({"seeds": 3, "probes": ["knn", "svm"], "points": None})
    ['--seeds', '3', '--probes', 'knn', 'svm']
    """
    flags: list[str] = []
    for name, value in settings.items():
        values = value if isinstance(value, list | tuple) else [value]
        if values and value is not None:
            flags += [f"--{name}", *map(str, values)]
    return flags


def _function(module: str, name: str) -> Callable[..., Any]:
    found = getattr(import_module(f"randquant.scripts.{module}"), name)
    assert inspect.isfunction(found)
    return found
