"""Stochastic gradient descent over many classifiers at once, as the linear evaluations of pictures are trained."""

import torch
from torch import Tensor

MOMENTUM = 0.9


class StackedSGD:
    """SGD with momentum as `torch.optim.SGD` computes it, over parameters of S lanes by R rates.

    Args:
        parameters: tensors (S, R, ...), changed in place.
        learning_rates: (R,) rates.
        weight_decay: L2 term added to the gradient.

    Attributes:
        factor: of all rates, as a schedule sets it.
    """

    def __init__(self, parameters: list[Tensor], learning_rates: list[float], weight_decay: float) -> None:
        self.parameters = parameters
        self.velocities = [torch.zeros_like(parameter) for parameter in parameters]
        self.learning_rates = torch.tensor(learning_rates).to(parameters[0])
        self.weight_decay, self.factor = weight_decay, 1.0

    def step(self, gradients: list[Tensor], lanes: list[int] | None = None) -> None:
        """Take one step in all lanes, or in those listed only.

        Args:
            gradients: shaped as the parameters of these lanes; overwritten.
            lanes: those that have a gradient.
        """
        chosen = slice(None) if lanes is None else lanes
        for parameter, velocity, gradient in zip(self.parameters, self.velocities, gradients, strict=True):
            if self.weight_decay:
                gradient.add_(parameter[chosen], alpha=self.weight_decay)
            rates = self.learning_rates[(...,) + (None,) * (parameter.ndim - 2)]
            velocity[chosen] = velocity[chosen] * MOMENTUM + gradient
            parameter[chosen] -= self.factor * rates * velocity[chosen]

    def keep(self, lanes: list[int], rates: list[int]) -> None:
        """Go on with these lanes and rates alone, by their present positions."""
        self.parameters = [parameter[lanes][:, rates] for parameter in self.parameters]
        self.velocities = [velocity[lanes][:, rates] for velocity in self.velocities]
        self.learning_rates = self.learning_rates[rates]
