"""Pictures of a store as an encoder takes them: fitted to its size, kept as bytes, normalised batch by batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.images.fitting import fitted
from randquant.images.normalise import Normalise, as_encoded
from randquant.images.stored_images import StoredImages


def fitted_batch(pictures: StoredImages, items: NDArray[np.int64], size: int, share: float = 1.0) -> Tensor:
    """Items of a store as bytes (B, size, size, 3); `share` is that of `fitted`."""
    batch = np.empty((len(items), size, size, 3), dtype=np.uint8)
    for row, item in enumerate(items):
        batch[row] = fitted(pictures.picture(int(item)), size, share)
    return torch.from_numpy(batch)


@dataclass(frozen=True)
class NormalisedBatches(Sequence[Tensor]):
    """Batches that are normalised when they are asked for, so that bytes are kept and not floats.

    Attributes:
        pixels: (n, H, W, 3) uint8, on the host.
        normalise: what the encoder expects.
        device: where batches are made.
        size: pictures a batch.
    """

    pixels: Tensor
    normalise: Normalise
    device: str | torch.device
    size: int = 64

    def __len__(self) -> int:
        return -(-len(self.pixels) // self.size)

    def __getitem__(self, number):  # type: ignore[no-untyped-def]  # of one number; the overloads say nothing more
        if not 0 <= number < len(self):
            raise IndexError(number)
        return as_encoded(self.pixels[number * self.size :][: self.size], self.normalise, self.device)
