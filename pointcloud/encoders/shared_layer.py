"""The layer that all points share."""

from torch import Tensor, nn
from torch.nn import functional as F


class SharedLayer(nn.Module):
    """Linear, batch norm over everything but the last dimension, ReLU: (..., C) -> (..., C').

    Args:
        inputs: C.
        outputs: C'.
        activated: whether the ReLU is there.
    """

    def __init__(self, inputs: int, outputs: int, activated: bool = True) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs)
        self.activated = activated

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to every row."""
        x = self.norm(self.linear(x).flatten(0, -2)).view(*x.shape[:-1], -1)
        return F.relu(x) if self.activated else x
