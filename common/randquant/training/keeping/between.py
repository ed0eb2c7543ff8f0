"""Weights between two trainings of one network.

Source: Wortsman et al., "Robust fine-tuning of zero-shot models" (WiSE-FT, CVPR 2022): what lies between the weights
that a network was fine-tuned from and those it ended with keeps more of what it knew, and often beats both.
"""

from collections.abc import Mapping

from torch import Tensor, nn

State = Mapping[str, Tensor]


def between(start: State, end: State, share: float) -> dict[str, Tensor]:
    """start + share (end - start), the statistics of batch norm alike.

    Args:
        start: tensors by name.
        end: the same names and shapes.
        share: 0 gives the very bits of the start, 1 those of the end; so do numbers that are counts at the end.
    """
    if share in (0.0, 1.0):
        return dict(end if share else start)
    return {name: start[name].lerp(value, share) if value.is_floating_point() else value for name, value in end.items()}


def copied(encoder: nn.Module) -> State:
    """The tensors of an encoder as they are now."""
    return {name: value.detach().clone() for name, value in encoder.state_dict().items()}
