"""The tables of a Kaldi data folder: wav.scp, segments, and those of one value an utterance."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from randquant.data_prep.formats.whole_file import read_bytes
from randquant.errors import DataError

SCP, SEGMENTS, SPEAKERS = "wav.scp", "segments", "utt2spk"
_OFFSET = re.compile(r"(.+):(\d+)")
_ABOVE = 4  # folders above wav.scp that its relative paths may start from


@dataclass(frozen=True)
class Recording:
    """An entry of wav.scp.

    Attributes:
        key: of the recording, an utterance where there are no segments.
        path: absolute; of the archive, where it lies in one.
        place: bytes [start, stop) of the archive with the key and the sound; None for a file of its own.
    """

    key: str
    path: str
    place: tuple[int, int] | None = None


@dataclass(frozen=True)
class Segment:
    """An utterance as a part of a recording: seconds from `begin` to `end`, None for its end."""

    key: str
    recording: str
    begin: float
    end: float | None


def table(path: Path) -> dict[str, str]:
    """Key and the rest of every line.

    Raises:
        DataError: the file is missing, no text, a line has a key alone, or a key comes twice.
    """
    found: dict[str, str] = {}
    for number, line in _lines(path):
        key, *rest = line.split(maxsplit=1)
        if not rest:
            raise DataError(f"{path} line {number} has a key alone ({key}); add its value, or remove the line.")
        if key in found:
            raise DataError(f"{path} line {number} repeats the key {key}; keep one of its lines.")
        found[key] = rest[0].strip()
    return found


def recordings(scp: Path, audio: Path | None) -> list[Recording]:
    """The entries of a wav.scp, in its order.

    Args:
        scp: the file.
        audio: folder that relative paths start from; by default the folder of `scp`, or the nearest one above it in
            which the first of them is there.

    Raises:
        DataError: the file is damaged; an entry is a command, a range, or standard input.
    """
    entries = table(scp)
    for key, value in entries.items():
        _refuse_commands(scp, key, value)
    base = _base(scp, audio, entries.values())
    found = [_recording(key, value, base) for key, value in entries.items()]
    return _with_stops(found)


def segments(path: Path) -> Iterator[Segment]:
    """The lines `utterance recording begin end` of a file of segments.

    Raises:
        DataError: it is damaged, or names channels.
    """
    for key, value in table(path).items():
        cells = value.split()
        try:
            begin, end = map(float, cells[1:])
        except ValueError:
            fifth = "a channel" if len(cells) == 4 else "other cells"
            raise DataError(
                f"{path} has {fifth} for {key}, where `utterance recording begin end` is read; fix the line."
            ) from None
        if begin < 0 or (end != -1 and end <= begin) or begin != begin or end != end:
            raise DataError(f"{path} lets {key} last from {begin:g} s to {end:g} s; fix the line.")
        yield Segment(key, cells[0], begin, None if end == -1 else end)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = read_bytes(path).decode()
    except UnicodeDecodeError:
        raise DataError(f"{path} is no text in UTF-8; convert it.") from None
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line.strip()


def _refuse_commands(scp: Path, key: str, value: str) -> None:
    if value.endswith("|") or value.startswith("|"):
        raise DataError(
            f"{scp} gives the command {value[:80]!r} for {key}, and commands are never run; write the files that it "
            "would make (wav-copy does), or name the file itself, as FLAC, MP3 and SPHERE are read."
        )
    if value == "-":
        raise DataError(f"{scp} reads {key} from standard input; write a file.")
    if value.endswith("]"):
        raise DataError(f"{scp} takes a range of {key} ({value[-40:]}), which is not read; write it as a file.")


def _base(scp: Path, audio: Path | None, values: Iterable[str]) -> str:
    """Where relative paths start."""
    folder = os.path.abspath(scp.parent)
    if audio is not None:
        return os.path.abspath(audio)
    relative = next((value for value in values if not os.path.isabs(value)), None)
    above = [folder]
    for _ in range(_ABOVE):
        above.append(os.path.dirname(above[-1]))
    found = (place for place in above if relative and os.path.isfile(os.path.join(place, _parted(place, relative)[0])))
    return next(found, folder)


def _parted(base: str, value: str) -> tuple[str, int | None]:
    """Path and offset; what is there under the whole name is a file."""
    found = _OFFSET.fullmatch(value)
    if found is None or os.path.isfile(os.path.join(base, value)):
        return value, None
    return found[1], int(found[2])


def _recording(key: str, value: str, base: str) -> Recording:
    path, offset = _parted(base, value)
    absolute = os.path.normpath(os.path.join(base, path))
    return Recording(key, absolute, None if offset is None else (offset - len(key.encode()) - 1, offset))


def _with_stops(found: list[Recording]) -> list[Recording]:
    """Entries of archives reach to the next one that is named, the last one to the end of the file."""
    starts: dict[str, set[int]] = defaultdict(set)
    for entry in found:
        if entry.place is not None:
            starts[entry.path].add(entry.place[0])
    ends = {path: os.path.getsize(path) if os.path.isfile(path) else 0 for path in starts}
    stops = {path: dict(pairwise([*sorted(places), ends[path]])) for path, places in starts.items()}
    return [
        replace(entry, place=(entry.place[0], max(stops[entry.path][entry.place[0]], entry.place[1])))
        if entry.place is not None
        else entry
        for entry in found
    ]
