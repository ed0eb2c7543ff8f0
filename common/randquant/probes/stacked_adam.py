"""Adam for many small problems at once, each with its own learning rate and step count."""

import torch
from torch import Tensor

_BETAS = (0.9, 0.999)
_EPSILON = 1e-8


class StackedAdam:
    """Adam (Kingma and Ba, ICLR 2015) as `torch.optim.Adam` computes it, over parameters of S lanes by R rates.

    Args:
        parameters: tensors (S, R, ...), changed in place.
        learning_rates: (R,) rates.
        weight_decay: L2 term added to the gradient.
    """

    def __init__(self, parameters: list[Tensor], learning_rates: list[float], weight_decay: float) -> None:
        self.parameters = parameters
        self.moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]
        self.learning_rates = torch.tensor(learning_rates, dtype=torch.float64, device=parameters[0].device)
        self.weight_decay = weight_decay
        self.steps = torch.zeros(len(parameters[0])).to(self.learning_rates)  # a lane

    def step(self, gradients: list[Tensor], lanes: list[int] | None = None) -> None:
        """Take one step in all lanes, or in those listed only.

        Args:
            gradients: shaped as the parameters of these lanes; overwritten.
            lanes: those that have a gradient.
        """
        chosen = slice(None) if lanes is None else lanes
        self.steps[chosen] += 1
        taken = self.steps[chosen]
        root = (1 - _BETAS[1] ** taken).sqrt()[:, None]
        # step * m / (sqrt(v) / root + epsilon), with `root` moved out of the large tensors
        size = self.learning_rates / (1 - _BETAS[0] ** taken)[:, None] * root
        for parameter, moments, gradient in zip(self.parameters, self.moments, gradients, strict=True):
            state = (parameter[chosen], moments[0][chosen], moments[1][chosen])
            self._update(*state, gradient, size, root)
            if lanes is not None:  # the three were copies
                for whole, part in zip((parameter, *moments), state, strict=True):
                    whole[lanes] = part

    def keep(self, lanes: list[int], rates: list[int]) -> None:
        """Go on with these lanes and rates alone, by their present positions."""
        self.parameters = [p[lanes][:, rates] for p in self.parameters]
        self.moments = [(first[lanes][:, rates], second[lanes][:, rates]) for first, second in self.moments]
        self.learning_rates = self.learning_rates[rates]
        self.steps = self.steps[lanes]

    def _update(
        self, parameter: Tensor, first: Tensor, second: Tensor, gradient: Tensor, size: Tensor, root: Tensor
    ) -> None:
        def aligned(values: Tensor) -> Tensor:
            return values.to(parameter)[(...,) + (None,) * (parameter.ndim - values.ndim)]

        if self.weight_decay:
            gradient.add_(parameter, alpha=self.weight_decay)
        first.lerp_(gradient, 1 - _BETAS[0])
        second.mul_(_BETAS[1]).addcmul_(gradient, gradient, value=1 - _BETAS[1])
        change = torch.sqrt(second, out=gradient).add_(aligned(root * _EPSILON))
        parameter.addcmul_(torch.div(first, change, out=change), aligned(-size))
