"""A limit on the points of one file in memory, checked against the header before anything is decompressed."""

from pathlib import Path

from randquant.errors import DataError

MOST_BYTES = 2 << 30  # of one file: 89 million points in double precision


def require_budget(path: Path | str, size: int, *, most: int | None = None) -> None:
    """Refuse a file whose decompressed content exceeds the budget, as a few megabytes of compressed zeros can.

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
