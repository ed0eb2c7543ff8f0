"""Find NaN and infinite values, as a diverged training has."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor


def first_not_finite(value: Any, name: str = "") -> str | None:
    """The dotted name of the first tensor with a NaN or an infinity in nested mappings and sequences; None if none.

    >>> import torch
    >>> first_not_finite({"method": {"bias": torch.zeros(2), "weight": torch.tensor([1.0, float("nan")])}})
    'method.weight'
    """
    if isinstance(value, Tensor):
        # The sum tells it for most tensors without a mask of their size; an overflow is looked at again.
        broken = value.is_floating_point() and not bool(value.sum().isfinite()) and not bool(value.isfinite().all())
        return name or "the tensor" if broken else None
    if isinstance(value, Mapping):
        items = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        items = [(str(place), item) for place, item in enumerate(value)]
    else:
        return None
    found = (first_not_finite(item, f"{name}.{key}" if name else key) for key, item in items)
    return next((each for each in found if each is not None), None)
