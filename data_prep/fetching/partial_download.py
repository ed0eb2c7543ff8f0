"""The first bytes of a file that is being downloaded, kept so that a later run can resume."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from randquant.data_prep.dataset import Download
from randquant.data_prep.fetching.checksums import published_checksums
from randquant.errors import DataError
from randquant.files.atomic import read_json, write_json


class PartialDownload:
    """`<name>.part`, and `<name>.part.json` that says which version of which URL its bytes belong to.

    The process may be killed at any time: the description is written before the first byte, and bytes are
    only ever appended. `size` and `total` are bytes, there and of the whole file; None where the server has not said.
    """

    def __init__(self, download: Download, final: Path) -> None:
        self.path = final.with_name(f"{final.name}.part")
        self._description_path = final.with_name(f"{final.name}.part.json")
        self._final, self._url = final, download.url
        self._checked = bool(published_checksums(download))
        self._description = self._described()
        self.size = self.path.stat().st_size if self._description else 0

    @property
    def total(self) -> int | None:
        return self._description.get("size")

    @property
    def complete(self) -> bool:
        return self.total is not None and self.size == self.total

    def request_headers(self) -> dict[str, str]:
        """Headers that ask for the rest alone, or for the whole file where the server has another version by now."""
        if self.size == 0 or not self._versioned(self._description):
            return {}
        # If-Range takes a strong entity tag, else a date (RFC 9110, section 13.1.5).
        etag = self._description.get("etag")
        validator = etag if etag and not etag.startswith("W/") else self._description.get("modified")
        return {"Range": f"bytes={self.size}-"} | ({"If-Range": validator} if validator else {})

    def continued_by(self, headers: Mapping[str, str]) -> bool:
        """Whether the body of a 206 answer starts where this part ends, in the same version of the file."""
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", "").strip())
        if match is None or int(match[1]) != self.size:
            return False
        told = {"size": None if match[2] == "*" else int(match[2]), **_version(headers)}
        return all(value is None or self._description.get(key) in (None, value) for key, value in told.items())

    def begin(self, headers: Mapping[str, str]) -> None:
        """Start over with the version of the file that a 200 answer announces."""
        self.discard()
        length = headers.get("Content-Length", "")
        size = int(length) if length.isdecimal() else None
        self._description = {"url": self._url, "size": size, **_version(headers)}
        write_json(self._description_path, self._description)

    def open(self) -> IO[bytes]:
        """The file, to `append` to."""
        return open(self.path, "ab")

    def append(self, file: IO[bytes], block: bytes) -> None:
        """Write bytes at the end."""
        file.write(block)
        self.size += len(block)

    def discard(self) -> None:
        """Remove the bytes and their description."""
        self.path.unlink(missing_ok=True)
        self._description_path.unlink(missing_ok=True)
        self.size, self._description = 0, {}

    def finish(self) -> None:
        """Give the whole file its own name."""
        with open(self.path, "rb") as file:
            os.fsync(file.fileno())
        os.replace(self.path, self._final)
        self._description_path.unlink(missing_ok=True)

    def _described(self) -> dict[str, Any]:
        """The description where the part can be continued, else nothing."""
        if not self.path.is_file() or not self._description_path.is_file():
            return {}
        try:
            description = read_json(self._description_path)
        except DataError:
            return {}
        known = isinstance(description.get("size"), int) and self.path.stat().st_size <= description["size"]
        same = description.get("url") == self._url
        return description if same and known and self._versioned(description) else {}

    def _versioned(self, description: Mapping[str, Any]) -> bool:
        """Whether two versions of the file can be told apart, if only by the checksum at the end."""
        return bool(description.get("etag") or description.get("modified") or self._checked)


def _version(headers: Mapping[str, str]) -> dict[str, str | None]:
    return {"etag": headers.get("ETag"), "modified": headers.get("Last-Modified")}
