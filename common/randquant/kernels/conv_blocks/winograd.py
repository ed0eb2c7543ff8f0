"""Weights of a 3x3 convolution as the matrices of a tile's 16 places, and back; see `compiled/convolution/tiles.py`."""

import torch
from torch import Tensor

_MATRIX = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]])


def to_tiles(weight: Tensor) -> Tensor:
    """(16, inputs, outputs) from (outputs, inputs, 3, 3)."""
    places = _MATRIX @ weight.permute(1, 0, 2, 3) @ _MATRIX.T
    return places.permute(2, 3, 0, 1).reshape(16, *weight.shape[1::-1]).contiguous()


def to_weights(gradient: Tensor) -> Tensor:
    """The gradient of a weight (outputs, inputs, 3, 3) from that of its `to_tiles`."""
    places = gradient.permute(2, 1, 0).unflatten(2, (4, 4))
    return (_MATRIX.T @ places @ _MATRIX).contiguous()
