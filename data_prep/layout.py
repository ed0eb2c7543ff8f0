"""Find the root folder of a dataset."""

from pathlib import Path

from randquant.data_prep.dataset import Dataset
from randquant.data_prep.scan import existing_folder
from randquant.errors import DataError

LISTS = (".txt", ".csv", ".json")
_FEW = 20  # folders that may wrap another
UNPACKED = ".unpacked"  # in a folder that archives are unpacked into, tells which are


def find_root(root: str | Path, dataset: Dataset) -> Path:
    """Return `root` if it holds one of the dataset's marks.

    Raises:
        DataError: it is missing or no folder, or holds none of them; where the folder above, or one of those in it or
            in these, does, the message names that one, otherwise it shows the tree.
    """
    root = existing_folder(root)
    if is_marked(root, dataset):
        return root
    shown = ", ".join([*dataset.marks[:3], *["…"] * (len(dataset.marks) > 3)])
    lacking = f"{root} is not the root of {dataset.title}: it holds none of {shown}"
    above = root.absolute().parent
    near = (*_subfolders(root), above, *_wrapped(root), above.parent)
    right = next((folder for folder in near if is_marked(folder, dataset)), None)
    if right is not None:
        raise DataError(f"{lacking}; give --root {right}")
    outline = ", ".join(line.strip() for line in dataset.tree.strip().splitlines())
    raise DataError(f"{lacking}; the folder to give looks like this: {outline}.")


def locate(root: Path, dataset: Dataset) -> Path | None:
    """The folder that holds the dataset: `root` or a direct subfolder; None if neither does."""
    return next((folder for folder in (root, *_subfolders(root)) if is_marked(folder, dataset)), None)


def locate_deeper(root: Path, dataset: Dataset) -> Path | None:
    """As `locate`, or a folder two levels below, as some archives wrap theirs."""
    return locate(root, dataset) or next((folder for folder in _wrapped(root) if is_marked(folder, dataset)), None)


def is_marked(folder: Path, dataset: Dataset) -> bool:
    """Whether one of the dataset's marks lies in `folder`."""
    return any(next(folder.glob(mark), None) is not None for mark in dataset.marks)


def holds_tree(root: Path, dataset: Dataset) -> bool:
    """Whether the dataset is unpacked at `root` or in a direct subfolder; lists next to archives do not count."""
    folder = locate(root, dataset) if root.is_dir() else None
    if folder is None:
        return False
    marks = (path for mark in dataset.marks for path in folder.glob(mark))
    return any(path.is_dir() or path.suffix.lower() not in LISTS for path in marks)


def _wrapped(root: Path) -> list[Path]:
    """Folders two levels below, unless there are too many to search."""
    folders = _subfolders(root)
    return [deeper for folder in folders for deeper in _subfolders(folder)] if len(folders) <= _FEW else []


def _subfolders(root: Path) -> list[Path]:
    """Candidate subfolders, except those that this program unpacked the archives at `root` into."""
    folders = (entry for entry in root.iterdir() if not entry.name.startswith(".") and entry.is_dir())
    return sorted(folder for folder in folders if not (folder / UNPACKED).is_dir())
