"""One view of a training: which augmentations make it, and which settings are its own.

Written in YAML, and so in `views:` and on the command line, a view is the name of a policy, augmentations joined by +,
a YAML file that holds a policy, or a policy in full:

    views:
      - rrc+rq                                     # as --augment names them
      - byola                                      # the policy that the modality's folder `policies` has in byola.yaml
      - searched.yaml                              # any other file
      - {augment: rrc, random: {n: 2, m: 9}}       # then 2 operations of strength 9, others for every sample
      - {augment: rrc, table: [[[gain, 0.8, 3], [noise, 0.2, 7]], [[rq, 1.0, 5]]]}
      - {augment: rrc+rq, local: true, rq_bins: [8, 32]}

A table is a list of sub-policies, of which every sample draws one; a sub-policy is a list of [operation, probability,
strength], applied in turn (AutoAugment's form: Cubuk et al., CVPR 2019). Strengths are 0 to 10. What else a view says
are settings of the training, for this view alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from randquant.policies.strength import Strength

if TYPE_CHECKING:
    from randquant.augmentation import Augmentation
    from randquant.policies.one_of import Choices

S = TypeVar("S")
Make = Callable[[str, Strength], "Augmentation"]  # an operation by its name and strength


@dataclass(frozen=True)
class RandomOperations:
    """As RandAugment: n operations of strength m, drawn for every sample, each time from all.

    Attributes:
        n: how many, one after the other.
        m: strength from 0 to 10, or (lowest, highest) to draw it too.
        operations: names of those to draw from.
    """

    n: int
    m: float | tuple[float, float]
    operations: tuple[str, ...]


class Step(NamedTuple):
    """An operation of a table: its name, its probability in [0, 1] and its strength, as `RandomOperations.m`."""

    operation: str
    p: float
    m: float | tuple[float, float]


@dataclass(frozen=True)
class ViewPolicy:
    """A view.

    Attributes:
        augment: augmentations joined by +, or none.
        name: that it is called by; None for what it does.
        random: operations drawn after these augmentations.
        table: sub-policies, one of which is drawn after that.
        local: whether it shows a part of the item, to be told from the whole.
        settings: of the training, by name, with the values that this view has.
    """

    augment: str
    name: str | None = None
    random: RandomOperations | None = None
    table: tuple[tuple[Step, ...], ...] = ()
    local: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Its name, or what it does."""
        parts = [self.augment] if self.augment != "none" or not (self.random or self.table) else []
        parts += [] if self.random is None else [f"{self.random.n} of strength {_shown(self.random.m)}"]
        parts += ["table"] if self.table else []
        return self.name or ("local " if self.local else "") + "+".join(parts)

    def written(self) -> str | dict[str, Any]:
        """As `views:` takes it, complete: the text of plain augmentations, else every key."""
        said: dict[str, Any] = {} if self.name is None else {"name": self.name}
        said["augment"] = self.augment
        if self.random is not None:
            drawn = self.random
            said["random"] = {"n": drawn.n, "m": _plain(drawn.m), "operations": list(drawn.operations)}
        if self.table:
            said["table"] = [[[each.operation, each.p, _plain(each.m)] for each in steps] for steps in self.table]
        said |= {"local": True} if self.local else {}
        said |= {name: _plain(value) for name, value in self.settings.items()}
        return self.augment if list(said) == ["augment"] else said

    def choices(self, make: Make, forms: "Choices | None" = None) -> "list[Augmentation]":
        """What is drawn after the view's augmentations: n random operations, then a sub-policy of the table."""
        from randquant.policies.one_of import Choices  # late, since it loads torch, which --help does not need

        forms = forms or Choices()
        layers: list[Augmentation] = []
        if self.random is not None:
            operations = [make(name, Strength.of(self.random.m)) for name in self.random.operations]
            layers += [forms.one_of(*operations) for _ in range(self.random.n)]
        if self.table:
            layers.append(forms.one_of(*(self._in_turn(steps, make, forms) for steps in self.table)))
        return layers

    def _in_turn(self, steps: Sequence[Step], make: Make, forms: "Choices") -> "Augmentation":
        made = (forms.sometimes(make(step.operation, Strength.of(step.m)), step.p) for step in steps)
        return forms.in_turn(*made)


def _shown(m: float | tuple[float, float]) -> str:
    return " to ".join(f"{each:g}" for each in m) if isinstance(m, tuple) else f"{m:g}"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
