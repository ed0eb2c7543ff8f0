"""Data folders of Kaldi and what is built like it (ESPnet, WeNet, icefall): wav.scp, segments, utt2spk, text, ...

Commands in wav.scp are refused and never run. Archives (`FILE.ark:OFFSET`) are read in place.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from randquant.audio.crops import SAMPLE_RATE
from randquant.audio.samples import Channel, Intake
from randquant.cli.spelling import did_you_mean
from randquant.data_prep.dataset import Dataset
from randquant.data_prep.engine.plan import Item, Plan, Reader, Reading
from randquant.data_prep.exchange.held_file import Media
from randquant.data_prep.exchange.kaldi_files import SCP, SEGMENTS, SPEAKERS, Recording, recordings, segments, table
from randquant.data_prep.exchange.splits import Splitting
from randquant.data_prep.recordings import read_recording, read_window, samples
from randquant.data_prep.scan import existing_folder, file_size
from randquant.data_prep.validation import SHARE, TEST_SHARE
from randquant.errors import DataError, UsageError

_SIZED, _FLAC = b"AUDIO", b"fLaC"
# How other entries of archives begin.
_NO_SOUND = {b"\0B": "a matrix of features", b"NPY": "an array", b"PKL": "a pickle, which is never loaded,"}


def plan_kaldi(
    root: str | Path,
    *,
    label: str | None = None,
    group: str | None = None,
    audio: Path | None = None,
    split: Sequence[str] | None = None,
    validation: float = SHARE,
    test: float = TEST_SHARE,
    channel: Channel = "mean",
    peak_normalise: bool = False,
) -> Plan:
    """Prepare a Kaldi data folder: wav.scp, with segments, and a label an utterance from utt2spk, text or the like.

    Args:
        root: folder with wav.scp, or of folders with one, each of which is a split: train, dev, test_clean, …
        label: file of the folder with a value for every utterance (utt2spk, utt2lang, text, …) or speaker (spk2gender).
        group: the same for what belongs together; by default utt2spk, where it is there and not the label.
        audio: folder that relative paths in wav.scp start from; by default its own, or one above it where they are.
        split: folders to take, all by default; train=NAME, valid=NAME or test=NAME says what one of another name is.
        validation: share of each class of train that becomes valid, where there is no such split; 0 for none.
        test: share of each class that becomes test, where there is only one folder; 0 for none.
        channel: of recordings: the mean of all, the left, the right, or the loudest of each.
        peak_normalise: of recordings: scale each so that its largest sample is full scale.

    Raises:
        DataError: there is no wav.scp, a file is damaged, or an entry is a command.
        UsageError: a file or split that is named is not there.
    """
    splitting, root = Splitting(split, validation, test), existing_folder(root)
    folders = [_Folder(place, name) for place, name in _folders(root)]
    found = [utterance for folder in folders for utterance in folder.utterances(label, group, audio)]
    top = os.path.commonpath([os.path.dirname(each.path) for each in found])
    items, told = splitting.placed([each.item(top) for each in found])
    missing = list(dict.fromkeys(each.path for each in found if not os.path.isfile(each.path)))
    unlabelled = sum(each.label is None for each in found) if label is not None else 0
    remarks = [*told["remarks"], *([f"utterances without a line in {label}: {unlabelled:,}"] if unlabelled else [])]
    if label is None:
        remarks.append(f"nothing is labelled; --label names a file, of {', '.join(folders[0].tables()) or 'none'}")
    source = {"dataset": DATASET.name, "root": str(root), "label": label, "missing": len(missing), **told}
    archives = frozenset(os.path.relpath(each.path, top) for each in found if each.in_archive)
    reader = _reader(Media("audio", Intake(channel, peak_normalise)), Path(top), archives)
    relative = [os.path.relpath(path, top) for path in missing]
    return Plan(Path(top), items, reader, {**source, "remarks": remarks}, relative)


@dataclass(frozen=True)
class _Utterance:
    """A recording, or a part of it: bytes of an archive or samples of a file."""

    path: str
    window: tuple[int, int] | None
    in_archive: bool
    label: str | None
    group: str | None
    split: str | None

    def item(self, top: str) -> Item:
        size = file_size(Path(self.path))
        if self.window is not None:
            size = min(size, (self.window[1] - self.window[0]) * (1 if self.in_archive else 2))
        path = Path(os.path.relpath(self.path, top)).as_posix()
        return Item(path, size, self.label, self.group, self.split, self.window)


class _Folder:
    """One data folder; `name` is that of its split, None for a lone one."""

    def __init__(self, path: Path, name: str | None) -> None:
        self.path, self.name = path, name

    def tables(self) -> list[str]:
        """Files that may give labels."""
        names = sorted(path.name for path in self.path.iterdir() if path.is_file() and "." not in path.name)
        return [name for name in names if name.startswith(("utt2", "spk2", "text")) and name != "spk2utt"]

    def utterances(self, label: str | None, group: str | None, audio: Path | None) -> Iterator[_Utterance]:
        """All utterances, with their labels and groups."""
        speakers = table(self.path / SPEAKERS) if (self.path / SPEAKERS).is_file() else {}
        labels = self._values(label, "--label")
        groups = self._values(group, "--group") if group else speakers if label != SPEAKERS else {}
        for key, recording, window in self._parts(audio):
            its, own = (values.get(key, values.get(speakers.get(key, ""))) for values in (labels, groups))
            yield _Utterance(recording.path, window, recording.place is not None, its, own, self.name)

    def _parts(self, audio: Path | None) -> Iterator[tuple[str, Recording, tuple[int, int] | None]]:
        entries = {entry.key: entry for entry in recordings(self.path / SCP, audio)}
        if not entries:
            raise DataError(f"{self.path / SCP} has no entries; add the recordings.")
        if not (self.path / SEGMENTS).is_file():
            yield from ((entry.key, entry, entry.place) for entry in entries.values())
            return
        for segment in segments(self.path / SEGMENTS):
            entry = entries.get(segment.recording)
            where = f"{self.path / SEGMENTS} takes {segment.key} from {segment.recording}"
            if entry is None:
                raise DataError(f"{where}, which wav.scp does not name; add it, or remove the line.")
            if entry.place is not None:
                raise DataError(f"{where}, which lies in an archive; write the utterances as files (extract-segments).")
            stop = samples(Path(entry.path)) if segment.end is None else round(segment.end * SAMPLE_RATE)
            if stop is None:
                raise DataError(f"{where} up to its end, which {entry.path} does not state; give the end in seconds.")
            yield segment.key, entry, (round(segment.begin * SAMPLE_RATE), stop)

    def _values(self, name: str | None, flag: str) -> Mapping[str, str]:
        if name is None:
            return {}
        if Path(name).name != name or not (self.path / name).is_file():
            near = did_you_mean(name, self.tables())
            raise UsageError(f"{flag} {name} is no file of {self.path}{near}; it has {', '.join(self.tables())}.")
        return table(self.path / name)


def _folders(root: Path) -> list[tuple[Path, str | None]]:
    if (root / SCP).is_file():
        return [(root, None)]
    found = sorted(path.parent for path in root.glob(f"*/{SCP}"))
    if not found:
        raise DataError(f"{root} holds no {SCP}, nor does a folder in it; give a data folder.")
    return [(folder, folder.name) for folder in found]


def _reader(media: Media, top: Path, archives: frozenset[str]) -> Reader:
    whole, part = partial(read_recording, intake=media.intake), partial(read_window, intake=media.intake)
    if not archives:
        return Reader("audio", whole, media.files.settings, part)
    window = partial(_read_part, media=media, archives=frozenset(str(top / name) for name in archives))
    return Reader("audio", whole, media.files.settings, window)


def _read_part(path: Path, start: int, stop: int, media: Media, archives: frozenset[str]) -> Reading:
    """Samples of a file, or the bytes of one entry of an archive; its key becomes the column `file`."""
    if str(path) not in archives:
        return read_window(path, start, stop, media.intake)
    try:
        with open(path, "rb") as file:
            file.seek(max(start, 0))
            key, space, data = file.read(stop - start).partition(b" ")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the path.") from None
    name = f"{path}:{start + len(key) + 1}"
    columns, blocks = media.read(_sound(data if space else b"", name), name)
    columns["file"] = key.decode(errors="replace")
    return columns, blocks


def _sound(data: bytes, name: str) -> bytes:
    """The file at the beginning of what reaches to the next entry that wav.scp names."""
    if data.startswith(b"RIFF"):
        return data[: 8 + int.from_bytes(data[4:8], "little")]
    if data.startswith(_SIZED):  # kaldiio's: the size of the size, the size, the file
        start = len(_SIZED) + 1 + data[len(_SIZED)]
        return data[start : start + int.from_bytes(data[len(_SIZED) + 1 : start], "little")]
    if not data.startswith(_FLAC):
        found = next((what for sign, what in _NO_SOUND.items() if data.startswith(sign)), "no WAV or FLAC")
        raise DataError(f"{name} holds {found} instead of sound; give the wav.scp of the recordings.")
    if b" " + _FLAC in data:
        raise DataError(f"{name} runs into entries that wav.scp does not name, and FLAC states no end; name them all.")
    return data


DATASET = Dataset(
    name="kaldi",
    title="a Kaldi data folder",
    licence="as that of the recordings",
    source="https://kaldi-asr.org/doc/data_prep.html",
    tree="wav.scp, segments, utt2spk, text, …\nor train/wav.scp … dev/wav.scp … test/wav.scp …",
    marks=(SCP, f"*/{SCP}"),
    plan=plan_kaldi,
    by_hand="every recipe of Kaldi writes such folders: data/train, data/test",
)
