"""A limit on the points of one file in memory, checked against the header before anything is decompressed."""

from pathlib import Path

from randquant.errors import DataError

MOST_BYTES = 2 << 30  # of one file: 89 million points in double precision


def require_budget(path: Path | str, size: int) -> None:
    """Refuse a file whose decompressed content exceeds `MOST_BYTES`, as a few megabytes of compressed zeros can.

    Raises:
        DataError: it says that it holds more bytes than that.
    """
    if size > MOST_BYTES:
        told, most = (f"{amount / (1 << 30):,.1f} GiB" for amount in (size, MOST_BYTES))
        raise DataError(f"{path} unpacks to {told} where a file may take {most} of memory; split it or thin it out.")
