"""An encoder that is not trained any more, as something that turns items of a store into features."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from randquant.cli.progress import batch_progress
from randquant.data.features import Features, cached
from randquant.evaluation.labelled_task import LabelledTask
from randquant.probes.conditions.conditioned import tested
from randquant.probes.conditions.corruption import Corruption

B = TypeVar("B", bound=Tensor)


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
        context: what the changes of the modality need to know beside an item.
    """

    read: Callable[[NDArray[np.int64]], B]
    encode: Callable[[B], Tensor]
    dimension: int
    settings: Mapping[str, Any]
    batch_size: int = 256
    unit: str = "items"
    context: Sequence[Any] = ()

    def features(self, task: LabelledTask, cache: Path) -> Features:
        """Features of every item of a task, float32, read from `cache` where they were made before.

        Raises:
            DataError: they are not finite.
        """
        return self._features(task, cache, np.arange(len(task.store)))

    def changed(self, task: LabelledTask, cache: Path, corruption: Corruption) -> Features:
        """Features of the test items, changed before the encoder sees them."""
        return self._features(task, cache, tested(task.items), corruption)

    def _features(
        self, task: LabelledTask, cache: Path, rows: NDArray[np.int64], corruption: Corruption | None = None
    ) -> Features:
        count = len(rows)

        def read(items: NDArray[np.int64]) -> B:
            batch = self.read(items)
            return batch if corruption is None else cast("B", corruption(batch, items.tolist(), *self.context))

        def batches(start: int) -> Iterator[B]:
            batch = (read(rows[first : first + self.batch_size]) for first in range(start, count, self.batch_size))
            return batch_progress(batch, label=f"features of {task.name}", unit=self.unit, total=count, initial=start)

        settings = {**self.settings, "store": task.store.content_hash}
        items = task.items
        if corruption is not None:
            settings, items = {**settings, "corruption": corruption.facts}, items.take(rows)
        return cached(cache, settings, items, self.dimension, self.encode, batches)
