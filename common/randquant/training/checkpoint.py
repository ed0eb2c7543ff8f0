"""A training run on disk: whole checkpoints only, and the settings they belong to.

RUN/config.yaml         the resolved settings; `--config RUN/config.yaml` repeats the run
RUN/checkpoint.pt       the last whole state
RUN/log.csv             one row every few steps
RUN/init.safetensors    with --init: the weights it began with
RUN/last.safetensors    with --keep best: the weights it ended with, and
RUN/candidates.csv      what lies between the two, of which the best are kept
RUN/encoder.safetensors written last: its presence means the run is finished

A checkpoint is a PyTorch file like any other; the comment of its zip archive is the SHA-256 of all bytes before it, so
that no damage goes unnoticed. Those of version 1 have none.
"""

import hashlib
import pickle
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import torch

from randquant.errors import DataError, UsageError
from randquant.files.atomic import atomic_path

FORMAT = "randquant-checkpoint"
VERSION = 2
HASHED_SINCE = 2
REMEDY = "restore a copy, or choose another --out to train again."
_LABEL = b"sha256="
_COMMENT = len(_LABEL) + 64  # bytes
_BLOCK = 1 << 20
_UNREADABLE = (
    *(RuntimeError, pickle.UnpicklingError, EOFError, zipfile.BadZipFile, ValueError, KeyError, TypeError),
    *(AttributeError, IndexError, OverflowError, MemoryError, AssertionError),
)


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers, strings and containers of them, atomically."""
    # Through a file of Python's: PyTorch's own writer does not say why it could not write.
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        hashed = _Hashed(file)
        try:
            torch.save({"format": FORMAT, "version": VERSION, **state}, hashed)  # type: ignore[arg-type]
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):  # such as a full disk, which closing the archive had hidden
                raise error.__context__ from None
            raise
        file.seek(-2, 2)  # the length of the comment, the last field of a zip archive
        file.write(_COMMENT.to_bytes(2, "little") + _LABEL + hashed.digest.hexdigest().encode())


def load_checkpoint(path: Path, needed: Iterable[str] = ()) -> dict[str, Any]:
    """Read a checkpoint of ours onto the CPU; nothing in the file is executed.

    Args:
        path: of the file.
        needed: what it has to hold.

    Raises:
        DataError: missing, damaged, not ours, of another version, without what is needed, or holding more than data.
    """
    hashed = check_hash(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except _UNREADABLE:
        raise DataError(f"{path} is not a complete checkpoint of ours; {REMEDY}") from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise DataError(f"{path} is not a randquant training checkpoint; give the run's folder or its encoder file.")
    check_version(path, state, hashed=hashed)
    missing = [name for name in needed if name not in state]
    if missing:
        raise DataError(f"{path} lacks {', '.join(missing)}, so it was changed after it was saved; {REMEDY}")
    return state


def check_version(path: Path, state: Mapping[str, Any], *, hashed: bool) -> None:
    """Refuse a checkpoint of a version that this program does not read, or one that has lost its hash.

    Args:
        path: of the file.
        state: what it holds.
        hashed: whether a hash was found and held, as `check_hash` says.

    Raises:
        DataError: it is one of these.
    """
    version = state.get("version")
    if not isinstance(version, int) or not 1 <= version <= VERSION:
        raise DataError(
            f"{path} has checkpoint version {version}, this program reads versions 1 to {VERSION}; "
            "use the program that wrote it or train again."
        )
    if version >= HASHED_SINCE and not hashed:
        raise _damaged(path)


def check_hash(path: Path) -> bool:
    """Check a PyTorch file against the hash at its end; false if it has none, as files of others.

    Raises:
        DataError: missing, or damaged.
    """
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            if size <= _COMMENT:
                return False
            file.seek(-_COMMENT, 2)
            comment = file.read()
            if not comment.startswith(_LABEL):
                return False
            digest = _digest(file, size - _COMMENT)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; check the path.") from None
    if comment != _LABEL + digest.encode():
        raise _damaged(path)
    return True


def check_same_settings(stored: dict[str, Any], wanted: dict[str, Any], *, free: set[str], run: Path) -> None:
    """Refuse to continue a run under other settings; `free` names the settings that do not change its result.

    Raises:
        UsageError: names every setting that differs.
    """
    differing = [
        f"{name} was {stored.get(name)!r} and is now {wanted.get(name)!r}"
        for name in sorted(stored.keys() | wanted.keys())
        if name not in free and stored.get(name) != wanted.get(name)
    ]
    if differing:
        raise UsageError(
            f"{run} holds a run with other settings ({'; '.join(differing)}); repeat its settings "
            f"(--config {run / 'config.yaml'}) or choose another --out."
        )


class _Hashed:
    """A file that is written from its beginning to its end, and the hash of what was written."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def write(self, data: Any) -> int:
        self.digest.update(data)
        return self.file.write(data)

    def flush(self) -> None:
        self.file.flush()


def _digest(file: IO[bytes], size: int) -> str:
    """Of the archive as it was before it had a comment, whose length, the last two bytes, was zero."""
    digest = hashlib.sha256()
    file.seek(0)
    left = size - 2
    while left > 0 and (block := file.read(min(_BLOCK, left))):
        digest.update(block)
        left -= len(block)
    length = file.read(2)
    # Any other length would pass unnoticed as two zeros.
    digest.update(bytes(2) if length == _COMMENT.to_bytes(2, "little") else length)
    return digest.hexdigest()


def _damaged(path: Path) -> DataError:
    return DataError(f"{path} is damaged: its content is not what its SHA-256 says; {REMEDY}")
