"""The hash of a store's content, over its shards and the rows of its manifest."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from randquant.errors import DataError, one_line

Columns = Mapping[str, Sequence[Any]]
Rows = Sequence[Mapping[str, Any]] | Columns  # of one shard: a mapping an item, or a list of values a column


_encoded = json.JSONEncoder(sort_keys=True).encode


def item_count(rows: Rows) -> int:
    """How many items there are."""
    return len(rows["path"]) if isinstance(rows, Mapping) else len(rows)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_hash(path: Path, expected: str | None) -> None:
    """Refuse a manifest that differs from the one that was written, if its hash is known.

    Raises:
        DataError: it was changed, or is missing.
    """
    try:
        if expected is not None and file_sha256(path) != expected:
            raise DataError(f"{path} is damaged (its SHA-256 is another than was written); prepare the store again.")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({one_line(error)}); prepare the store again.") from None


class ContentHash:
    """SHA-256 of a kind, the shards' own SHA-256s, and all rows of the table in order."""

    def __init__(self, kind: str, shards: Sequence[str]) -> None:
        self._digest = hashlib.sha256(kind.encode())
        for line in shards:
            self._digest.update(line.encode())

    def add(self, shard: int, rows: Rows) -> Rows:
        """The same rows, once they have entered."""
        for row in [rows] if isinstance(rows, Mapping) else rows:
            self._digest.update(_encoded({**row, "shard": shard}).encode())
        return rows

    def hexdigest(self) -> str:
        """64 hexadecimal digits."""
        return self._digest.hexdigest()
