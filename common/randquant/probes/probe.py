"""The interface of a probe, as `randquant.probes.registry` holds it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

import torch

from randquant.data.features import Items
from randquant.probes.outcome import Details, Outcome

S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)


class Evaluate(Protocol[S_contra]):
    """The function that evaluates features."""

    def __call__(self, features: Any, settings: S_contra, *, seed: int, device: str | torch.device) -> Outcome[Any]:
        """Fit on train, choose on validation, score on test.

        Where the data name no validation split, a part of train is held out to choose on. With folds, one choice is
        made for all of them.

        Args:
            features: (n, D) with labels and splits; or one for each of `randquant.probes.items.splits.assignments`.
            settings: of the probe.
            seed: of the first repeat, in every fold.
            device: where to compute; the features in use have to fit there.

        Raises:
            DataError: the features cannot be probed (`randquant.probes.items.splits.assignments`).
        """


@dataclass(frozen=True)
class Probe(Generic[S]):
    """A probe of frozen features.

    Attributes:
        evaluate: computes it.
        settings: a frozen dataclass; a command replaces them by settings of the same class.
        details: what an outcome says of itself; its `how` puts a number into words.
        own: names of the settings that make the probe what it is, which no command replaces.
        require: refuses items that could not be probed, before anything is computed.
        saves: whether there is one fitted classifier to save, where there are no folds.
    """

    evaluate: Evaluate[S]
    settings: S
    details: type[Details]
    own: tuple[str, ...] = ()
    require: Callable[[Items, S], object] = lambda items, settings: None
    saves: bool = True

    def with_settings(self, given: Sequence[object]) -> "Probe[S]":
        """The same probe with those of the `given` settings that are of its kind."""
        kept = {name: getattr(self.settings, name) for name in self.own}
        for each in given:
            if type(each) is type(self.settings):
                return replace(self, settings=replace(each, **kept))  # type: ignore[type-var]  # they are dataclasses
        return self
