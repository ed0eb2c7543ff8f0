"""Fetch a dataset's archives, as its authors publish them.

Complete files are skipped, partial ones resumed. `.downloads.json` next to them records which were verified, so that
no later run reads 22 GB again to find them unchanged.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from randquant.cli.progress import bar
from randquant.cli.terminal import printable, say
from randquant.data_prep.dataset import Dataset, Download
from randquant.data_prep.fetching.checksums import difference, published_checksums
from randquant.data_prep.fetching.fetch import Fetcher, Unavailable, Unreachable
from randquant.errors import DataError, UsageError
from randquant.files.atomic import read_json, write_json, write_text
from randquant.files.lock import locked

FAILURES = "download_failures.txt"
_CONNECTIONS = 4  # at once, where a dataset comes in thousands of files: polite to its one server
_ATTEMPTS = 3  # for one of thousands
_GIVE_UP = 20  # unreachable in a row: the network or the server is down


def download(dataset: Dataset, root: Path) -> None:
    """Print a dataset's licence and source, then fetch what is missing of its files into `root`.

    Stopped or killed at any time, the same call resumes. Where a dataset comes in thousands of files
    (`Dataset.more_downloads`), one that fails does not stop the others: it is listed in
    `root/download_failures.txt`, and tried again by the next call.

    Raises:
        UsageError: it cannot be downloaded; how to get it by hand is printed.
        DataError: a file cannot be downloaded or is not the published one (where there are thousands: after all the
            others are there), the disk is full, or another process downloads to `root`.
    """
    if not dataset.downloads:
        say(*dataset.by_hand.strip().splitlines())
        raise UsageError(f"{dataset.title} cannot be downloaded by this command; get it by hand, as described above.")
    say(dataset.title, f"  licence: {dataset.licence}", f"  source: {dataset.source}")
    root = Path(root)
    root.mkdir(parents=True, exist_ok=True)
    with locked(root):
        verified = _Verified(root)
        fetcher = Fetcher()
        for file in [file for file in dataset.downloads if not verified.holds(file)]:
            fetcher.fetch(file, root)
            verified.add(file)
        if dataset.more_downloads is not None:
            _fetch_many(list(dataset.more_downloads(root)), root, verified)


def _fetch_many(files: Sequence[Download], root: Path, verified: "_Verified") -> None:
    """Several at once; one that fails does not stop the others, and is listed."""
    missing = [file for file in files if not verified.holds(file)]
    failures: list[tuple[Download, Unavailable]] = []
    in_a_row = 0
    with _fetching(missing, root, done=len(files) - len(missing)) as outcomes:
        for file, failure in outcomes:
            if failure is None:
                verified.add(file)
            else:
                failures.append((file, failure))
            in_a_row = in_a_row + 1 if isinstance(failure, Unreachable) else 0
            if in_a_row == _GIVE_UP:
                raise DataError(f"{_GIVE_UP} files in a row were out of reach: {failure}")
    _report(files, failures, root)


@contextmanager
def _fetching(
    files: Sequence[Download], root: Path, *, done: int
) -> Iterator[Iterator[tuple[Download, Unavailable | None]]]:
    """Start all; leaving the block, however that happens, ends those still under way."""
    stop, threads = threading.Event(), threading.local()

    def fetch(file: Download) -> Path:
        if not hasattr(threads, "fetcher"):  # sessions are not thread-safe
            threads.fetcher = Fetcher(attempts=_ATTEMPTS, quiet=True, stop=stop)
        return threads.fetcher.fetch(file, root)

    def outcomes() -> Iterator[tuple[Download, Unavailable | None]]:
        with bar(label="downloading", unit="files", total=done + len(files), initial=done) as shown:
            for future in as_completed(started):
                try:
                    future.result()
                    failure = None
                except Unavailable as error:
                    failure = error
                shown.update()
                yield started[future], failure

    with ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="download") as pool:
        started: dict[Future[Path], Download] = {pool.submit(fetch, file): file for file in files}
        try:
            yield outcomes()
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _report(files: Sequence[Download], failures: Sequence[tuple[Download, Unavailable]], root: Path) -> None:
    listing = root / FAILURES
    if not failures:
        listing.unlink(missing_ok=True)
        say(f"{root}: all {len(files):,} files are there")
        return
    write_text(listing, "".join(f"{printable(file.url)}\t{printable(str(failure))}\n" for file, failure in failures))
    raise DataError(
        f"{len(files) - len(failures):,} of {len(files):,} files are there, {len(failures):,} could not be downloaded "
        f"({listing} says why); run the same command again to try these again, or leave out --download to "
        "continue without them."
    )


class _Verified:
    """Which files in a folder are whole, known by size and time of change once their checksum was right."""

    def __init__(self, root: Path) -> None:
        self._root, self._path = root, root / ".downloads.json"
        try:
            self._states: dict[str, Any] = read_json(self._path)
        except DataError:
            self._states = {}

    def holds(self, file: Download) -> bool:
        """Whether a file is there; its checksum, where one is published, is computed unless that was done before.

        Raises:
            DataError: it is there under its final name, but is not the published one.
        """
        path = self._root / file.name
        if not path.is_file():
            return False
        if not published_checksums(file) or self._states.get(file.name) == self._state(file):
            return True
        if wrong := difference(file, path):
            raise DataError(f"{path} is not the published file ({wrong}); move it away and run the same command again.")
        self.add(file)
        return True

    def add(self, file: Download) -> None:
        """Remember a file whose checksum was right. One without is whole because it has its name."""
        if published_checksums(file):
            self._states[file.name] = self._state(file)
            write_json(self._path, self._states)

    def _state(self, file: Download) -> dict[str, Any]:
        found = (self._root / file.name).stat()
        return {"size": found.st_size, "mtime_ns": found.st_mtime_ns, **published_checksums(file)}
