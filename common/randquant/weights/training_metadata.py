"""What a file of weights says of the training behind it, whatever the modality."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from randquant.policies.planned import Planned

_SETTINGS = ("method", "augment", "seed")
_START = ("init", "init_sha256")  # where there is one


class _Pretraining(Protocol):
    """The settings of a training of any modality."""

    method: str
    augment: str
    seed: int
    views: list[Any]
    init: str | None

    def planned(self) -> Sequence[Planned[Any]]: ...


def metadata_of_run(settings: _Pretraining, step: int) -> dict[str, Any]:
    """The metadata of a training that has come to a step, with the names of its views where it has policies."""
    about = {"step": step, **{name: getattr(settings, name) for name in _SETTINGS}}
    if settings.init is not None:
        about |= {name: getattr(settings, name) for name in _START}
    if settings.views:
        about["views"] = ", ".join(each.view.title for each in settings.planned())
    return about


def metadata_of_checkpoint(saved: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of a training checkpoint of ours.

    Raises:
        KeyError, TypeError: it is damaged.
    """
    settings = saved["settings"]
    about = {"step": saved["step"], **{name: settings[name] for name in _SETTINGS}}
    return about | ({name: settings[name] for name in _START} if settings.get("init") is not None else {})
