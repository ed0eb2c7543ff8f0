"""Stored pictures as batches of bytes: whole ones of one size, or random crops of larger ones.

What a training step reads is a function of seed, epoch and position.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.draws import fractions
from randquant.errors import DataError
from randquant.images.augment.crop_boxes import DRAWS, crop_boxes
from randquant.images.fitting import fitted, resized
from randquant.images.settings import ImagePretraining
from randquant.images.stored_images import StoredImages

_VIEWS = 2**10  # more than a training has


class Crop(NamedTuple):
    """What is cut for a view: side in pixels; range of the crop's area and of its width over height.

    Without an area the picture is scaled until its shorter side fits, and its middle is taken.
    """

    size: int
    scale: tuple[float, float] | None = None
    ratio: tuple[float, float] = (3 / 4, 4 / 3)


class PictureSource:
    """Pictures of several stores that are trained on: those without a split, and those of the splits asked for.

    Args:
        pictures: the stores.
        settings: of the training.

    Raises:
        DataError: there are none.
    """

    def __init__(self, pictures: Sequence[StoredImages], settings: ImagePretraining) -> None:
        self.seed, self.pictures = settings.seed, list(pictures)
        places = [
            (number, item)
            for number, each in enumerate(pictures)
            for item, split in enumerate(each.store.column("split"))
            if split is None or split in settings.splits
        ]
        if not places:
            named = ", ".join(str(each.store.path) for each in pictures)
            raise DataError(f"{named} hold no pictures of --splits {' '.join(settings.splits)}; give others.")
        self._places = np.array(places, dtype=np.int32)  # a list of tuples would take 100 bytes a picture

    def __len__(self) -> int:
        return len(self._places)

    def order(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """A permutation of the pictures."""
        return generator.permutation(len(self))

    def groups(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Every picture is its own group."""
        return positions

    def fetch(self, positions: NDArray[np.int64], epoch: int) -> Tensor | tuple[Tensor, ...]:
        """What is read of these pictures in the epoch."""
        raise NotImplementedError

    def at(self, position: int) -> tuple[StoredImages, int]:
        """The store and the item of a position."""
        store, item = self._places[position].tolist()
        return self.pictures[store], item

    def picture(self, position: int) -> NDArray[np.uint8]:
        """All pixels of a position, (H, W, 3)."""
        pictures, item = self.at(position)
        return pictures.picture(item)


class WholePictures(PictureSource):
    """Raw pictures of one size, copied as they are: (B, H, W, 3) uint8; the device crops them.

    Attributes:
        size: (H, W).
    """

    def __init__(self, pictures: Sequence[StoredImages], settings: ImagePretraining, size: tuple[int, int]) -> None:
        super().__init__(pictures, settings)
        self.size = size

    def fetch(self, positions: NDArray[np.int64], epoch: int) -> Tensor:
        """(B, H, W, 3) uint8."""
        batch = np.empty((len(positions), *self.size, 3), dtype=np.uint8)
        for row, position in enumerate(positions):
            batch[row] = self.picture(position)
        return torch.from_numpy(batch)


class PictureCrops(PictureSource):
    """One crop of each picture for each view, decoded and scaled here, so that no more than crops travel.

    Args:
        pictures: the stores, of any sizes and encodings.
        settings: of the training.
        crops: one a view.
    """

    def __init__(self, pictures: Sequence[StoredImages], settings: ImagePretraining, crops: Sequence[Crop]) -> None:
        super().__init__(pictures, settings)
        self.crops = list(crops)

    def fetch(self, positions: NDArray[np.int64], epoch: int) -> tuple[Tensor, ...]:
        """A tensor a view: (B, size, size, 3) uint8."""
        batches = [np.empty((len(positions), crop.size, crop.size, 3), dtype=np.uint8) for crop in self.crops]
        boxes = [self._boxes(positions, epoch, view) for view in range(len(self.crops))]
        for row, position in enumerate(positions):
            pixels = self.picture(position)
            for crop, box, batch in zip(self.crops, boxes, batches, strict=True):
                if box is None:
                    batch[row] = fitted(pixels, crop.size)
                else:
                    top, left, height, width = box[row]
                    batch[row] = resized(pixels[top : top + height, left : left + width], crop.size)
        return tuple(map(torch.from_numpy, batches))

    def _boxes(self, positions: NDArray[np.int64], epoch: int, view: int) -> list[list[int]] | None:
        """Top, left, height and width of every picture's crop; None where its middle is taken."""
        crop = self.crops[view]
        if crop.scale is None:
            return None
        first = (epoch * _VIEWS + view) * DRAWS
        draws = [fractions(positions, seed=self.seed, epoch=first + number) for number in range(DRAWS)]
        sizes = [(pictures.heights[item], pictures.widths[item]) for pictures, item in map(self.at, positions)]
        heights, widths = torch.from_numpy(np.array(sizes)).unbind(1)
        drawn = torch.from_numpy(np.stack(draws, axis=1))
        boxes = crop_boxes(drawn, heights, widths, scale=crop.scale, ratio=crop.ratio)
        return torch.stack(boxes, dim=1).tolist()


def one_size(pictures: Sequence[StoredImages]) -> tuple[int, int] | None:
    """(H, W) where all pictures of all stores are raw and have the same size, else None."""
    sizes = {each.size for each in pictures}
    return next(iter(sizes)) if len(sizes) == 1 and all(each.raw for each in pictures) else None
