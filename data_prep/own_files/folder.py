"""Any tree of files, without labels: recordings, and whatever else is known by its suffix."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from data_prep.engine.preparation import Item, Plan, Reader
from data_prep.recordings import RECORDINGS
from randquant.cli.terminal import printable
from randquant.errors import DataError

_SOUND = """
    wav wave bwf rf64 w64 flac aif aiff aifc au snd caf sph nist voc iff 8svx mp3 mp2 mp1 mpa mpga ogg oga ogx opus spx
    aac adts m4a m4b m4r 3gp 3ga amr awb wma ac3 eac3 dts ape wv tta tak mpc shn dsf dss ds2 qcp oma ra rm mka webm
"""
_FILM = "mp4 m4v mov mkv avi flv wmv asf mpg mpeg mts m2ts ogv"  # their sound is read; one without is reported
DECODED = tuple(f".{suffix}" for suffix in (*_SOUND.split(), *_FILM.split()))
# Sound, or what is taken for it, that nothing here decodes: planned all the same, to be reported with its reason.
FOREIGN = (".raw", ".pcm", ".mid", ".midi", ".dff", ".ofr", ".la")
_KINDS = 20  # suffixes of other files that are counted one by one
_SUFFIXES = 12  # of those looked for that the message names
ARRAYS = (".npy",)


def plan_folder(root: str | Path, reader: Reader = RECORDINGS, *, arrays: bool = False) -> Plan:
    """All recordings below `root`, as `plan_files` finds them.

    NumPy files (.npy) hold features as often as waveforms: they are taken with `arrays`, and where nothing else is.

    Raises:
        DataError: `root` is no folder or holds no recording.
    """
    decoded = (*DECODED, *ARRAYS) if arrays else DECODED
    try:
        return plan_files(root, decoded, reader, dataset="folder", kind="recordings", foreign=FOREIGN)
    except DataError:
        if arrays or not any(path.suffix.lower() in ARRAYS for path in visible_files(existing_folder(root))):
            raise
        return plan_files(root, ARRAYS, reader, dataset="folder", kind="recordings")


def plan_files(
    root: str | Path, suffixes: Sequence[str], reader: Reader, *, dataset: str, kind: str, foreign: Sequence[str] = ()
) -> Plan:
    """All files below `root` that have one of some suffixes, sorted by path; the rest is counted as `other_files`
    and by suffix as `other_kinds`.

    Hidden files and folders, `__MACOSX` and macOS's `._*` are passed over; symbolic links are followed.

    Args:
        root: a folder.
        suffixes: that are looked for, in lower case; files may have them in capitals.
        reader: of these files.
        dataset: what the store calls its source.
        kind: what the files are, in the plural, for the error message.
        foreign: further suffixes, of files that are planned to be reported, since they cannot be read.

    Raises:
        DataError: `root` is no folder or holds no such file.
    """
    root = existing_folder(root)
    paths = list(visible_files(root))
    wanted = {*suffixes, *foreign}
    items = [
        Item(path.relative_to(root).as_posix(), file_size(path)) for path in paths if path.suffix.lower() in wanted
    ]
    others = Counter(path.suffix.lower() for path in paths if path.suffix.lower() not in wanted)
    if not items:
        looked_for = ", ".join(suffixes[:_SUFFIXES]) + (" or the like" if len(suffixes) > _SUFFIXES else "")
        raise DataError(f"{root} holds no {kind} among its {others.total()} files; give one with {looked_for} files.")
    items.sort(key=lambda item: item.path)
    kinds = {printable(suffix): count for suffix, count in _most_common(others)[:_KINDS]}
    source = {"dataset": dataset, "root": str(root), "other_files": others.total(), "other_kinds": kinds}
    return Plan(root, items, reader, source)


def _most_common(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))


def existing_folder(root: str | Path) -> Path:
    """`root` as a path.

    Raises:
        DataError: it is missing or no folder.
    """
    root = Path(root)
    if not root.is_dir():
        state = "is a file" if root.exists() else "does not exist"
        raise DataError(f"{root} {state} where a folder is expected; check --root.")
    return root


def file_size(path: Path) -> int:
    """Bytes of a file; 0 where it cannot be read, so that reading it later tells what is wrong."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def visible_files(root: Path) -> Iterator[Path]:
    """All files below `root`, without hidden ones, `__MACOSX` and `._*`; symbolic links are followed, once each."""
    seen = {root.resolve()}
    for folder, subfolders, names in os.walk(root, followlinks=True, onerror=_unreadable):
        subfolders[:] = sorted(name for name in subfolders if _wanted(name) and _first_visit(Path(folder, name), seen))
        yield from (path for name in names if _wanted(name) and _is_file_or_broken_link(path := Path(folder, name)))


def _is_file_or_broken_link(path: Path) -> bool:
    return path.is_file() or (path.is_symlink() and not path.exists())


def _wanted(name: str) -> bool:
    return not name.startswith(".") and name != "__MACOSX"


def _first_visit(folder: Path, seen: set[Path]) -> bool:
    """A link may lead back up; every real folder is walked once."""
    real = folder.resolve()
    if real in seen:
        return False
    seen.add(real)
    return True


def _unreadable(error: OSError) -> None:
    raise error
