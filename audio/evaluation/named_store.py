"""A task's store as named on the command line: a path, or a short name below a folder of stores."""

from pathlib import Path

from randquant.audio.evaluation.tasks import ALIASES, task_name
from randquant.data.store import Store
from randquant.errors import DataError


def named_store(name: str, stores: Path | None = None) -> Store:
    """Open the store that `name` says.

    A name without a slash is looked for below `stores` first: the folder of that name, or else the store that was
    prepared from the dataset of that name. `ns`, `vc1` and `vf` stand for nsynth, voxceleb1 and voxforge.
    Everything else is a path.

    Raises:
        DataError: there is no such store, or several.
    """
    if stores is not None and not stores.is_dir():
        raise DataError(f"--stores {stores} is not a folder; give the one that holds the prepared stores.")
    if stores is None or "/" in name:
        return Store.open(name, kind="audio")
    for folder in dict.fromkeys((name, ALIASES.get(name, name))):
        if Store.exists(stores / folder):
            return Store.open(stores / folder, kind="audio")
    found = [store for store in _below(stores) if task_name(store) == ALIASES.get(name, name)]
    if len(found) > 1:
        paths = ", ".join(str(store.path) for store in found)
        raise DataError(f"--task {name} could be any of {paths}; give the path of one.")
    if found:
        return found[0]
    if Store.exists(name):
        return Store.open(name, kind="audio")
    known = ", ".join(sorted({task_name(store) for store in _below(stores)})) or "none"
    raise DataError(
        f"there is no store {name} below {stores} (found: {known}); prepare it with python -m scripts.prepare, "
        "or give its path."
    )


def _below(stores: Path) -> list[Store]:
    """The complete stores of sound directly below a folder, sorted by name."""
    complete = sorted(path for path in stores.iterdir() if Store.exists(path))
    opened = []
    for path in complete:
        try:
            opened.append(Store.open(path, kind="audio"))
        except DataError:  # of another kind or version: not one that was meant
            continue
    return opened
