"""List the files below a folder in one pass, fast enough for millions of files."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from randquant.errors import DataError


def files_below(folder: str | Path, suffixes: Sequence[str], *, depth: int = 1) -> Iterator[tuple[str, int]]:
    """Every file below `folder` with one of `suffixes`, in no particular order.

    Hidden files and folders, `__MACOSX` and macOS's `._*` are skipped; symbolic links are followed, so a
    folder that is linked to twice is walked twice.

    Args:
        folder: an existing folder.
        suffixes: in small letters, as ".wav"; files match in any case.
        depth: folders to go down; 1 looks at the files right in `folder`.

    Yields:
        the path relative to `folder`, with forward slashes, and the size in bytes; 0 for a broken link, so
        that reading it later tells what is wrong.
    """
    endings = tuple(suffixes)
    pending = [("", depth)]
    while pending:
        below, levels = pending.pop()
        with os.scandir(os.path.join(folder, below)) as entries:
            for entry in entries:
                name = entry.name
                if not is_visible(name):
                    continue
                if name.lower().endswith(endings) and not entry.is_dir():
                    yield below + name, file_size(entry)
                elif levels > 1 and entry.is_dir():
                    pending.append((f"{below}{name}/", levels - 1))


def sizes_below(root: Path, folders: Iterable[str], suffixes: Sequence[str], *, depth: int = 1) -> dict[str, int]:
    """The bytes of each file in some folders below `root`, by path below `root`.

    Folders that are not there are skipped; suffixes and depth are those of `files_below`.
    """
    there = [folder for folder in folders if (root / folder).is_dir()]
    found = ((folder, files_below(root / folder, suffixes, depth=depth)) for folder in there)
    return {f"{folder}/{name}": size for folder, files in found for name, size in files}


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


def file_size(path: Path | os.DirEntry[str]) -> int:
    """Bytes of a file; 0 where it cannot be read, so that reading it later tells what is wrong."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def visible_files(root: Path, hidden: Counter[str] | None = None) -> Iterator[Path]:
    """All files below `root`, without hidden ones, `__MACOSX` and `._*`; symbolic links are followed, once each.

    Args:
        root: a folder.
        hidden: takes the names of files and folders that are left out.
    """
    seen = {root.resolve()}
    for folder, subfolders, names in os.walk(root, followlinks=True, onerror=_unreadable):
        if hidden is not None:
            hidden.update(name for name in (*subfolders, *names) if not is_visible(name))
        subfolders[:] = sorted(
            name for name in subfolders if is_visible(name) and _first_visit(Path(folder, name), seen)
        )
        for path in (Path(folder, name) for name in names if is_visible(name)):
            if path.is_file() or (path.is_symlink() and not path.exists()):  # a broken link is reported when read
                yield path


def is_visible(name: str) -> bool:
    """Whether a name is neither hidden nor macOS metadata."""
    return not name.startswith(".") and name != "__MACOSX"


def is_visible_folder(entry: Path) -> bool:
    """Whether this is a folder that `is_visible`."""
    return entry.is_dir() and is_visible(entry.name)


def _first_visit(folder: Path, seen: set[Path]) -> bool:
    """Whether a folder is visited for the first time; symbolic links may form cycles."""
    real = folder.resolve()
    if real in seen:
        return False
    seen.add(real)
    return True


def _unreadable(error: OSError) -> None:
    raise error
