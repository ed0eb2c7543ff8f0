"""Any tree of recordings, without labels: what pretraining needs."""

import os
from collections.abc import Iterator
from pathlib import Path

from data_prep.preparation import Item, Plan
from data_prep.recordings import RECORDINGS
from randquant.errors import DataError

DECODED = (
    ".wav",
    ".flac",
    ".ogg",
    ".oga",
    ".opus",
    ".mp3",
    ".aif",
    ".aiff",
    ".aifc",
    ".au",
    ".caf",
    ".w64",
    ".sph",
)
# libsndfile cannot open these; they are planned all the same, to be reported instead of passed over.
FOREIGN = (".m4a", ".aac", ".wma", ".webm", ".amr", ".mka")


def plan_folder(root: str | Path) -> Plan:
    """All recordings below `root`, sorted by path.

    Recordings are known by their suffix. Hidden files and folders, `__MACOSX` and macOS's `._*` are passed
    over; symbolic links are followed.

    Raises:
        DataError: `root` is no folder or holds no recording.
    """
    root = existing_folder(root)
    items, others = [], 0
    for path in visible_files(root):
        if path.suffix.lower() in DECODED + FOREIGN:
            items.append(Item(path.relative_to(root).as_posix(), file_size(path)))
        else:
            others += 1
    if not items:
        raise DataError(
            f"{root} holds no recordings among its {others} files; give one with {', '.join(DECODED)} files."
        )
    items.sort(key=lambda item: item.path)
    return Plan(root, items, RECORDINGS, {"dataset": "folder", "root": str(root), "other_files": others})


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
    """Bytes of a file; 0 where it is missing, so that reading it later tells what is wrong."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
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
