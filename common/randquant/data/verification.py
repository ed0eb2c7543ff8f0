"""Verify that a store's shards hold the bytes that were written.

Hashing a store takes as long as reading it, hours for the largest, so it is not done at every opening. A shard that
was hashed is stamped with its size and time of modification in `verified.json`; the writer stamps what it writes. A
shard whose stamp fits is believed, any other is hashed before its rows or the store's content hash are given out, once:
after a copy that kept no times, for a store of an older version, or where somebody wrote into it. Damage that leaves
the time as it was, as of a failing disk, is found by `python -m scripts.doctor store`, which hashes everything.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from randquant.cli.progress import bar
from randquant.data.shard import HEADER_BYTES, shard_path
from randquant.errors import DataError
from randquant.files.atomic import write_json

FILE = "verified.json"
_BLOCK = 1 << 20  # bytes read at once

Stamp = tuple[int, int]  # bytes and time of modification in ns


class Verification:
    """The verified shards of an open store.

    Args:
        store: its folder.
        shards: what store.json says of each, with its `sha256`.
        stamps: of the shards as they are now.
    """

    def __init__(self, store: Path, shards: Sequence[Mapping[str, Any]], stamps: Sequence[Stamp]) -> None:
        self._store, self._stamps = store, stamps
        self._hashes = [str(shard["sha256"]) for shard in shards]
        known = _read(store)
        self.known = [known.get(_name(number)) == stamp for number, stamp in enumerate(stamps)]

    def require(self, number: int) -> None:
        """Hash a shard, unless it is known.

        Raises:
            DataError: it holds other bytes than were written.
        """
        if not self.known[number]:
            self._require(number, lambda size: None)
            self.known[number] = True

    def require_all(self) -> None:
        """Hash all shards that are not known, and stamp them.

        Raises:
            DataError: one holds other bytes than were written.
        """
        left = [number for number, known in enumerate(self.known) if not known]
        if left:
            self._hash(left)

    def damaged(self) -> list[str]:
        """What is wrong with each shard that holds other bytes than were written, all of them hashed again."""
        wrong: list[str] = []
        self._hash(range(len(self.known)), wrong)
        return wrong

    def _hash(self, numbers: Sequence[int], wrong: list[str] | None = None) -> None:
        """Hash shards, and stamp them where all are whole; damage is added to `wrong`, an error without that list."""
        size = sum(self._stamps[number][0] for number in numbers)
        with bar(label=f"checking {self._store.name}", unit="bytes", total=size) as display:
            for number in numbers:
                try:
                    self._require(number, display.update)
                    self.known[number] = True
                except DataError as error:
                    if wrong is None:
                        raise
                    wrong.append(str(error))
        if not wrong:
            with suppress(OSError):  # a store that may only be read is hashed by every process that opens it
                stamp(self._store, self._stamps)

    def _require(self, number: int, on_bytes: Callable[[int], Any]) -> None:
        path = shard_path(self._store, number)
        if rows_sha256(path, on_bytes) != self._hashes[number]:
            raise DataError(
                f"{path} does not hold what was written (its SHA-256 is another); restore it from a copy, or delete "
                f"{self._store} and prepare it again."
            )


def rows_sha256(path: Path, on_bytes: Callable[[int], Any] = lambda size: None) -> str:
    """SHA-256 of a shard's rows."""
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        file.seek(HEADER_BYTES)
        while block := file.read(_BLOCK):
            digest.update(block)
            on_bytes(len(block))
    return digest.hexdigest()


def stamp_of(path: Path) -> Stamp:
    """A file's size and time of modification."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def stamp(store: Path, stamps: Sequence[Stamp]) -> None:
    """Keep that all shards are whole."""
    write_json(store / FILE, {_name(number): list(each) for number, each in enumerate(stamps)})


def _read(store: Path) -> dict[str, Stamp]:
    try:
        found = json.loads((store / FILE).read_text(encoding="utf-8"))
        return {name: (int(size), int(modified)) for name, (size, modified) in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _name(number: int) -> str:
    return f"{number:05d}.npy"
