"""A Parquet file is found by its path, whatever pyarrow takes such a path for."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from randquant.data.parquet import open_parquet, parquet_schema, read_parquet
from randquant.files.atomic import atomic_path

TABLE = pa.table({"a": [1, 2], "b": ["x", "y"]})


@pytest.mark.parametrize("folder", ["run:1", "file:", "s3:", "~", "a=3", "b=z", "a: b"])
def test_names_that_pyarrow_has_its_own_reading_of(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(folder, "table.parquet")
    with atomic_path(path) as temporary:
        pq.write_table(TABLE, temporary)
    assert [entry.name for entry in Path(folder).iterdir()] == ["table.parquet"]
    assert read_parquet(path).equals(TABLE)
    assert read_parquet(path, ["a"]).equals(TABLE.select(["a"]))
    assert read_parquet(path, schema=TABLE.schema).equals(TABLE)
    assert parquet_schema(path) == TABLE.schema
    with open_parquet(path) as file:
        assert file.read().equals(TABLE)
    with pytest.raises(FileNotFoundError):
        open_parquet(path.with_name("other.parquet"))
