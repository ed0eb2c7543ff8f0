"""The settings of scripts.prepare, by the kind of data; the flags of a dataset's own plan are added to them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from randquant.audio.samples import Channel


@dataclass(frozen=True)
class Settings:
    """What every preparation takes.

    Attributes:
        root: folder of recordings, at any depth; WAV, FLAC, MP3, M4A and others, any rate, any number of
            channels.
        out: store to write.
        workers: processes; by default one per core.
        strict: stop at the first unreadable or missing file instead of listing it at the end.
        dask: address of a Dask scheduler, as in tcp://host:8786, to run on its workers instead.
    """

    root: Path
    out: Path
    workers: int | None = None
    strict: bool = False
    dask: str | None = None


@dataclass(frozen=True)
class MadeUp:
    """What is drawn instead of read.

    Attributes:
        out: store to write.
        workers: processes; by default one per core.
        dask: address of a Dask scheduler, as in tcp://host:8786, to run on its workers instead.
    """

    out: Path
    workers: int | None = None
    dask: str | None = None
    strict: ClassVar[bool] = False  # nothing can be missing


@dataclass(frozen=True)
class Sounds(Settings):
    """Recordings.

    Attributes:
        channel: the mean of all, the left, the right, or the loudest of each recording.
        peak_normalise: scale each recording so that its largest sample is full scale.
    """

    channel: Channel = "mean"
    peak_normalise: bool = False


@dataclass(frozen=True)
class OwnSounds(Sounds):
    """A user's own recordings.

    Attributes:
        sample_rate: of .npy waveforms, which do not state it; 16,000 by default. If given, those among other recordings
            are prepared too.
    """

    sample_rate: int | None = None


@dataclass(frozen=True)
class Labelled(OwnSounds):
    """Recordings named by a table.

    Attributes:
        root: folder the paths in the table start from.
        csv: table with the columns path,label,group,split; group is optional, split is train, valid or test.
    """

    csv: Path = field(kw_only=True)


@dataclass(frozen=True)
class Public(Settings):
    """A public dataset.

    Attributes:
        root: folder with the unpacked files, or with the archives.
        unpack: where archives found in --root are unpacked; STORE.unpacked next to the store by default.
        download: fetch missing archives into --root first.
    """

    unpack: Path | None = None
    download: bool = False


@dataclass(frozen=True)
class PublicTable:
    """A public dataset that is one table.

    Attributes:
        root: folder with the file or its archive, or the file.
        out: store to write.
        unpack: where an archive found in --root is unpacked; STORE.unpacked next to the store by default.
        download: fetch the file into --root first, if it is not there.
    """

    root: Path
    out: Path
    unpack: Path | None = None
    download: bool = False


@dataclass(frozen=True)
class PublicSounds(Sounds, Public):
    """A public dataset of recordings."""


@dataclass(frozen=True)
class PublicWholeFiles(Public):
    """A public dataset in files of many shapes.

    Attributes:
        workers: processes; each loads a whole file, 2 GB for ModelNet40 at 8,192 points.
    """

    workers: int | None = 1


@dataclass(frozen=True)
class OwnPictures(Settings):
    """A user's own pictures.

    Attributes:
        unpack: where a ZIP or TAR file at --root is unpacked; STORE.unpacked next to the store by default.
    """

    unpack: Path | None = None
