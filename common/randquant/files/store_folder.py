"""The store that contains a path: nothing else may write inside a store."""

from pathlib import Path

from randquant.errors import DataError, UsageError
from randquant.files.atomic import read_json

FORMAT = "randquant-store"


def store_around(path: Path) -> Path | None:
    """The folder of a store, complete or not, that is the path or has it inside."""
    path = path.absolute()
    return next((folder for folder in (path, *path.parents) if _is_store(folder)), None)


def require_outside_stores(out: str | Path, *, itself: bool = True) -> None:
    """Refuse to write into a store.

    Args:
        out: what the user gave as --out.
        itself: refuse the store's own folder too.

    Raises:
        UsageError: it lies in a store.
    """
    path = Path(out)
    found = store_around(path if itself else path.absolute().parent)
    if found is not None:
        raise UsageError(f"--out {out} lies in the prepared store {found}; choose another place.")


def _is_store(folder: Path) -> bool:
    for name in ("store.json", "plan.json"):
        try:
            if (folder / name).is_file() and read_json(folder / name).get("format") == FORMAT:
                return True
        except (DataError, OSError):
            continue
    return False
