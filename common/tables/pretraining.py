"""The training task of tables: rows in memory, augmented views, an encoder.

    (B, F) standardised rows -> a policy a view -> views (B, F) -> encoder

All views are of the same row: a table says nothing of which rows belong together.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from randquant.data.repeated_stores import repeated
from randquant.data.store import Store
from randquant.errors import DataError, UsageError
from randquant.tables.augment.column_quantization import column_quantiles
from randquant.tables.encoders.mlp import MLP
from randquant.tables.encoders.registry import ENCODERS
from randquant.tables.encoders.weights import LoadedTableEncoder, save_encoder
from randquant.tables.settings import TablePretraining
from randquant.tables.stored_table import (
    Scales,
    StoredTable,
    column_names,
    described,
    moved_columns,
    other_scales,
    rescaled,
    scales,
)
from randquant.training.idle import equal_views
from randquant.training.memory import require_memory
from randquant.training.task import Task
from randquant.training.watching.monitor import KnnMonitor
from randquant.views import Policy
from randquant.weights.start import Start, data_of, notes_of, start_of
from randquant.weights.training_metadata import metadata_of_run

_MONITORED = 4096  # rows a batch


class RowViews(nn.Module):
    """A batch of rows to a view a policy.

    Args:
        policies: of the views.
    """

    def __init__(self, policies: Sequence[Policy]) -> None:
        super().__init__()
        self.policies = nn.ModuleList(policies)

    def forward(self, rows: Tensor, *, generator: torch.Generator) -> list[Tensor]:
        """Views (B, F) of rows (B, F)."""
        return [policy(rows, generator=generator) for policy in self.policies]


def build_task(settings: TablePretraining, device: torch.device) -> Task:
    """Everything the loop needs; called once the device is known and the seed is set.

    Raises:
        DataError: a store is missing, empty, not of a table, or has other columns than the first, or than the weights
            to start from; or these cannot be opened.
        UsageError: a width the encoder cannot have, or settings that contradict these weights.
    """
    stores = [Store.open(path, kind="tables") for path in settings.data]
    start: Start[LoadedTableEncoder] | None = start_of(settings)
    known = start.loaded.scales if start is not None else {}
    source = StoredTable(stores, settings.splits, known)
    if start is not None:
        start.loaded.require_columns(source.names, stores[0].path)
    make = partial(_encoder, settings, source.blocks)
    require_memory(settings, lambda: make(settings.width), device)
    encoder = make(settings.width) if start is None else start.encoder()
    its_scales = known or scales(stores[0])
    its_columns = (start.loaded.described if start is not None else []) or described(stores[0], known)
    quantiles = column_quantiles(torch.from_numpy(source.rows))

    def save(path: Path, trained: nn.Module, step: int) -> None:
        about = metadata_of_run(settings, step) | {"splits": " ".join(settings.splits)}
        save_encoder(path, trained, columns=source.names, scales=its_scales, described=its_columns, metadata=about)

    monitor = None if settings.monitor is None else knn_monitor(settings, source.names, device, known)

    def views_of(wanted: TablePretraining) -> RowViews:
        return RowViews(wanted.view_policies(quantiles))

    return Task(
        source,
        views_of(settings),
        encoder,
        encoder.embedding_size(),
        save,
        monitor,
        data={
            "stores": [store.content_hash for store in stores],
            "columns": source.names,
            "blocks": source.blocks,
            **data_of(start),
        },
        notes=[
            *notes_of(start, settings),
            *repeated(stores),
            *_scaling_notes(stores, known, start),
            *([] if settings.augment != "none" or settings.input_drop else equal_views(settings, "rows")),
        ],
        of_width=make,
        views_of=views_of,
    )


def _scaling_notes(stores: Sequence[Store], known: Scales, start: Start[LoadedTableEncoder] | None) -> list[str]:
    """What is said of the numbers by which the columns of the stores are standardised."""
    if known:
        return [
            f"{store.path}: {count:,} of its columns are standardised anew, by the means and deviations of --init"
            for store in stores
            if (count := len(moved_columns(store, known)))
        ]
    silent = start is not None and not start.loaded.described
    said = ["these weights do not say how columns are standardised; rows are taken as their store has them"]
    others = [note for store in stores[1:] for note in other_scales(scales(stores[0]), store)]
    return [*(said if silent else []), *others]


def knn_monitor(
    settings: TablePretraining, names: Sequence[str], device: torch.device, by: Scales | None = None
) -> KnnMonitor:
    """kNN on the validation split of `settings.monitor`, its numbers standardised as `rescaled` says.

    Raises:
        DataError: its columns are not those of the training.
    """
    store = Store.open(settings.monitor or Path(), kind="tables")
    if column_names(store) != list(names):
        raise DataError(f"--monitor {store.path} has other columns than the data; give a store of the same table.")
    rows = torch.from_numpy(rescaled(store, by or {}))

    def load(items: NDArray) -> Sequence[Tensor]:
        return rows[torch.from_numpy(items)].to(device).split(_MONITORED)

    return KnnMonitor(store, seed=settings.seed, load=load)


def _encoder(settings: TablePretraining, blocks: Sequence[int], width: int) -> MLP:
    try:
        return ENCODERS[settings.encoder](blocks, width)
    except ValueError as error:
        raise UsageError(f"--encoder {settings.encoder} --width {width}: {error}") from None
