"""Parquet files by their path alone.

pyarrow takes a relative path that begins with a word and a colon for an address, ~ for the home folder, and, reading
whole tables, a folder named a=b for a column.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from randquant.extras import needs

with needs("train"):
    import pyarrow as pa
    import pyarrow.parquet as pq


def open_parquet(path: str | Path, **options: Any) -> pq.ParquetFile:
    """The open file, with the options of `pyarrow.parquet.ParquetFile`."""
    return pq.ParquetFile(os.path.abspath(path), **options)


def parquet_schema(path: str | Path) -> pa.Schema:
    """The columns of a file and their types."""
    return pq.read_schema(os.path.abspath(path))


def read_parquet(
    path: str | Path, columns: Sequence[str] | None = None, *, schema: pa.Schema | None = None
) -> pa.Table:
    """The table of a file: all of its columns or some, read as those of `schema` where one is given."""
    wanted = None if columns is None else list(columns)
    return pq.read_table(os.path.abspath(path), columns=wanted, schema=schema, partitioning=None)
