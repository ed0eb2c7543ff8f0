"""Pack a dataset's tree into the archives it is published as."""

import gzip
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from randquant.data.store import SPLITS
from randquant.data_prep.datasets.speech_commands import MAIN, TEST_SET
from randquant.data_prep.datasets.voxceleb1 import LIST as SPLIT_FILE
from randquant.data_prep.datasets.voxforge import LIST as URL_FILE
from randquant.data_prep.synthetic.sounds.voxceleb1 import TEST_SPEAKERS
from randquant.errors import DataError
from randquant.files.atomic import atomic_path

_PARTS = ("a", "b", "c", "d")  # of VoxCeleb1's archive of development
_DATE = (2020, 1, 1, 0, 0, 0)  # of every file in a zip: the same tree makes the same bytes


def pack(dataset: str, root: str | Path, into: str | Path) -> Path:
    """Put a dataset's tree into archives of the published names and inner layout, with the separate lists next to them.

    Args:
        dataset: "nsynth", "us8k", "voxceleb1", "voxforge" or "speech_commands".
        root: what its `write_…` returned.
        into: folder for the archives.

    Returns:
        `into`.

    Raises:
        DataError: the dataset is not published as archives that these tools read, or `root` does not hold it.
    """
    root, into = Path(root), Path(into)
    if dataset not in _PACKERS:
        raise DataError(f"{dataset} is not published as such archives; use one of {', '.join(_PACKERS)}.")
    try:
        _PACKERS[dataset](root, into)
    except FileNotFoundError as error:
        raise DataError(f"{error.filename} does not exist; give the folder that the dataset was written to.") from None
    return into


def _pack_nsynth(root: Path, into: Path) -> None:
    for split in SPLITS:
        _tar(into / f"nsynth-{split}.jsonwav.tar.gz", [(root / f"nsynth-{split}", f"nsynth-{split}")])


def _pack_us8k(root: Path, into: Path) -> None:
    _tar(into / "UrbanSound8K.tar.gz", [(root, "UrbanSound8K")])


def _pack_voxceleb1(root: Path, into: Path) -> None:
    speakers = sorted(folder.name for folder in (root / "wav").iterdir())
    first_test = f"id{TEST_SPEAKERS}"
    _zip(into / "vox1_test_wav.zip", root, (f"wav/{name}" for name in speakers if name >= first_test))
    whole = into / "vox1_dev_wav.zip"
    _zip(whole, root, (f"wav/{name}" for name in speakers if name < first_test))
    _cut(whole, [into / f"vox1_dev_wav_parta{part}" for part in _PARTS])
    whole.unlink()
    shutil.copyfile(root / SPLIT_FILE, into / SPLIT_FILE)


def _pack_voxforge(root: Path, into: Path) -> None:
    for folder in sorted(root.glob("*/etc")):
        stem = folder.parent.name
        _tar(into / f"{stem}.tgz", [(folder.parent, stem)])
    shutil.copyfile(root / URL_FILE, into / URL_FILE)


def _pack_speech_commands(root: Path, into: Path) -> None:
    for name in (MAIN, TEST_SET):
        _tar(into / f"{name}.tar.gz", [(entry, f"./{entry.name}") for entry in sorted((root / name).iterdir())])


_PACKERS: dict[str, Callable[[Path, Path], None]] = {
    "nsynth": _pack_nsynth,
    "us8k": _pack_us8k,
    "voxceleb1": _pack_voxceleb1,
    "voxforge": _pack_voxforge,
    "speech_commands": _pack_speech_commands,
}


def _tar(path: Path, entries: Iterable[tuple[Path, str]]) -> None:
    with (
        atomic_path(path) as temporary,
        open(temporary, "wb") as file,
        gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=file, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w") as archive,
    ):
        for source, name in entries:
            for member, inner in _members(source, name):
                archive.add(member, inner, recursive=False, filter=_anonymous)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
    return member


def _zip(path: Path, root: Path, names: Iterable[str]) -> None:
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name in names:
            for member, inner in _members(root / name, name):
                if member.is_file():
                    archive.writestr(zipfile.ZipInfo(inner, _DATE), member.read_bytes())


def _members(source: Path, name: str) -> Iterator[tuple[Path, str]]:
    """A file, or a folder and all its contents, by their names in the archive."""
    os.stat(source)
    yield source, name
    if source.is_dir():
        for entry in sorted(source.iterdir()):
            yield from _members(entry, f"{name}/{entry.name}")


def _cut(whole: Path, parts: list[Path]) -> None:
    content = whole.read_bytes()
    size = -(-len(content) // len(parts))
    for number, part in enumerate(parts):
        with atomic_path(part) as temporary:
            temporary.write_bytes(content[number * size : (number + 1) * size])
