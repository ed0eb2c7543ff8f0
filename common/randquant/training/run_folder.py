"""The folder of a run, written by one process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from randquant.errors import DataError, UsageError
from randquant.files.lock import locked

FINISHED = "encoder.safetensors"
START = "init.safetensors"  # the weights that a run began with, where they were not untrained
LAST = "last.safetensors"  # and those that it ended with, where others may be kept


def snapshot_file(out: Path, step: int) -> Path:
    """Where the run in `out` keeps its encoder of a step."""
    return out / "snapshots" / f"encoder-{step:07d}.safetensors"


@contextmanager
def own_folder(out: Path, *, writes: bool) -> Iterator[None]:
    """Lock the folder of a run, created if absent, while it is written.

    Args:
        out: the folder.
        writes: whether this process does; of several ranks only the first.

    Raises:
        DataError: another run is writing it, or it is a file.
        UsageError: it holds something else than a run.
    """
    if not writes:
        yield
        return
    if out.exists() and not out.is_dir():
        raise DataError(f"{out} is a file, but a run is a folder; choose another --out.")
    out.mkdir(parents=True, exist_ok=True)
    with locked(out):
        try:
            for folder in (out, out / "snapshots"):
                for left in folder.glob(".*.partial*"):  # of a killed run; no other process writes here now
                    left.unlink()
            _refuse_others(out)
            yield
        finally:
            with suppress(OSError):  # nothing was written: leave no empty folder
                out.rmdir()


def _refuse_others(out: Path) -> None:
    entries = {entry.name for entry in out.iterdir()}
    if "checkpoint.pt" in entries:
        return
    if FINISHED in entries:
        raise UsageError(f"{out / FINISHED} exists without its checkpoint.pt; choose another --out to train again.")
    if entries and "config.yaml" not in entries:
        raise UsageError(f"{out} is not empty and holds no run; choose another --out.")
