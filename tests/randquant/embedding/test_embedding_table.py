"""Tables of vectors: whole or not at all, in order, with their provenance."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from randquant.embedding import embedding_table
from randquant.embedding.embedding_table import write_table
from randquant.errors import DataError
from randquant.files.readable import Readable


def test_rows_follow_the_order_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding_table, "_ROWS", 2)
    vectors = np.arange(15, dtype=np.float32).reshape(5, 3)
    order = [4, 0, 3, 1, 2]
    columns = {"path": pa.array([f"{index}" for index in order])}
    write_table(tmp_path / "x.parquet", columns, vectors, {"name": "é"}, order=order)
    table = pq.read_table(tmp_path / "x.parquet")
    assert table["path"].to_pylist() == ["4", "0", "3", "1", "2"]
    np.testing.assert_array_equal(np.stack(table["embedding"].to_numpy()), vectors[order])
    assert table.schema.field("embedding").type == pa.list_(pa.float32(), 3)
    assert json.loads(table.schema.metadata[b"randquant"]) == {"name": "é"}
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]


def test_what_cannot_be_read_is_passed_over_and_listed() -> None:
    readable = Readable(strict=False)
    outcomes = [("b", DataError("broken")), ("c", 1), ("a", DataError("empty")), ("d", 2)]
    assert list(readable.only(outcomes)) == [(1, 1), (3, 2)]
    assert readable.listed() == [{"path": "a", "reason": "empty"}, {"path": "b", "reason": "broken"}]
    readable.require_some(["a", "c"], "files")
    with pytest.raises(DataError, match="None of the 2 files could be read, the first because: broken"):
        readable.require_some(["b", "a"], "files")
    with pytest.raises(DataError, match="broken"):
        list(Readable(strict=True).only(outcomes))
