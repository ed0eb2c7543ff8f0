"""Mixed precision: a module's inputs stay as they are, and the losses are those of float32."""

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from randquant.ssl.byol import byol_loss
from randquant.ssl.infonce import info_nce
from randquant.training.processes.fabric import precision_of


class Looking(nn.Module):
    """Remembers what it was given and computes something that autocast rounds."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> tuple[Tensor, torch.dtype]:
        self.seen.append(x)
        y = self.layer(x)
        return y, y.dtype


@pytest.mark.parametrize(("precision", "inside"), [("32", torch.float32), ("bf16", torch.bfloat16)])
def test_inputs_are_bit_equal_and_autocast_rounds_the_rest(precision: str, inside: torch.dtype) -> None:
    fabric = Fabric(accelerator="cpu", devices=1, plugins=[precision_of(precision, "cpu")])  # type: ignore[arg-type]
    looking = Looking()
    model = fabric.setup(looking)
    x = torch.randn(4, 8)
    y, computed = model(x)
    assert computed == inside
    assert y.dtype == torch.float32
    assert torch.equal(looking.seen[0], x)
    assert looking.seen[0].dtype == torch.float32


def test_losses_do_not_feel_autocast() -> None:
    query, key = torch.randn(2, 16, 32)
    candidates = torch.eye(16, dtype=torch.bool) | (torch.rand(16, 16) < 0.5)

    def losses() -> list[Tensor]:
        return [
            byol_loss(query, key),
            info_nce(query, key, temperature=0.05),
            info_nce(query, key, temperature=0.05, candidates=candidates),
            info_nce(query, key, temperature=0.05, labels=torch.eye(16)),
        ]

    plain = losses()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert all(torch.equal(one, other) for one, other in zip(plain, losses(), strict=True))
