"""One file from the net to the disk: resumable at any byte, checked, and only then under its own name."""

import errno
import itertools
import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path, PurePosixPath

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, Retry
from urllib3.exceptions import HTTPError, NameResolutionError

from randquant.cli.progress import bar
from randquant.cli.terminal import printable
from randquant.data_prep.dataset import Download
from randquant.data_prep.fetching.checksums import difference
from randquant.data_prep.fetching.partial_download import PartialDownload
from randquant.data_prep.fetching.redirects import SafeSession, UnsafeRedirect
from randquant.errors import DataError
from randquant.files.first_bytes import is_markup

_BLOCK = 1 << 16
_CONNECT, _SILENCE = 10.0, 30.0  # seconds to wait for a connection, and for the next bytes
_PAUSE, _LONGEST_PAUSE = 1.0, 60  # seconds before the next attempt; the pause doubles each time
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_OPENINGS = {".gz": b"\x1f\x8b", ".tgz": b"\x1f\x8b", ".zip": b"PK", ".bz2": b"BZh", ".xz": b"\xfd7zXZ\x00"}
_REMEDIES = {
    errno.ENOSPC: "free space",
    errno.EDQUOT: "free space",
    errno.EFBIG: "this disk cannot hold a file of that size: choose another --root",
    errno.EROFS: "choose another --root",
    errno.EIO: "check the disk",
}


class Unavailable(DataError):
    """A server does not provide a file."""


class Unreachable(Unavailable):
    """A server cannot be reached or does not answer in full; its other files would fail as well."""


class Stopped(Exception):
    """Another thread asked to stop."""


class _Dropped(Exception):
    """An answer ended before the file did; the next request may resume."""


def _retry(attempts: int, stop: threading.Event) -> Retry:
    """As many attempts to get an answer; `stop` ends the waiting between them."""

    class Stoppable(Retry):
        def sleep(self, response: BaseHTTPResponse | None = None) -> None:
            asked = self.get_retry_after(response) if response else None
            if stop.wait(self.get_backoff_time() if asked is None else min(asked, _LONGEST_PAUSE)):
                raise Stopped

    return Stoppable(
        attempts - 1,
        other=0,
        status_forcelist=_BUSY,
        raise_on_status=False,
        backoff_factor=_PAUSE,
        backoff_max=_LONGEST_PAUSE,
    )


class Fetcher:
    """Downloads files, one after another.

    Bytes are written to `<name>.part`. After an interruption the next call asks the server for the rest, or for the
    whole file where the server has another version by now or cannot send parts. Certificates are always verified.

    Args:
        attempts: as many in a row may end without a new byte before a file is given up.
        quiet: no progress bar.
        stop: when set, from another thread, `fetch` soon raises Stopped.
    """

    def __init__(self, *, attempts: int = 6, quiet: bool = False, stop: threading.Event | None = None) -> None:
        self._attempts, self._quiet = attempts, quiet
        self._stop = stop or threading.Event()
        self._session = SafeSession()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=_retry(attempts, self._stop)))
        # Compressed on the way, a file would have neither its published size nor its checksum.
        self._session.headers.update({"User-Agent": "randquant", "Accept-Encoding": "identity"})

    def fetch(self, download: Download, root: Path) -> Path:
        """Download a file to `root / download.name`, or what is missing of it.

        Raises:
            Unavailable: the server refuses or lacks the file, or sends something else. What is there is kept,
                except a whole file with a wrong checksum.
            Unreachable: no connection, or it drops again and again.
            DataError: the disk is full or cannot be written.
        """
        path = PurePosixPath(download.name)
        if path.is_absolute() or ".." in path.parts or not path.name:
            raise DataError(f"{download.name!r} is not a name for a file below {root}; correct the list it comes from.")
        final = root / path
        with _disk_errors(final):
            final.parent.mkdir(parents=True, exist_ok=True)
            part = PartialDownload(download, final)
            if not part.complete:
                self._complete(part, download)
            if wrong := difference(download, part.path):
                part.discard()
                raise Unavailable(
                    f"{download.url} is not the published file ({wrong}) and was removed; run the same command "
                    "again, and where that does not help get the file by hand."
                )
            part.finish()
        return final

    def _complete(self, part: PartialDownload, download: Download) -> None:
        fruitless, most = 0, part.size
        while True:
            try:
                return self._receive(part, download)
            except _Dropped as drop:
                fruitless = 1 if part.size > most else fruitless + 1
                most = max(most, part.size)
                if fruitless >= self._attempts:
                    raise _unreachable(download.url, str(drop)) from None
            if self._stop.wait(min(_PAUSE * 2 ** (fruitless - 1), _LONGEST_PAUSE)):
                raise Stopped

    def _receive(self, part: PartialDownload, download: Download) -> None:
        """One request, which brings the rest of the file or raises."""
        with self._answer(download.url, part.request_headers()) as response:
            outdated = response.status_code == 206 and not part.continued_by(response.headers)
            if outdated or response.status_code == 416:
                part.discard()
                raise _Dropped("the file is another one at each attempt")
            blocks: Iterator[bytes] = response.raw.stream(_BLOCK, decode_content=False)
            if response.status_code == 200:
                first = next(blocks, b"")
                _refuse_page(first, download)  # before it could take the place of a good part
                part.begin(response.headers)
                blocks = itertools.chain([first], blocks)
            _check_room(part)
            self._write(part, blocks, download.name)
        if part.total is not None and not part.complete:
            raise _Dropped(f"the answer ended after {part.size:,} of {part.total:,} bytes")

    def _write(self, part: PartialDownload, blocks: Iterable[bytes], name: str) -> None:
        meter = nullcontext() if self._quiet else bar(label=name, unit="B", total=part.total, initial=part.size)
        with part.open() as file, meter as shown:
            for block in blocks:
                part.append(file, block)
                if shown is not None:
                    shown.update(len(block))
                if self._stop.is_set():
                    raise Stopped

    @contextmanager
    def _answer(self, url: str, headers: dict[str, str]) -> Iterator[requests.Response]:
        """The server's answer if it holds bytes of the file; everything that may happen on the way as one sentence."""
        try:
            with self._session.get(url, headers=headers, stream=True, timeout=(_CONNECT, _SILENCE)) as response:
                status = f"{response.status_code} {response.reason or ''}".strip()
                if response.status_code in _BUSY:
                    raise _unreachable(url, f"the server answers {status}")
                if response.status_code not in (200, 206, 416):
                    raise Unavailable(f"{url}: the server answers {status}; try later or get the file by hand.")
                yield response
        except requests.exceptions.SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" not in str(error):
                raise _Dropped("the encrypted connection broke") from None
            raise Unreachable(
                f"{url}: the server's certificate cannot be verified; check the clock of this computer, and name your "
                "proxy's certificate, if there is one, in REQUESTS_CA_BUNDLE."
            ) from None
        except HTTPError as error:
            raise _Dropped(_reason(error)) from None
        except (requests.ConnectionError, requests.Timeout) as error:
            raise _unreachable(url, _reason(error)) from None
        except UnsafeRedirect as error:
            raise Unavailable(f"{url} leads to {printable(error.target)}, {error}; get the file by hand.") from None
        except requests.RequestException as error:
            raise Unavailable(f"{url} cannot be fetched ({error}); check the address.") from None


def _unreachable(url: str, reason: str) -> Unreachable:
    return Unreachable(
        f"{url}: {reason}; check the connection and run the same command again: it goes on from where this one stopped."
    )


def _refuse_page(first: bytes, download: Download) -> None:
    """Login pages, proxies and parked domains send HTML with status 200 where an archive is expected."""
    opening = _OPENINGS.get(PurePosixPath(download.name).suffix)
    page = is_markup(first)
    if page or (opening is not None and not first.startswith(opening[: max(1, len(first))])):
        sent = "a web page" if page else "something else"
        raise Unavailable(
            f"{download.url}: the server sends {sent} where {download.name} is expected; open it in a browser to see "
            "why, or get the file by hand."
        )


def _check_room(part: PartialDownload) -> None:
    if part.total is None:
        return
    missing, free = part.total - part.size, shutil.disk_usage(part.path.parent).free
    if missing > free:
        raise DataError(
            f"{part.path} needs {missing / 1e9:,.1f} GB more, but its disk has {free / 1e9:,.1f} GB free; free space "
            "or choose another --root."
        )


def _reason(error: Exception) -> str:
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return "the server keeps silent"
    cause = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(cause, NameResolutionError):
        return "its server's name cannot be resolved"
    return "the connection dropped" if cause is None else "no connection to the server"


@contextmanager
def _disk_errors(final: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _REMEDIES:
            raise
        raise DataError(
            f"{final}: {os.strerror(error.errno).lower()}; {_REMEDIES[error.errno]}, then run the same command again: "
            "what is there is kept."
        ) from None
