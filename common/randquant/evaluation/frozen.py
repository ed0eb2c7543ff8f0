"""An encoder that is not trained any more, as something that turns items of a store into features."""

from collections.abc import Callable, Iterator, Mapping, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from randquant.cli.progress import batch_progress
from randquant.data.features import Features, cached
from randquant.evaluation.labelled_task import LabelledTask

B = TypeVar("B", bound=Sized)


@dataclass(frozen=True)
class Frozen(Generic[B]):
    """How a modality reads items and encodes them.

    Attributes:
        read: the batch of these items of the store, (b,) numbers.
        encode: a batch to features (b, dimension), on any device.
        dimension: D.
        settings: JSON-ready; all that the features depend on besides the store's content: the hash of the weights, the
            layer, the size of a picture.
        batch_size: items read at a time.
        unit: what an item is, in the plural, as the progress bar says it.
    """

    read: Callable[[NDArray[np.int64]], B]
    encode: Callable[[B], Tensor]
    dimension: int
    settings: Mapping[str, Any]
    batch_size: int = 256
    unit: str = "items"

    def features(self, task: LabelledTask, cache: Path) -> Features:
        """Features of every item of a task, float32, read from `cache` where they were made before.

        Raises:
            DataError: they are not finite.
        """
        count = len(task.store)

        def batches(start: int) -> Iterator[B]:
            starts = range(start, count, self.batch_size)
            read = (self.read(np.arange(first, min(first + self.batch_size, count))) for first in starts)
            return batch_progress(read, label=f"features of {task.name}", unit=self.unit, total=count, initial=start)

        settings = {**self.settings, "store": task.store.content_hash}
        return cached(cache, settings, task.items, self.dimension, self.encode, batches)
