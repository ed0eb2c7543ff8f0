"""Randomized quantization (RQ) and self-supervised learning around it.

    from randquant import RandomizedQuantization

    augment = RandomizedQuantization(bins=8, dim=(-2, -1))   # images (..., C, H, W)

and every encoder in one call:

    import randquant

    vector = randquant.load("RUN")("recording.wav")

Importing the package needs torch and numpy alone; training, stores and probes load their own libraries where used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from randquant.loading.load import load
    from randquant.quantize import QuantizationParams, RandomizedQuantization, randomized_quantization

__all__ = ["QuantizationParams", "RandomizedQuantization", "load", "randomized_quantization"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # On first use, so that preparing data, in many processes, does not load torch: 2 s and 600 MB in each.
    if name not in __all__:
        raise AttributeError(f"module 'randquant' has no attribute {name!r}")
    return getattr(import_module("randquant.loading.load" if name == "load" else "randquant.quantize"), name)
