"""Evaluate an encoder of tables on labelled stores, beside the raw columns and boosted trees."""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from randquant.cli.terminal import say
from randquant.data.store import Store
from randquant.evaluation.evaluate import Baseline, Evaluation
from randquant.evaluation.frozen import Frozen
from randquant.evaluation.labelled_task import LabelledTask
from randquant.evaluation.preset import Preset
from randquant.inference import in_precision
from randquant.precision import said
from randquant.probes.probe import Probe
from randquant.probes.solvers.lanes import LinearSettings
from randquant.probes.trees import TREES, TREES_OF_NUMBERS
from randquant.tables.encoders.weights import LoadedTableEncoder, named_encoder
from randquant.tables.evaluation.result import TableResult
from randquant.tables.evaluation.robustness import Cells, Corruption
from randquant.tables.evaluation.settings import BaselineName, TableProbing
from randquant.tables.stored_table import block_sizes, column_names, other_scales

PRESET = Preset(
    "tables",
    "closed-form and linear classifiers of standardised features, all choices on validation",
    ("ridge", "linear"),
    (LinearSettings((1e-3, 3e-3, 1e-2), batch_size=512, max_epochs=100, repeats=3),),
)
_BATCH = 4096  # rows encoded at a time


def evaluation(probing: TableProbing) -> Evaluation[LoadedTableEncoder, TableResult]:
    """How the tasks of a command are evaluated.

    Raises:
        DataError: the first task is no store of a table.
    """
    blocks = block_sizes(Store.open(probing.task[0], kind="tables"))
    return Evaluation(
        command="probe_table",
        kind="tables",
        load=partial(named_encoder, blocks=blocks),
        frozen=lambda loaded, task, device: frozen(loaded, task.store, device),
        result=_result,
        preset=PRESET,
        fitted_on=lambda loaded: {"columns": loaded.columns or []},
        baselines=partial(_baselines, probing.baselines),
        corruption=Corruption,
    )


def frozen(loaded: LoadedTableEncoder, store: Store, device: torch.device) -> Frozen[Tensor]:
    """How an encoder reads the rows of a store.

    Raises:
        DataError: they are rows of another table.
    """
    loaded.require_columns(column_names(store), store.path)
    for note in other_scales(loaded.scales, store):
        say(f"note: {note}", file=sys.stderr)
    encoder = loaded.encoder.to(device).float().eval()
    read = _reader(store)
    settings = {"weights": loaded.sha256, **said(loaded.precision)}
    network = in_precision(encoder, loaded.precision, device)
    size, cells = encoder.embedding_size(), (Cells.of(store),)
    return Frozen(read, lambda rows: network(rows.to(device)), size, settings, _BATCH, "rows", cells)


def _result(loaded: LoadedTableEncoder, task: LabelledTask) -> Callable[..., TableResult]:
    return partial(TableResult, columns=len(column_names(task.store)))


def _baselines(
    names: Sequence[BaselineName], task: LabelledTask, asked: Mapping[str, Probe[Any]]
) -> Sequence[Baseline]:
    size, cells = len(column_names(task.store)), (Cells.of(task.store),)
    raw = Frozen(_reader(task.store), lambda rows: rows, size, {"weights": "none"}, _BATCH, "rows", cells)
    probes: dict[str, Probe[Any]] = {}
    if "raw" in names:
        probes |= {f"raw-{name}": probe for name, probe in asked.items()}
    if "trees" in names:
        probes["trees"] = TREES_OF_NUMBERS if task.numbers else TREES
    return [Baseline(raw, probes, "raw columns")] if probes else []


def _reader(store: Store) -> Callable[[NDArray], Tensor]:
    rows = torch.from_numpy(store.every_row())
    return lambda numbers: rows[torch.from_numpy(numbers)]
