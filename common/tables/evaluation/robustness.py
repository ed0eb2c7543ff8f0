"""The changes of test rows that a classifier of clean ones is asked about: noise, missing cells, coarse numbers."""

from typing import ClassVar, NamedTuple, Self

import torch
from torch import Tensor

from randquant.data.store import Store
from randquant.probes.conditions import corruption
from randquant.probes.conditions.corruption import CorruptionKind
from randquant.tables.stored_table import column_names, scales


class Cells(NamedTuple):
    """How the N numbers of a row come from the cells of a table.

    Attributes:
        cell: (N,) the column of the file that a number belongs to.
        number: (N,) whether it is a standardised one.
        indicator: (N,) whether it says that the cell is missing.
    """

    cell: Tensor
    number: Tensor
    indicator: Tensor

    @classmethod
    def of(cls, store: Store) -> Self:
        """Those of a store."""
        columns, names, numbers = store.info["table"]["columns"], column_names(store), scales(store)
        place: dict[str, int] = {}
        for column, each in enumerate(columns):
            stem = each["name"]
            place |= dict.fromkeys(
                [stem, f"{stem} is missing", *(f"{stem}={value}" for value in each["values"])], column
            )
        cell = torch.tensor([place[name] for name in names])
        indicators = {f"{each['name']} is missing" for each in columns if each["indicator"]}
        number = torch.tensor([name in numbers for name in names])
        return cls(cell, number, torch.tensor([name in indicators for name in names]))


def noisy(row: Tensor, deviation: float, cells: Cells, generator: torch.Generator) -> Tensor:
    """With normal noise on its numbers, in deviations of the training rows."""
    return row + deviation * torch.randn(len(row), generator=generator) * cells.number


def missing(row: Tensor, share: float, cells: Cells, generator: torch.Generator) -> Tensor:
    """With each cell missing by chance, as a prepared table has it: zeros, and one where the table has an indicator."""
    lost = (torch.rand(int(cells.cell.max()) + 1, generator=generator) < share)[cells.cell]
    return torch.where(lost, cells.indicator.to(row.dtype), row)


def rounded(row: Tensor, step: float, cells: Cells, generator: torch.Generator) -> Tensor:
    """With its numbers rounded to multiples of a step, in deviations of the training rows."""
    return torch.where(cells.number, (row / step).round() * step, row)


class Corruption(corruption.Corruption):
    """A change of rows (B, N), float32."""

    KINDS: ClassVar = {
        "noise": CorruptionKind(noisy, (0.1, 0.3, 1.0), "deviations", 100.0),
        "missing": CorruptionKind(missing, (0.1, 0.3), "of the cells", 1.0),
        "rounded": CorruptionKind(rounded, (0.5, 1.0), "deviations", 100.0),
    }
