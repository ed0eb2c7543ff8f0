"""Embedding tables: ids, other columns, embeddings and their provenance, in the format that the suffix names."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.data.mapped_pages import let_go
from randquant.embedding.table_formats import format_of
from randquant.extras import needs

with needs("train"):
    import pyarrow as pa

_ROWS = 4096  # a row group of the table


def write_table(
    out: Path,
    columns: Mapping[str, pa.Array],
    vectors: NDArray[np.float32],
    provenance: Mapping[str, Any],
    *,
    order: Sequence[int] | None = None,
) -> None:
    """Write the columns and, as the last, `embedding`, a fixed-size list of float32; atomically.

    Args:
        out: file to write, in the format of its suffix (`randquant.embedding.table_formats`).
        columns: n values each.
        vectors: (n, D) float32.
        provenance: JSON values, kept under the key "randquant" of the schema's metadata, or beside the table.
        order: which vector belongs to each row; they are in order where None.
    """
    fields = [(name, values.type) for name, values in columns.items()]
    embedding = pa.list_(pa.float32(), vectors.shape[1])
    metadata = {"randquant": json.dumps(provenance, ensure_ascii=False)}
    schema = pa.schema([*fields, ("embedding", embedding)], metadata=metadata)
    rows = np.arange(len(vectors)) if order is None else np.asarray(order)

    def parts() -> Iterator[pa.Table]:
        for first in range(0, len(rows), _ROWS):
            flat = pa.array(vectors[rows[first : first + _ROWS]].reshape(-1))
            let_go(vectors)
            part = {name: values[first : first + _ROWS] for name, values in columns.items()}
            part["embedding"] = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
            yield pa.table(part, schema=schema)

    format_of(out).write(out, schema, parts(), len(rows))
