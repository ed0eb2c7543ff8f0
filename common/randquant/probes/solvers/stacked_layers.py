"""Many small classifiers at once: a linear layer, or two with a ReLU between, for S lanes by L rates.

Parameters are a list weight, bias, weight, bias: weights (S, L, outputs, inputs) and biases (S, L, outputs). The rates
of a lane share its batch, so the first layer is one product of (S, b, D) by (S, D, L * outputs).
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

_SCORES = 2**25  # numbers a predicted chunk may give: 128 MB
_CHUNK = 8192  # rows predicted at a time


def initial_parameters(sizes: Sequence[int], generator: torch.Generator) -> list[Tensor]:
    """One classifier of layers sizes[0] -> sizes[1] -> ..., drawn as `torch.nn.Linear` does.

    Returns:
        Weights (outputs, inputs) and biases (outputs,) in turn, uniform within 1 / sqrt(inputs).
    """
    parameters = []
    for inputs, outputs in pairwise(sizes):
        bound = inputs**-0.5
        for shape in ((outputs, inputs), (outputs,)):
            parameters.append(torch.rand(shape, generator=generator).mul_(2 * bound).sub_(bound))
    return parameters


def forward(parameters: Sequence[Tensor], batch: Tensor) -> list[Tensor]:
    """What enters each layer and what leaves the last.

    Args:
        parameters: of S lanes by L rates.
        batch: (S, b, D).

    Returns:
        The batch, the hidden units (S, b, L, H) where there are any, and the logits (S, b, L, C).
    """
    weight, bias = parameters[:2]
    flat = torch.baddbmm(bias.flatten(1).unsqueeze(1), batch, weight.flatten(1, 2).mT)
    values = [batch, flat.unflatten(2, bias.shape[1:])]
    for weight, bias in zip(parameters[2::2], parameters[3::2], strict=True):
        values[-1] = values[-1].relu_()
        values.append(torch.einsum("sblh,slch->sblc", values[-1], weight) + bias.unsqueeze(1))
    return values


def backward(parameters: Sequence[Tensor], values: Sequence[Tensor], slope: Tensor) -> list[Tensor]:
    """Gradients of all parameters from that of the logits.

    Args:
        parameters: as in `forward`.
        values: what `forward` gave.
        slope: (S, b, L, C) gradient of the loss by the logits.
    """
    gradients: list[Tensor] = []
    for layer in reversed(range(2, len(parameters), 2)):
        inputs = values[layer // 2]
        gradients = [torch.einsum("sblc,sblh->slch", slope, inputs), slope.sum(dim=1), *gradients]
        slope = torch.einsum("sblc,slch->sblh", slope, parameters[layer]).mul_(inputs > 0)
    first = torch.bmm(slope.flatten(2).mT, values[0]).view_as(parameters[0])
    return [first, slope.sum(dim=1), *gradients]


def predict(x: Tensor, rows: Tensor | slice, parameters: Sequence[Tensor]) -> Tensor:
    """Class ids (S, m) that S classifiers (S, ...) give to the m selected rows of x (n, D)."""
    stacked = [parameter.unsqueeze(0) for parameter in parameters]
    widest = max(bias.numel() for bias in parameters[1::2])
    pieces = x[rows].split(max(1, min(_CHUNK, _SCORES // widest)))
    return torch.cat([forward(stacked, piece.unsqueeze(0))[-1][0].argmax(dim=-1) for piece in pieces]).T


def absorb(parameters: Sequence[Tensor], scale: Tensor, offset: Tensor) -> list[Tensor]:
    """Parameters (..., outputs, D) that give to x what these give to x * scale + offset, both (D,)."""
    weight, bias, *rest = parameters
    return [weight * scale, bias + weight @ offset, *rest]
