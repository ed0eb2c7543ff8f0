"""How much of a file's points may lie in memory, held against what its header says before anything is unpacked."""

from pathlib import Path

from randquant.errors import DataError

MOST_BYTES = 2 << 30  # of one file: 89 million points in double precision


def require_budget(path: Path | str, size: int, *, most: int | None = None) -> None:
    """Refuse a file whose content would fill the memory, as a few megabytes of packed zeros do.

    Args:
        path: of the file.
        size: bytes that it says it holds.
        most: bytes that are too many beyond it; `MOST_BYTES` where None.

    Raises:
        DataError: it holds more than `most`.
    """
    most = MOST_BYTES if most is None else most
    if size > most:
        raise DataError(
            f"{path} unpacks to {_amount(size)} where a file may take {_amount(most)} of memory; split it or "
            "thin it out."
        )


def _amount(size: int) -> str:
    return f"{size / (1 << 30):,.1f} GiB"
