"""The small networks behind an encoder that only pretraining uses."""

from torch import Tensor, nn

from randquant.views import View, embedded


def projector(input_size: int, hidden_size: int = 4096, output_size: int = 256) -> nn.Sequential:
    """Linear, batch norm, ReLU, linear: (B, input_size) -> (B, output_size), the head of BYOL and BYOL-A."""
    return nn.Sequential(
        nn.Linear(input_size, hidden_size),
        nn.BatchNorm1d(hidden_size),
        nn.ReLU(inplace=True),
        nn.Linear(hidden_size, output_size),
    )


def predictor(size: int = 256, hidden_size: int = 4096) -> nn.Sequential:
    """The same network from projection to projection; only the online branch of BYOL has it."""
    return projector(size, hidden_size, size)


class Projected(nn.Sequential):
    """An encoder and its projector: a view -> projections (B, P)."""

    def forward(self, view: View) -> Tensor:
        """Project a view."""
        encoder, head = self
        return head(embedded(encoder, view))
