"""Encoders of tables that take rows as users have them."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from randquant.errors import DataError, UsageError
from randquant.extras import needs
from randquant.loading.modalities import RAW_ROWS, resolved
from randquant.loading.ready_encoder import ReadyEncoder, as_array
from randquant.tables.encoders.mlp import MLP
from randquant.tables.encoders.registry import ENCODERS
from randquant.tables.encoders.weights import LoadedTableEncoder, is_of_tables, named_encoder
from randquant.weights.weight_file import Content

_BATCH = 4096  # rows encoded at a time


class TableReadyEncoder(ReadyEncoder[Tensor]):
    """Rows, raw or as prepared -> vectors; `randquant.load` makes it.

        encoder = randquant.load("RUN")
        encoder({"age": 41, "colour": "red", "member": "yes"})   # cells of one row -> (D,)
        encoder(data_frame)                                      # pandas or pyarrow, n rows -> (n, D)
        encoder([{"age": 41, ...}, {"age": None, ...}])          # None for a missing cell -> (2, D)
        encoder(numbers)                                         # (F,) or (n, F) as prepared -> (D,) or (n, D)

    Raw cells become numbers as in the table of the training: by its means and deviations, its categories, its answers.
    A vector is the row that `python -m scripts.embed` writes for the same row of a store.

    Args:
        loaded: the network and what is known about it.

    Attributes:
        columns: of the table, whose cells a raw row has; empty where the weights do not say.
        numbers: names of the F numbers of a prepared row; empty for an untrained encoder.
    """

    modality: ClassVar[str] = "tables"
    networks: ClassVar[Mapping[str, type[nn.Module]]] = ENCODERS
    encoder: MLP

    def __init__(self, loaded: LoadedTableEncoder) -> None:
        super().__init__(loaded.encoder, sha256=loaded.sha256, report=loaded.report, metadata=loaded.metadata)
        self.numbers = tuple(loaded.columns or ())
        self.described = loaded.described
        self.columns = tuple(str(each["name"]) for each in loaded.described)

    @classmethod
    def open(cls, name: str, *, seed: int = 42, blocks: Sequence[int] = ()) -> Self:
        """Open an encoder; an untrained one needs `blocks`, the sizes of the parts of a row.

        Raises:
            DataError: it cannot be opened, or is of another modality.
            UsageError: it names no encoder, or an untrained one comes without blocks.
        """
        if cls.has_untrained(name) and not blocks:
            raise UsageError(f"{name} can be for any table; give blocks=, the sizes of the parts of a row.")
        return cls(named_encoder(name, seed, blocks=blocks))

    @classmethod
    def recognises(cls, content: Content) -> bool:
        """Whether they are weights of tables."""
        return is_of_tables(content)

    def forward(self, x: Any, *, layer: str = "output") -> Tensor:
        """Vectors of rows.

        Args:
            x: prepared numbers as a tensor or an array, (F,) or (n, F), in the order of `numbers`; or raw cells: a
                mapping from the names in `columns` to cells, a list of cells in their order, a list of either, a
                pandas DataFrame or Series, or a pyarrow Table. Further columns are left out.
            layer: one of `layers`.

        Returns:
            (D,) for one row, (n, D) for several.

        Raises:
            DataError: a column is missing, a cell is of another kind than in the training, a number is not finite, or
                the weights do not say how cells become numbers.
            UsageError: another number of numbers, or no such layer.
        """
        self._require_layer(layer)
        prepared = isinstance(x, torch.Tensor | np.ndarray)
        if isinstance(x, list | tuple) and not x:
            return self._vectors([], layer, single=False)
        rows, single = self._prepared(as_array("the row", x)) if prepared else self._raw(x)
        return self._vectors([*torch.from_numpy(rows)], layer, single=single)

    def _prepared(self, rows: NDArray[Any]) -> tuple[NDArray[np.float32], bool]:
        size = sum(self.encoder.sizes)
        if rows.ndim not in (1, 2) or rows.shape[-1] != size or not np.issubdtype(rows.dtype, np.number):
            raise UsageError(
                f"the rows have the shape {rows.shape} and hold {rows.dtype.name}; expected numbers ({size},) or "
                f"(n, {size}) as prepared, or raw cells by the names of their columns."
            )
        if not np.isfinite(rows).all():
            raise DataError("the rows hold NaN or infinity; a missing cell of a prepared row is 0.")
        with np.errstate(over="ignore"):
            single = rows.astype(np.float32)
        if not np.isfinite(single).all():
            raise DataError("the rows hold numbers too large for single precision; standardise them as the training's.")
        return np.atleast_2d(single), rows.ndim == 1

    def _raw(self, x: Any) -> tuple[NDArray[np.float32], bool]:
        if not self.described:
            raise DataError(
                "these weights do not say how cells become numbers; train again, or give rows of numbers as prepare "
                f"table makes them, {sum(self.encoder.sizes)} each, as an array."
            )
        with needs("train"):
            rows, single, notes = resolved(RAW_ROWS)(x, self.described, self.encoder.sizes)
        for note in notes:
            warnings.warn(f"{note}.", stacklevel=5)
        return rows, single

    def _embed(self, items: Sequence[Tensor], layer: str) -> Tensor:
        batches = torch.stack(list(items)).split(_BATCH)
        return torch.cat([self.network(batch.to(self.device, self.dtype)).float() for batch in batches])
