"""Monitor training by kNN accuracy on the validation split of a labelled store."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from randquant.data.store import Store
from randquant.errors import DataError
from randquant.packed import PackedBatch
from randquant.probes import knn

MONITOR_ITEMS = 2_000  # at most, of each split


class KnnMonitor:
    """kNN accuracy, validation items against training items of a store; at most 2,000 of each, the same every time.

    Args:
        store: with labels and the splits train and valid.
        seed: of the choice of items.
        load: the given items as batches that the encoder takes, in order, on the device.

    Raises:
        DataError: the store has no labelled items in one of the two splits.
    """

    def __init__(
        self, store: Store, *, seed: int, load: Callable[[NDArray[np.int64]], Sequence[Tensor | PackedBatch]]
    ) -> None:
        labels = store.column("label")
        classes = {label: number for number, label in enumerate(sorted({label for label in labels if label}))}
        self.sides = []
        for split in ("train", "valid"):
            items = np.array([item for item in store.select(split) if labels[item]], dtype=np.int64)
            if not len(items):
                raise DataError(f"--monitor {store.path} has no items with split {split!r}; give a labelled store.")
            items = np.random.default_rng(seed).permutation(items)[:MONITOR_ITEMS]
            self.sides.append((load(items), torch.tensor([classes[labels[item]] for item in items])))

    def __call__(self, encoder: nn.Module, device: torch.device) -> dict[str, float]:
        """Numbers for the log; the encoder is in eval mode."""
        (train, train_labels), (valid, valid_labels) = (
            (torch.cat([encoder(batch) for batch in batches]), labels.to(device)) for batches, labels in self.sides
        )
        return {"knn_valid": knn.accuracy(train, train_labels, valid, valid_labels)}
