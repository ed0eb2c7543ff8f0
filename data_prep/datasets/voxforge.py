"""VoxForge (voxforge.org), spoken language identification: de, en, es, fr, it, ru.

Volunteers' submissions before 2020, one archive each, listed in `voxforge_urls.txt` by lines

    www.repository.voxforge1.org/downloads/<language>/Trunk/Audio/Main/16kHz_16bit/<speaker>-<date>-<id>.tgz

Unpacked they make folders of the archive's name, at any depth below the root, so that both of these do:

    <archive>/wav/*.wav
    <language>/Trunk/Audio/Main/16kHz_16bit/<archive>/wav/*.wav

Recordings are the files that end in `.wav`; a submission that has FLAC alone gives none, as in the published
sets. Language and speaker come from the list, not from the folders: the language is the two characters before
`/Trunk`, the speaker what stands before the first hyphen of the archive's name (`anonymous` counts as one).
Group: the speaker.

Two splits are in use, and accuracies on them are not comparable:

- `speaker`: that of TensorFlow Datasets' `voxforge` 1.0.0, made of 176,438 recordings. 70, 10 and 20 % of the
  speakers, all languages together; nobody is in two splits. It is drawn over the speakers of the *list*, so
  whoever holds part of the data has that part of the very same splits.
- `evar`: the table `voxforge.csv` that comes with EVAR (not with this package: its licence does not allow it). It
  splits archives, not speakers, so people are heard in training and in test.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from randquant.data_prep.dataset import Archive, Dataset, Download
from randquant.data_prep.engine.plan import Item, Plan
from randquant.data_prep.formats.csv_reader import read_csv
from randquant.data_prep.layout import find_root
from randquant.data_prep.listing import find_list, read_lines
from randquant.data_prep.recordings import RECORDINGS
from randquant.data_prep.scan import files_below
from randquant.errors import DataError, UsageError

LANGUAGES = ("de", "en", "es", "fr", "it", "ru")
LIST = "voxforge_urls.txt"
URL = f"https://storage.googleapis.com/tfds-data/downloads/voxforge/{LIST}"
ARCHIVES = 13_837  # lines of the published list

_WHAT = f"VoxForge's list of archives {LIST}"
_TABLE = "EVAR's table of VoxForge"
_SHARES = (("train", 0.7), ("valid", 0.1), ("test", 0.2))
_TABLE_SPLITS = {"train": "train", "valid": "valid", "val": "valid", "validation": "valid", "test": "test"}
_DEPTH = 12  # folders below the root

Split = Literal["speaker", "evar"]


@dataclass(frozen=True)
class Submission:
    """One line of the list.

    Attributes:
        url: as listed, without a scheme.
        archive: its file name without the suffix; no two submissions share one.
        speaker: the name before the first hyphen.
        language: one of `LANGUAGES`.
    """

    url: str
    archive: str
    speaker: str
    language: str


@dataclass
class _Found:
    """The recordings and archives found below the root.

    Attributes:
        recordings: path and bytes by archive and file name.
        flac: known archives that have FLAC files.
        unlisted: recordings of no known archive.
        doubled: recordings that are there again elsewhere.
    """

    recordings: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    flac: set[str] = field(default_factory=set)
    unlisted: int = 0
    doubled: int = 0


def plan_voxforge(
    root: str | Path, split: Split = "speaker", urls: Path | None = None, csv: Path | None = None
) -> Plan:
    """The available recordings of the list or the table, sorted by path.

    Part of the data is enough; archives of the list, or recordings of the table, that are absent are counted as
    `missing`, recordings that are there and not known are left out and counted as `unlisted`.

    Args:
        root: folder that holds the unpacked archives.
        split: "speaker", as TensorFlow Datasets draws it, or "evar", which takes EVAR's table.
        urls: the list of submissions; voxforge_urls.txt at the root by default.
        csv: EVAR's table, for --split evar.

    Raises:
        DataError: no VoxForge below `root`; list or table missing, wrong or with repeats; none of its
            recordings is there.
        UsageError: `csv` without `evar` or the other way round.
    """
    if (csv is None) != (split == "speaker"):
        raise UsageError("--split evar takes EVAR's table by --csv, and --split speaker takes none; give both or none.")
    root = find_root(root, DATASET)
    if csv is not None:
        return _plan_table(root, csv)
    found = urls or find_list(root, LIST)
    if found is None:
        raise DataError(f"{root} has no {LIST}; download it from {URL} to there, or name it with --urls.")
    return _plan_speakers(root, found)


def speaker_splits(speakers: Iterable[str]) -> dict[str, str]:
    """The split of every speaker, exactly as TensorFlow Datasets' `voxforge` 1.0.0 draws it.

    The distinct speakers, sorted, are shuffled by numpy's legacy generator with seed 0 and cut at
    `int(share * n)`. The shares are added up as floating-point numbers, 0.7 + 0.1 < 0.8, and that decides the
    second cut: ten speakers make 7, 0 and 3.

    Raises:
        DataError: fewer than three speakers.
    """
    groups = sorted(set(speakers))
    if len(groups) < len(_SHARES):
        raise DataError(f"{len(groups)} speakers cannot be split in three; give the whole {LIST} ({URL}).")
    np.random.RandomState(0).shuffle(groups)
    splits: dict[str, str] = {}
    total = 0.0
    for name, share in _SHARES:
        start, total = int(total * len(groups)), total + share
        stop = len(groups) if name == _SHARES[-1][0] else int(total * len(groups))
        splits |= dict.fromkeys(groups[start:stop], name)
    return splits


def read_submissions(path: str | Path) -> list[Submission]:
    """The lines of the list, in order.

    Raises:
        DataError: it is missing or no such list, or names an archive twice.
    """
    path, submissions = Path(path), []
    seen: set[str] = set()
    for number, line in enumerate(read_lines(path, _WHAT), start=1):
        url = line.replace('"', "").replace("'", "")
        if not url:
            continue
        submission = _submission(path, number, url)
        if submission.archive in seen:
            raise DataError(f"{path} names the archive {submission.archive} twice (again in line {number}); fix it.")
        seen.add(submission.archive)
        submissions.append(submission)
    if not submissions:
        raise DataError(f"{path} is empty where {_WHAT} is expected; download it from {URL}.")
    return submissions


def archive_downloads(path: str | Path) -> list[Download]:
    """Downloads of the archives in the list, saved in one folder.

    Raises:
        DataError: as `read_submissions`.
    """
    return [Download(f"http://{item.url}", item.url.rpartition("/")[2]) for item in read_submissions(path)]


def _submission(path: Path, number: int, url: str) -> Submission:
    folder, _, name = url.removeprefix("https://").removeprefix("http://").rpartition("/")
    language = folder.partition("/Trunk")[0][-2:] if "/Trunk" in folder else ""
    stem = name.removesuffix(".tgz").removesuffix(".tar.gz")
    if language not in LANGUAGES or stem == name:
        raise DataError(
            f"{path} line {number} reads {url[:80]!r} where {_WHAT} has lines …/<language>/Trunk/…/<archive>.tgz with "
            f"a language of {', '.join(LANGUAGES)}; download it from {URL}."
        )
    return Submission(f"{folder}/{name}", stem, name.split("-")[0], language)


def _plan_speakers(root: Path, urls: Path) -> Plan:
    submissions = {item.archive: item for item in read_submissions(urls)}
    splits = speaker_splits(item.speaker for item in submissions.values())
    found = _recordings(root, submissions.keys())
    items = []
    for (archive, _), (path, size) in found.recordings.items():
        submission = submissions[archive]
        items.append(Item(path, size, submission.language, submission.speaker, splits[submission.speaker]))
    with_wav = {archive for archive, _ in found.recordings}
    absent = sorted(submissions.keys() - with_wav - found.flac)
    split_source = "TFDS voxforge 1.0.0: 70/10/20 % of the speakers of the list, RandomState(0)"
    extra = {
        "archives_listed": len(submissions),
        "archives_published": ARCHIVES,
        "archives_without_wav": len(found.flac - with_wav),
        "unlisted": found.unlisted,
        "doubled": found.doubled,
    }
    return _plan(root, urls, items, split_source, absent, extra)


def _plan_table(root: Path, table: Path) -> Plan:
    rows = _read_table(table)
    found = _recordings(root, (archive for archive, _ in rows))
    items = []
    for archive, name in found.recordings.keys() & rows.keys():
        path, size = found.recordings[archive, name]
        items.append(Item(path, size, rows[archive, name][0], archive.split("-")[0], rows[archive, name][1]))
    missing = sorted(f"{archive}/wav/{name}" for archive, name in rows.keys() - found.recordings.keys())
    split_source = f"{table.name}: archives drawn at random, not speaker-disjoint"
    extra = {
        "published": {"all": 176_428},
        "listed": len(rows),
        "unlisted": found.unlisted + len(found.recordings.keys() - rows.keys()),
        "doubled": found.doubled,
    }
    return _plan(root, table, items, split_source, missing, extra)


def _plan(
    root: Path, known_by: Path, items: list[Item], split_source: str, missing: list[str], extra: Mapping[str, Any]
) -> Plan:
    if not items:
        raise DataError(
            f"{root} holds no recording of an archive that {known_by} names; unpack the archives there or check --root."
        )
    items.sort(key=lambda item: item.path)
    learned = {item.group for item in items if item.split == "train"}
    tested = {item.group for item in items if item.split == "test"}
    about = DATASET.describe(root, items, split_source, missing=missing)
    speakers = {"test_speakers": len(tested), "test_speakers_in_train": len(tested & learned)}
    return Plan(root, items, RECORDINGS, {**about, **speakers, **extra}, missing)


def _recordings(root: Path, archives: Iterable[str]) -> _Found:
    """The recordings of known archives."""
    known, found = set(archives), _Found()
    for path, size in sorted(files_below(root, (".wav", ".flac"), depth=_DEPTH)):
        *folders, name = path.split("/")
        archive = next((folder for folder in folders if folder in known), None)
        if not name.endswith(".wav"):  # in small letters, as the published sets have it
            found.flac.update([archive] if archive else [])
        elif archive is None:
            found.unlisted += 1
        elif (archive, name) in found.recordings:
            found.doubled += 1
        else:
            found.recordings[archive, name] = (path, size)
    return found


def _read_table(table: Path) -> dict[tuple[str, str], tuple[str, str]]:
    """Label and split by archive and file name."""
    rows: dict[tuple[str, str], tuple[str, str]] = {}
    for line, row in read_csv(table, ("file_name", "label", "split"), _TABLE):
        key = _key(row["file_name"])
        label, split = row["label"].strip(), _TABLE_SPLITS.get(row["split"].strip())
        if not all(key):
            raise DataError(f"{table} line {line} has the file {row['file_name']!r} without its archive; fix it.")
        if key in rows:
            raise DataError(f"{table} names {'/'.join(key)} twice (again in line {line}); fix it.")
        if split is None:
            raise DataError(f"{table} line {line} has the split {row['split']!r}; use train, valid or test.")
        if label not in LANGUAGES:
            raise DataError(f"{table} line {line} has the label {label!r}; VoxForge's are {', '.join(LANGUAGES)}.")
        rows[key] = (label, split)
    if not rows:
        raise DataError(f"{table} has a header but no rows where {_TABLE} is expected; give the right file.")
    return rows


def _key(path: str) -> tuple[str, str]:
    """Archive and file name of a recording, without leading folders: `…/<archive>[/wav]/<name>`."""
    *folders, name = path.strip().replace("\\", "/").split("/")
    archive = next((folder for folder in reversed(folders) if folder not in ("wav", ".", "")), "")
    return archive, name


DATASET = Dataset(
    name="voxforge",
    title="VoxForge",
    kind="audio",
    licence="GNU General Public License",
    source="http://www.voxforge.org",
    tree=f"<speaker>-<date>-<id>/wav/*.wav\n<speaker>-…\n{LIST}",
    marks=(LIST, f"meta/{LIST}", "*-*/wav", "??/Trunk/*/*/*/*/wav", "*/downloads/??/Trunk/*/*/*/*/wav"),
    plan=plan_voxforge,
    items={"all": 176_438},
    classes=len(LANGUAGES),
    archives=(Archive("**/*.tgz", into="{stem}"),),
    downloads=(Download(URL, LIST),),
    more_downloads=lambda root: archive_downloads(root / LIST),
)
