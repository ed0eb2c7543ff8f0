"""The views of a training, each with the settings that it has, and the policies made from them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from randquant.policies.reading import Vocabulary, read_views
from randquant.policies.view_policy import ViewPolicy

if TYPE_CHECKING:
    from randquant.training.settings import Training

R = TypeVar("R", bound="Training")
P = TypeVar("P")


class Planned(NamedTuple, Generic[R]):
    """A view, and the settings of the training as this view has them."""

    view: ViewPolicy
    settings: R


def planned(run: R, vocabulary: Vocabulary, local: Mapping[str, Any]) -> list[Planned[R]]:
    """The views of a training.

    Args:
        run: its settings.
        vocabulary: of the modality.
        local: settings of a local view that says nothing else, such as its size.

    Raises:
        ValueError: in a sentence that names the flag.
    """
    views = read_views(run.views, vocabulary, run.augment)  # type: ignore[attr-defined]
    return [_planned(run, view, local if view.local else {}) for view in views]


def _planned(run: R, view: ViewPolicy, defaults: Mapping[str, Any]) -> Planned[R]:
    view = replace(view, settings={**defaults, **view.settings})
    try:
        own = replace(run, augment=view.augment, views=[], **view.settings)  # type: ignore[call-arg]
    except ValueError as error:
        raise ValueError(f"--views ({view.title}): {error}") from None
    return Planned(view, own)


def made_once(views: Sequence[Planned[R]], make: Callable[[Planned[R]], P]) -> tuple[list[P], list[P]]:
    """What is made of the global and of the local views, the same object for equal views."""
    made: dict[str, P] = {}
    for each in views:
        made.setdefault(_key(each.view), make(each))
    return parted(views, [made[_key(each.view)] for each in views])


def parted(views: Sequence[Planned[R]], made: Sequence[P]) -> tuple[list[P], list[P]]:
    """What was made of each view: of the global ones, and of the local ones."""
    pairs = list(zip(views, made, strict=True))
    whole, local = ([each for planned, each in pairs if planned.view.local is wanted] for wanted in (False, True))
    return whole, local


def written(views: Sequence[Planned[R]]) -> list[str | dict[str, Any]]:
    """The views in full, as settings and checkpoints hold them."""
    return [each.view.written() for each in views]


def _key(view: ViewPolicy) -> str:
    return json.dumps(replace(view, name=None).written(), sort_keys=True)
