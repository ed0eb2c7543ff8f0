"""The precision in which a network computes, by its names."""

from collections.abc import Mapping
from typing import Literal

InForce = Literal["32", "bf16"]
Precision = Literal["auto", "32", "bf16"]


def said(precision: str) -> Mapping[str, str]:
    """What the identity of features says of it: nothing for 32, the only one that earlier versions had."""
    return {} if precision == "32" else {"precision": precision}
