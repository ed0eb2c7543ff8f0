"""Sounds and pictures whose file is held in memory: a cell of a table, a member of an archive.

They are read as files are, to the same bits, and nothing is unpacked to a disk.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from randquant.audio.samples import PLAIN, Intake
from randquant.data_prep.engine.plan import Reader
from randquant.data_prep.pictures import KEEP, Keep, picture_rows, pictures_reader
from randquant.data_prep.recordings import read_recording, recordings_reader
from randquant.errors import DataError

Kind = Literal["audio", "images"]

_PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*")  # how files of pictures begin


@dataclass(frozen=True)
class Media:
    """What held files are and how they become rows of a store.

    Attributes:
        kind: recordings or pictures.
        intake: how recordings become samples.
        keep: of pictures, as in `randquant.data_prep.pictures.pictures_reader`.
    """

    kind: Kind
    intake: Intake = PLAIN
    keep: Keep = KEEP

    @property
    def files(self) -> Reader:
        """The reader of such files on a disk, whose settings hold for those in memory too."""
        return recordings_reader(self.intake) if self.kind == "audio" else pictures_reader(self.keep)

    def read(self, data: bytes, name: str) -> tuple[dict[str, Any], Iterable[NDArray]]:
        """Columns and rows of the file `name` with the content `data`; the columns are complete after the last row.

        Raises:
            DataError: as the reader of files does, here or while the rows are read.
        """
        return picture_rows(data, name, self.keep) if self.kind == "images" else _read_sound(data, name, self.intake)


def kind_of(data: bytes) -> Kind:
    """What a file's first bytes say it holds; sound where they are those of no picture."""
    webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return "images" if webp or data.startswith(_PICTURES) else "audio"


class _MemoryFile:
    """A file without a place on a disk, where the system has such files; `path` opens it."""

    def __init__(self, data: bytes) -> None:
        if hasattr(os, "memfd_create"):
            self._file: Any = os.fdopen(os.memfd_create("held"), "wb")
            self.path = Path(f"/proc/self/fd/{self._file.fileno()}")
        else:
            self._file = tempfile.NamedTemporaryFile()  # noqa: SIM115
            self.path = Path(self._file.name)
        self._file.write(data)
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def __del__(self) -> None:
        self.close()  # rows that nobody asked for leave it open


def _read_sound(data: bytes, name: str, intake: Intake) -> tuple[dict[str, Any], Iterable[NDArray]]:
    if not data:
        raise DataError(f"{name} is empty (0 bytes); restore it or leave it out.")
    held = _MemoryFile(data)
    with _named(held.path, name):
        columns, blocks = read_recording(held.path, intake)

    def rows() -> Iterator[NDArray]:
        with _named(held.path, name):
            yield from blocks
        held.close()

    return columns, rows()


@contextmanager
def _named(path: Path, name: str) -> Iterator[None]:
    """Errors speak of the file by its name."""
    try:
        yield
    except DataError as error:
        raise DataError(str(error).replace(str(path), name)) from None
