"""Randomized quantization (RQ) and self-supervised learning around it.

    from randquant import RandomizedQuantization

    augment = RandomizedQuantization(bins=8, dim=(-2, -1))   # images (..., C, H, W)

Importing the package needs torch and numpy alone; training, stores and probes load their own libraries where used.
"""

from randquant.quantize import QuantizationParams, RandomizedQuantization, randomized_quantization

__all__ = ["QuantizationParams", "RandomizedQuantization", "randomized_quantization"]
__version__ = "0.1.0"
