"""One network of a width, in one parametrization, trained for a few steps while somebody watches."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from randquant.scripts.width.batches import BatchOf
from randquant.ssl.method import Method
from randquant.ssl.registry import make_method
from randquant.training.optimization.optimizer import make_optimizer
from randquant.training.optimization.parametrization import parametrize
from randquant.training.settings import Training

Parametrization = Literal["standard", "mup"]


@dataclass(frozen=True)
class Study:
    """What is the same for all widths.

    Attributes:
        settings: of the training, at the base widths.
        of_width: makes the encoder of a width.
        batch_of: seed and step -> views and groups.
    """

    settings: Training
    of_width: Callable[[int], Any]
    batch_of: BatchOf

    def settings_of(self, parametrization: Parametrization, width: int) -> Training:
        """The settings for a width; the hidden layers of the heads grow with the encoder."""
        hidden = self.settings.base_hidden_size * width // self.settings.base_width
        return replace(self.settings, parametrization=parametrization, hidden_size=hidden)

    def method(self, parametrization: Parametrization, width: int, seed: int) -> Method:
        """A method as it is initialised."""
        settings = self.settings_of(parametrization, width)
        torch.manual_seed(seed)
        encoder = self.of_width(width)
        method = make_method(settings, encoder, encoder.embedding_size())
        if parametrization == "mup":
            parametrize(method, settings, self.of_width)
        return method.train()

    def train(
        self, method: Method, parametrization: Parametrization, seed: int, steps: int, *, same_batch: bool = False
    ) -> Iterator[float]:
        """The loss before each step; where all see the same batch, behind the last one too.

        Args:
            method: as `self.method` makes it.
            parametrization: of it.
            seed: of batches and dropout.
            steps: of the optimiser, all at the full rate.
            same_batch: whether each step sees the first batch, with the same units dropped out.
        """
        optimizer = make_optimizer(replace(self.settings, parametrization=parametrization), method)
        for step in range(steps + same_batch):
            number = 0 if same_batch else step
            views, groups = self.batch_of(seed, number)
            torch.manual_seed(seed << 32 | number)
            loss, _ = method(views.views, groups, local=views.local)
            yield float(loss.detach())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            method.after_step(self.settings.momentum)
