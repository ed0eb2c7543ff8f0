"""A toy training in seconds: what `python -m randquant.ssl.byol` and the other methods run."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from randquant.quantize import RandomizedQuantization
from randquant.ssl.method import Method
from randquant.ssl.momentum import momentum_at
from randquant.views import Policy, Views

CLASSES, SIZE = 10, 64


def learn(make: Callable[..., Method], *, steps: int = 100, seed: int = 0) -> tuple[float, float]:
    """Learn sounds of ten kinds from two noisy recordings of each, both quantized, and print the accuracy.

    Args:
        make: the method.
        steps: of 128 sounds.
        seed: of the networks, the sounds and the augmentation.

    Returns:
        Accuracy of the nearest neighbour among other sounds before training, and after it.
    """
    torch.manual_seed(seed)
    encoder = nn.Sequential(nn.Linear(SIZE, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 32))
    method = make(encoder, 32, 128, 32)
    optimizer = torch.optim.Adam(method.parameters(), 1e-3)
    make_views = Views([Policy(RandomizedQuantization(bins=(2, 8), dim=-1))] * 2)
    before = _accuracy(encoder)
    for step in range(1, steps + 1):
        loss, _ = method(make_views(_takes(128)[0]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        method.after_step(momentum_at(step, steps, base=0.9, schedule="cosine"))
        if step % 25 == 0:
            print(f"step {step}: loss {loss.item():.3f}")
    after = _accuracy(encoder)
    print(f"{type(method).__name__}: accuracy of the nearest neighbour {before:.2f} untrained, {after:.2f} trained")
    return before, after


def _takes(count: int) -> tuple[Tensor, Tensor]:
    """Two noisy recordings (2, count, SIZE) of sounds of two sines, whose kind (count,) says the frequencies."""
    kind = torch.randint(CLASSES, (count,))
    angle = torch.arange(SIZE) * (2.0 * torch.pi / SIZE)
    clean = ((1 + kind[:, None]) * angle).sin() + ((12 + kind[:, None]) * angle).sin()
    return (0.5 + torch.rand(2, count, 1)) * clean + 2.0 * torch.randn(2, count, SIZE), kind


@torch.no_grad()
def _accuracy(encoder: nn.Module) -> float:
    takes, kind = _takes(1000)
    encoder.eval()
    directions = nn.functional.normalize(encoder(takes[0]), dim=-1)
    encoder.train()
    cosines = directions @ directions.T
    return float((kind[cosines.fill_diagonal_(-2.0).argmax(dim=1)] == kind).float().mean())
