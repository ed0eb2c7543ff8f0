"""A signal without labels: how often two views of one item find one another among the views of others.

The items are those that were set aside, the views those of the training, drawn anew from the seed alone.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call

from randquant.views import View

if TYPE_CHECKING:
    from randquant.training.keeping.between import State
    from randquant.training.run import Run

PAIRS = 1_000  # about as many are looked at
_MOST_ROUNDS = 8
_EPOCH = 2**30  # of what is read for the signal: one that no training reaches


@torch.no_grad()
def found(first: Tensor, second: Tensor) -> Tensor:
    """Of views (B, D) and their siblings (B, D), the share 0, .5 or 1 (B,) of each pair that finds the other.

    Every number is standardised over all views, so that none counts by its scale; nearest is by cosine.
    """
    both = standardised(torch.cat([first, second]))
    cosines = both[: len(first)] @ both[len(first) :].T
    own = torch.arange(len(first), device=cosines.device)
    return ((cosines.argmax(1) == own).float() + (cosines.argmax(0) == own).float()) / 2


def standardised(vectors: Tensor) -> Tensor:
    """Vectors (n, D) whose numbers have mean 0 and deviation 1 over them, of length 1."""
    vectors = vectors.float()
    return nn.functional.normalize((vectors - vectors.mean(0)) / vectors.std(0).clamp_min(1e-6), dim=1)


@torch.no_grad()
def embeddings(run: "Run", states: "Sequence[State]", held: NDArray[np.int64]) -> Iterator[tuple[Tensor, Tensor]]:
    """Of each round the groups (B,) of its items, and their embeddings (states, 2, B, D).

    Args:
        run: that has ended; its views may draw on what they remember.
        states: weights of its encoder.
        held: positions of its source that were set aside.
    """
    encoder, source, size = run.encoder.eval(), run.batches.source, run.batches.local
    held = np.sort(np.random.default_rng(run.settings.seed).permutation(held)[:PAIRS])
    # Whole batches, the last one filled up, as augmentations know no others.
    batches = np.resize(held, (-(-len(held) // size), size))
    generator = torch.Generator(device=run.fabric.device)
    for number in range(min(max(PAIRS // len(held), 1), _MOST_ROUNDS)):
        generator.manual_seed(run.settings.seed + number)
        parts = []
        for positions in batches:
            views = run.views(source.fetch(positions, _EPOCH + number), generator).views[:2]
            each = [torch.stack([_embedded(encoder, state, view) for view in views]) for state in states]
            parts.append(torch.stack(each))
        yield torch.from_numpy(source.groups(held)), torch.cat(parts, dim=2)[:, :, : len(held)]


def _embedded(encoder: nn.Module, state: "State", view: View) -> Tensor:
    vectors: Tensor = functional_call(encoder, dict(state), view)
    return vectors.float()
