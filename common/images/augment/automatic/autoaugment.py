"""AutoAugment: one of 25 pairs of operations that a search found."""

from randquant.images.augment.automatic.found_policies import POLICIES, PolicyName, Step
from randquant.images.augment.automatic.operation import KINDS, Operation
from randquant.policies.one_of import InTurn, OneOf
from randquant.policies.strength import Strength

STRONGEST = 9


class AutoAugment(OneOf):
    """Apply to each picture one of 25 pairs of operations, each operation with its own probability and strength.

    Args:
        found_on: data of the search, "imagenet" or "cifar10".

    Raises:
        ValueError: another name.

    Source: Cubuk et al., "AutoAugment", CVPR 2019; operations and ranges as in torchvision.
    """

    def __init__(self, found_on: PolicyName = "imagenet") -> None:
        if found_on not in POLICIES:
            raise ValueError(f"found_on should be one of {', '.join(POLICIES)}, got {found_on!r}.")
        super().__init__(*(InTurn(_operation(first), _operation(second)) for first, second in POLICIES[found_on]))
        self.found_on = found_on


def _operation(step: Step) -> Operation:
    name, probability, strength = step
    share = strength / STRONGEST
    return Operation(KINDS[name], Strength(share, share), probability)
