"""The small networks behind an encoder that only pretraining uses."""

import itertools

from torch import Tensor, nn

from randquant.ssl.choices import Head
from randquant.views import View, embedded


def projector(input_size: int, hidden_size: int = 4096, output_size: int = 256, head: Head = "byol") -> nn.Sequential:
    """From an encoder's output to projections: (B, input_size) -> (B, output_size).

    Args:
        input_size: of the encoder's output.
        hidden_size: of the layers between, where there are any.
        output_size: of the projections.
        head: "byol": linear, batch norm, ReLU, linear; "linear": one layer, MoCo v1's; "mocov2": linear, ReLU, linear;
            "mocov3": linear without bias and batch norm, twice, a ReLU between; "mocov3_vit": three times.
    """
    if head == "linear":
        return nn.Sequential(nn.Linear(input_size, output_size))
    if head == "mocov2":
        hidden = nn.Linear(input_size, hidden_size)
        return nn.Sequential(hidden, nn.ReLU(inplace=True), nn.Linear(hidden_size, output_size))
    if head == "byol":
        return nn.Sequential(
            nn.Linear(input_size, hidden_size),
            nn.BatchNorm1d(hidden_size),
            nn.ReLU(inplace=True),
            nn.Linear(hidden_size, output_size),
        )
    between = [hidden_size] if head == "mocov3" else [hidden_size, hidden_size]
    return _normed([input_size, *between, output_size], norm_last=True)


def predictor(size: int = 256, hidden_size: int = 4096, head: Head = "byol") -> nn.Sequential:
    """From projection to projection, in the online branch alone: BYOL's, or with MoCo v3's projectors that paper's."""
    if head in ("mocov3", "mocov3_vit"):
        return _normed([size, hidden_size, size], norm_last=head == "mocov3_vit")
    return projector(size, hidden_size, size)


def _normed(sizes: list[int], *, norm_last: bool) -> nn.Sequential:
    """Linear layers without bias, each with batch norm and ReLU behind it; behind the last at most a norm alone."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes[:-1]):
        layers += [nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU(inplace=True)]
    layers.append(nn.Linear(sizes[-2], sizes[-1], bias=False))
    if norm_last:
        layers.append(nn.BatchNorm1d(sizes[-1], affine=False))
    return nn.Sequential(*layers)


class Projected(nn.Sequential):
    """An encoder and its projector: a view -> projections (B, P)."""

    def forward(self, view: View) -> Tensor:
        """Project a view."""
        encoder, head = self
        return head(embedded(encoder, view))
