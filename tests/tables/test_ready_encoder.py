"""One call for rows: raw cells become the numbers that prepare makes of them, and a vector is embed's row."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import randquant
from randquant.data.store import Store
from randquant.data_prep.tables.prepare import prepare_table
from randquant.data_prep.tables.settings import OwnTable
from randquant.errors import UserError
from randquant.scripts.embed import embed
from randquant.scripts.embedding.settings import Embedding
from randquant.tables.encoders.weights import save_encoder, untrained_encoder
from randquant.tables.ready_encoder import TableReadyEncoder
from randquant.tables.stored_table import block_sizes, column_names, described, scales


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "table.csv"
    generator = np.random.default_rng(0)
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["age", "colour", "member", "height"])
        for number in range(60):
            age = "" if number % 9 == 0 else int(generator.integers(1, 90))
            colour = ("red", "green", "blue")[generator.integers(3)]
            rows.writerow([age, colour, ("yes", "no")[number % 2], round(generator.normal(170, 9), 2)])
    return path


@pytest.fixture(scope="module")
def store(table: Path) -> Store:
    return prepare_table(OwnTable(out=table.parent / "store", csv=table).plan(), table.parent / "store")


@pytest.fixture(scope="module")
def weights(store: Store) -> Path:
    made = untrained_encoder("MLP", 1, seed=0, blocks=block_sizes(store))
    path = store.path.parent / "encoder.safetensors"
    names = {"columns": column_names(store), "scales": scales(store), "described": described(store)}
    save_encoder(path, made.encoder, **names, metadata={})  # type: ignore[arg-type]
    return path


@pytest.fixture
def encoder(weights: Path) -> TableReadyEncoder:
    return randquant.load(weights)  # type: ignore[return-value]


def close(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


def test_raw_rows_in_every_form_give_the_rows_that_embed_writes(
    encoder: TableReadyEncoder, weights: Path, store: Store, table: Path, tmp_path: Path
) -> None:
    embed(Embedding(str(weights), store.path, tmp_path / "x.parquet", device="cpu"))
    rows = torch.from_numpy(np.stack(pq.read_table(tmp_path / "x.parquet")["embedding"].to_numpy()))
    cells = list(csv.DictReader(open(table)))  # noqa: SIM115
    columns = {name: [row[name] for row in cells] for name in cells[0]}
    for whole in (store.every_row(), cells, columns, pa.table(columns), [[*row.values()] for row in cells]):
        close(encoder(whole), rows)
    for row in (torch.from_numpy(store.every_row()[9]), cells[9], {**cells[9], "age": None, "x": 1}):
        close(encoder(row), rows[9])


def test_a_data_frame_is_taken(encoder: TableReadyEncoder, store: Store, table: Path) -> None:
    frame = pytest.importorskip("pandas").read_csv(table)
    close(encoder(frame), encoder(store.every_row()))
    close(encoder(frame.iloc[9]), encoder(store.every_row()[9]))


def test_cells_that_the_training_lacks_are_said(encoder: TableReadyEncoder) -> None:
    with pytest.warns(UserWarning, match="1 of 1 cells of colour are unlike those of the training"):
        encoder({"age": 4, "colour": "violet", "member": "no", "height": 170.0})
    with pytest.warns(UserWarning, match="1 of 1 cells of height are infinite"):
        encoder({"age": 4, "colour": "red", "member": "no", "height": float("inf")})


def test_a_decimal_comma_is_said(encoder: TableReadyEncoder) -> None:
    row = {"age": 4, "colour": "red", "member": "no"}
    with pytest.warns(UserWarning, match="1 of 1 cells of height hold a comma"):
        close(encoder({**row, "height": "170,5"}), encoder({**row, "height": 170.5}))


def test_files_of_before_take_prepared_rows(weights: Path, store: Store, tmp_path: Path) -> None:
    made = untrained_encoder("MLP", 1, seed=0, blocks=block_sizes(store))
    save_encoder(tmp_path / "old.safetensors", made.encoder, columns=column_names(store), metadata={})
    old, new = randquant.load(tmp_path / "old.safetensors"), randquant.load(weights)
    assert torch.equal(old(store.every_row()), new(store.every_row()))
    with pytest.raises(UserError, match="do not say how cells become numbers"):
        old({"age": 4})


WRONG: dict[str, tuple[Callable[[TableReadyEncoder], Any], str]] = {
    "size": (lambda encoder: encoder(np.zeros(3)), r"expected numbers \(7,\)"),
    "NaN": (lambda encoder: encoder(np.full(7, np.nan)), "a missing cell of a prepared row is 0"),
    "column": (lambda encoder: encoder({"age": 4}), "a row lacks the column colour"),
    "cell": (lambda encoder: encoder(["old", "red", "no", 1.7]), "age holds 'old' where number is expected"),
    "cells": (lambda encoder: encoder([1, 2]), "the 4 columns age, colour"),
    "type": (lambda encoder: encoder("red"), "a row is str"),
    "blocks": (lambda encoder: randquant.load("untrained:MLP:1"), "give blocks="),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_taken_is_said(encoder: TableReadyEncoder, what: str) -> None:
    call, message = WRONG[what]
    with pytest.raises(UserError, match=message):
        call(encoder)
