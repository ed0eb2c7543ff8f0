"""The header of an encoder's file of ours, read without its weights and without PyTorch."""

import json
from pathlib import Path

FORMAT = "randquant-encoder"
_LARGEST = 1 << 24  # bytes of a header


def own_header(file: Path) -> dict[str, str] | None:
    """What a file of ours says of itself: format, version, sha256, config; None for weights of others.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """
    with file.open("rb") as stream:
        start = stream.read(9)
        if start[8:] != b"{":
            return None
        length = int.from_bytes(start[:8], "little") - 1
        if length > _LARGEST:
            raise ValueError("its header is too long")
        header = json.loads(b"{" + stream.read(length))
    about = header.get("__metadata__")
    return about if isinstance(about, dict) and about.get("format") == FORMAT else None
