"""The maximal update parametrization (muP): settings found on a narrow network hold for wide ones.

A parameter's rate and initial size follow the dimensions of it that grow with the width. Two widths grow: the
encoder's and the hidden layers' of the heads; the projections do not, so the last layer of each head is a readout,
whose input is divided by the width. At the base widths all is as in the standard parametrization.

Source: Yang et al., "Tensor Programs V", NeurIPS 2021; the package mup.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from randquant.errors import UsageError
from randquant.extras import needs
from randquant.ssl.method import Method
from randquant.ssl.registry import make_method
from randquant.training.settings import Training

OfWidth = Callable[[int], Any]  # a width -> the encoder, on torch's default device
Shapes = Mapping[str, torch.Size]


class Readout(nn.Linear):
    """A linear layer from a dimension that grows with the width to one that does not.

    It takes the place of `mup.MuReadout`, whose factor is lost where a network is copied.

    Args:
        linear: whose weights it takes over, multiplied by the root of `growth`.
        growth: the width over the base width, by which the input is divided.
    """

    def __init__(self, linear: nn.Linear, growth: float) -> None:
        with torch.device("meta"):  # draws nothing
            super().__init__(linear.in_features, linear.out_features, bias=linear.bias is not None)
        self.weight, self.bias, self.growth = linear.weight, linear.bias, growth
        with torch.no_grad():
            self.weight *= growth**0.5

    def forward(self, x: Tensor) -> Tensor:
        """(..., in_features) -> (..., out_features)."""
        return super().forward(x / self.growth)

    def extra_repr(self) -> str:
        """With the factor."""
        return f"{super().extra_repr()}, growth={self.growth:g}"


def base_shapes(settings: Training, of_width: OfWidth | None) -> dict[str, Any]:
    """Of each parameter of a method: its dimensions that grow with a width, and how large they are at the base widths.

    Args:
        settings: of the training.
        of_width: makes its encoder of any width.

    Returns:
        Name of the parameter -> a `mup.InfShape` without the sizes of this method.

    Raises:
        UsageError: the encoder's layers do not grow in proportion to its width, or it has none to choose.
        ImportError: mup is missing.
    """
    with needs("mup"):
        from mup.shape import make_base_shapes
    if of_width is None:
        raise _unsupported(settings, "its width cannot be chosen")
    base, double, fourfold = (_shapes(settings, of_width, factor) for factor in (1, 2, 4))
    for name, shape in base.items():
        for size, twice, four_times in zip(shape, double[name], fourfold[name], strict=True):
            # Such as coordinates beside features: no one rate suits the weights of both.
            if (twice, four_times) not in ((size, size), (2 * size, 4 * size)):
                raise _unsupported(settings, f"{name} takes what grows with the width beside what does not")
    return make_base_shapes(dict(base), dict(double))


def parametrize(method: Method, settings: Training, of_width: OfWidth | None) -> None:
    """Make a method, as it was initialised, one of muP: readouts, initial sizes, and `infshape` at each parameter.

    The parameters stay the same objects under the same names, so weights are saved and loaded as without it.

    Raises:
        UsageError: its encoder is not supported.
        ImportError: mup is missing.
    """
    shapes = base_shapes(settings, of_width)
    from mup.shape import set_base_shapes

    set_base_shapes(method, shapes, do_assert=False)  # biases take their sizes too
    for name, module in list(method.named_modules()):
        if isinstance(module, nn.Linear | nn.Conv2d):
            outputs, inputs = module.weight.infshape[:2]  # type: ignore[attr-defined]
            if inputs.isinf() and not outputs.isinf() and isinstance(module, nn.Linear):
                method.set_submodule(name, Readout(module, inputs.width_mult()))
            if outputs.isinf() and not inputs.isinf() and getattr(method.encoder, "initialised_by_fan_out", False):
                with torch.no_grad():
                    module.weight *= outputs.width_mult() ** 0.5  # its size no longer depends on the width


def _shapes(settings: Training, of_width: OfWidth, factor: int) -> Shapes:
    """Of the parameters at the base widths times a factor; nothing is allocated or drawn."""
    heads = replace(settings, parametrization="standard", hidden_size=settings.base_hidden_size * factor)
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        encoder = of_width(settings.base_width * factor)
        method = make_method(heads, encoder, encoder.embedding_size())
    if any("Attention" in type(part).__name__ for part in method.modules()):
        raise _unsupported(settings, "muP divides the logits of attention by the width, not by its root")
    return {name: parameter.shape for name, parameter in method.named_parameters()}


def _unsupported(settings: Training, reason: str) -> UsageError:
    return UsageError(
        f"--parametrization mup does not suit --encoder {getattr(settings, 'encoder', '')}: {reason}; "
        "choose another encoder or --parametrization standard."
    )
