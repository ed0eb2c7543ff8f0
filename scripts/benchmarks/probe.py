"""Linear evaluation: all rates and seeds together."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from randquant.probes.solvers.lanes import Lane, LinearSettings, train
from randquant.scripts.benchmarks.pair import Pair


def linear_probe(device: str) -> Iterator[Pair]:
    """One epoch of linear evaluation of 20,000 x 2,048 features, 18,000 of them for training."""
    x = torch.randn(20_000, 2048, device=device)
    rates = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
    lanes = [Lane(slice(0, 18_000), slice(18_000, 20_000), seed) for seed in range(3)]
    settings = LinearSettings(rates, max_epochs=1)

    def alone(targets: Tensor, classes: int) -> None:
        for rate in rates * len(lanes):
            layer = nn.Linear(2048, classes, device=device)
            adam = torch.optim.Adam(layer.parameters(), rate, weight_decay=settings.weight_decay)
            for rows in torch.randperm(18_000).to(device).split(settings.batch_size):
                adam.zero_grad()
                F.cross_entropy(layer(x[rows]), targets[rows]).backward()
                adam.step()
            with torch.no_grad():
                (layer(x[18_000:]).argmax(1) == targets[18_000:]).float().mean().item()

    for classes in (10, 35):
        targets = torch.arange(20_000, device=device) % classes
        yield Pair(
            f"linear probe epoch, 3 x 5, {classes} classes",
            lambda targets=targets, classes=classes: train(x, targets, lanes, classes, settings),  # type: ignore[misc]
            lambda targets=targets, classes=classes: alone(targets, classes),  # type: ignore[misc]
            "torch.nn.Linear one by one",
        )
