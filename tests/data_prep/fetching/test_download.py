"""Downloads against a local server that drops, lies, forgets and refuses: the bytes are the same, or one sentence."""

import hashlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from randquant.cli.command import run
from randquant.data_prep.dataset import Dataset, Download
from randquant.data_prep.datasets.registry import DATASETS
from randquant.data_prep.fetching import download as download_module
from randquant.data_prep.fetching import fetch as fetch_module
from randquant.data_prep.fetching.download import FAILURES, download
from randquant.data_prep.fetching.fetch import Fetcher, Unavailable, Unreachable
from randquant.errors import DataError, UsageError
from randquant.files.lock import locked

GZIP = b"\x1f\x8b"


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that open as gzip does and repeat nowhere."""
    blocks = (hashlib.sha256(f"{seed}/{block}".encode()).digest() for block in range(size // 32 + 1))
    return (GZIP + b"".join(blocks))[:size]


BODY = noise(1_000_003)
MD5 = hashlib.md5(BODY).hexdigest()
SHA256 = hashlib.sha256(BODY).hexdigest()


@dataclass
class File:
    """What the server has under one path, and how it misbehaves."""

    body: bytes = BODY
    etag: str | None = '"1"'
    modified: str | None = None
    ranges: bool = True
    if_range: bool = True  # takes notice of that header
    length: bool = True  # tells Content-Length; else the body comes in chunks
    drops: list[int] = field(default_factory=list)  # bytes of the body after which successive answers break off
    statuses: list[int] = field(default_factory=list)  # of the first answers
    headers: dict[str, str] = field(default_factory=dict)
    location: str | None = None
    delay: float = 0.0  # seconds before each block of 64 KiB
    asked: list[str | None] = field(default_factory=list)  # the Range headers that came
    sent: list[int] = field(default_factory=list)  # the first bytes of the answers


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.files: dict[str, File] = {}

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the game."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        file = self.server.files.get(self.path)
        if file is None:
            return self._empty(404)
        file.asked.append(self.headers.get("Range"))
        if file.statuses:
            return self._empty(file.statuses.pop(0), file.headers)
        if file.location is not None:
            return self._empty(302, {"Location": file.location})
        return self._send(file, self._start(file))

    def _empty(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()

    def _start(self, file: File) -> int | None:
        """The first byte asked for; None for the whole file."""
        asked, condition = self.headers.get("Range"), self.headers.get("If-Range")
        strong = [None, file.modified, *([file.etag] if file.etag and file.etag[0] == '"' else [])]  # RFC 9110, 13.1.5
        current = condition in strong or not file.if_range
        return int(asked[len("bytes=") : -1]) if asked and file.ranges and current else None

    def _send(self, file: File, start: int | None) -> None:
        if start is not None and start >= len(file.body):
            return self._empty(416, {"Content-Range": f"bytes */{len(file.body)}"})
        self.send_response(200 if start is None else 206)
        if start is not None:
            self.send_header("Content-Range", f"bytes {start}-{len(file.body) - 1}/{len(file.body)}")
        file.sent.append(start or 0)
        body = file.body[start or 0 :]
        told = {"ETag": file.etag, "Last-Modified": file.modified, **file.headers}
        told |= {"Content-Length": str(len(body))} if file.length else {"Transfer-Encoding": "chunked"}
        for name, value in told.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        self._write(file, body, file.drops.pop(0) if file.drops else len(body))
        return None

    def _write(self, file: File, body: bytes, stop: int) -> None:
        for place in range(0, min(stop, len(body)), 1 << 16):
            time.sleep(file.delay)
            block = body[place : min(place + (1 << 16), stop)]
            self.wfile.write(block if file.length else b"%x\r\n%s\r\n" % (len(block), block))
        if stop < len(body):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif not file.length:
            self.wfile.write(b"0\r\n\r\n")


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_module, "_PAUSE", 0.001)
    monkeypatch.setattr(fetch_module, "_SILENCE", 0.5)


def dataset(*downloads: Download, more: Callable[[Path], list[Download]] | None = None, by_hand: str = "") -> Dataset:
    return Dataset(
        name="toy",
        title="Toy set",
        licence="CC0",
        source="http://example.org/toy",
        tree="",
        marks=(),
        plan=lambda root: None,
        downloads=downloads,
        more_downloads=more,
        by_hand=by_hand,
    )


def at(server: Server, file: File, path: str = "/a.tar.gz") -> Download:
    """The server gets the file; what to download, without checksums."""
    server.files[path] = file
    return Download(server.url(path), path.rpartition("/")[2])


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


def begun(root: Path, item: Download, size: int, server: Server) -> None:
    """Leave a part of `size` bytes behind, as a connection does that drops for good."""
    file = server.files["/" + item.name]
    file.drops = [size]
    with pytest.raises(Unreachable):
        Fetcher(attempts=1).fetch(item, root)
    assert (root / f"{item.name}.part").stat().st_size == size
    file.asked.clear()


# One file, and what may happen to it


@pytest.mark.parametrize("checksums", [{}, {"md5": MD5}, {"sha256": SHA256.upper()}, {"md5": MD5, "sha256": SHA256}])
def test_a_whole_file(server: Server, tmp_path: Path, checksums: dict[str, str]) -> None:
    item = at(server, File())
    assert Fetcher().fetch(Download(item.url, item.name, **checksums), tmp_path).read_bytes() == BODY
    assert names(tmp_path) == ["a.tar.gz"]


@pytest.mark.parametrize(
    "file",
    [
        File(),
        File(etag=None, modified="Wed, 01 Jan 2020 00:00:00 GMT"),
        File(etag='W/"1"'),
        File(ranges=False),
        File(length=False),
        File(etag=None),
        File(etag=None, ranges=False),
    ],
    ids=["etag", "date", "weak etag", "no ranges", "no length", "no validator", "neither"],
)
@pytest.mark.parametrize("md5", [None, MD5])
def test_dropped_connections(server: Server, tmp_path: Path, file: File, md5: str | None) -> None:
    file.drops = [70_000, 300_000, 1, 999_000 if file.ranges else 400_000]
    file.asked.clear()
    item = at(server, file)
    Fetcher().fetch(Download(item.url, item.name, md5=md5), tmp_path)
    assert (tmp_path / item.name).read_bytes() == BODY
    assert names(tmp_path) == [item.name]
    assert file.asked[0] is None


@pytest.mark.parametrize("etag", ['"1"', 'W/"1"'])
@pytest.mark.parametrize("modified", ["Wed, 01 Jan 2020 00:00:00 GMT", None])
def test_only_the_rest_is_sent(server: Server, tmp_path: Path, etag: str, modified: str | None) -> None:
    item = at(server, File(etag=etag, modified=modified))
    begun(tmp_path, item, 300_000, server)
    Fetcher().fetch(Download(item.url, item.name, md5=MD5), tmp_path)
    assert server.files["/a.tar.gz"].asked == ["bytes=300000-"]
    assert server.files["/a.tar.gz"].sent == [0, 300_000]
    assert (tmp_path / item.name).read_bytes() == BODY


def test_a_part_that_only_lacks_its_name(server: Server, tmp_path: Path) -> None:
    item = at(server, File())
    begun(tmp_path, item, 300_000, server)
    with open(tmp_path / "a.tar.gz.part", "ab") as part:
        part.write(BODY[300_000:])
    Fetcher().fetch(Download(item.url, item.name, md5=MD5), tmp_path)
    assert server.files["/a.tar.gz"].asked == []
    assert (tmp_path / item.name).read_bytes() == BODY


@pytest.mark.parametrize("if_range", [True, False])
@pytest.mark.parametrize("size", [1_000_003, 400_000, 2_000_000])
def test_a_file_that_changed_starts_anew(server: Server, tmp_path: Path, if_range: bool, size: int) -> None:
    item = at(server, File())
    begun(tmp_path, item, 500_000, server)
    other = noise(size, seed=1)
    at(server, File(other, etag='"2"', if_range=if_range))
    assert Fetcher().fetch(item, tmp_path).read_bytes() == other


def test_without_a_version_only_a_checksum_allows_to_continue(server: Server, tmp_path: Path) -> None:
    item = at(server, File(etag=None))
    begun(tmp_path, item, 500_000, server)
    Fetcher().fetch(item, tmp_path)
    assert server.files["/a.tar.gz"].asked == [None]
    (tmp_path / item.name).unlink()
    begun(tmp_path, checked := Download(item.url, item.name, md5=MD5), 500_000, server)
    Fetcher().fetch(checked, tmp_path)
    assert server.files["/a.tar.gz"].asked == ["bytes=500000-"]


@pytest.mark.parametrize("spoil", ["{", "{}", '{"url": "http://elsewhere", "size": 1000003, "etag": "\\"1\\""}', None])
def test_a_part_of_unknown_origin_is_not_used(server: Server, tmp_path: Path, spoil: str | None) -> None:
    item = at(server, File())
    begun(tmp_path, item, 500_000, server)
    (tmp_path / "a.tar.gz.part").write_bytes(b"x" * 500_000)
    description = tmp_path / "a.tar.gz.part.json"
    description.unlink() if spoil is None else description.write_text(spoil)
    assert Fetcher().fetch(item, tmp_path).read_bytes() == BODY
    assert names(tmp_path) == [item.name]


@pytest.mark.parametrize("resumed", [False, True])
def test_wrong_checksum(server: Server, tmp_path: Path, resumed: bool) -> None:
    item = at(server, File())
    wrong = Download(item.url, item.name, sha256=SHA256, md5="0" * 32)
    if resumed:
        begun(tmp_path, item, 500_000, server)
    with pytest.raises(Unavailable, match=f"its md5 is {MD5} instead of 0000"):
        Fetcher().fetch(wrong, tmp_path)
    assert names(tmp_path) == []


def test_a_corrupted_part_is_found_out_and_mended_by_the_next_run(server: Server, tmp_path: Path) -> None:
    item = at(server, File())
    begun(tmp_path, item, 500_000, server)
    (tmp_path / "a.tar.gz.part").write_bytes(b"x" * 500_000)
    checked = Download(item.url, item.name, md5=MD5)
    with pytest.raises(Unavailable, match="not the published file"):
        Fetcher().fetch(checked, tmp_path)
    assert Fetcher().fetch(checked, tmp_path).read_bytes() == BODY


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_server_that_is_busy_for_a_while(server: Server, tmp_path: Path, status: int) -> None:
    file = File(statuses=[status] * 4, headers={"Retry-After": "0"})
    assert Fetcher().fetch(at(server, file), tmp_path).read_bytes() == BODY
    assert len(file.asked) == 5


def test_a_server_that_stays_busy(server: Server, tmp_path: Path) -> None:
    file = File(statuses=[500] * 100)
    with pytest.raises(Unreachable, match=r"500 Internal Server Error.*run the same command again"):
        Fetcher().fetch(at(server, file), tmp_path)
    assert len(file.asked) == 6


def test_attempts_that_bring_nothing_new_come_to_an_end(server: Server, tmp_path: Path) -> None:
    file = File(ranges=False, drops=[400_000] * 100)
    with pytest.raises(Unreachable, match="the connection dropped"):
        Fetcher().fetch(at(server, file), tmp_path)
    assert len(file.asked) == 6


def test_a_silent_server(server: Server, tmp_path: Path) -> None:
    item = at(server, File(delay=2.0))
    with pytest.raises(Unreachable, match="keeps silent"):
        Fetcher(attempts=1).fetch(item, tmp_path)


@pytest.mark.parametrize(("status", "words"), [(404, "404 Not Found"), (403, "403 Forbidden"), (410, "410 Gone")])
def test_refusals_are_not_repeated_and_keep_what_is_there(
    server: Server, tmp_path: Path, status: int, words: str
) -> None:
    item = at(server, File())
    begun(tmp_path, item, 500_000, server)
    file = server.files["/a.tar.gz"]
    file.statuses = [status]
    with pytest.raises(Unavailable, match=words):
        Fetcher().fetch(item, tmp_path)
    assert len(file.asked) == 1
    assert Fetcher().fetch(item, tmp_path).read_bytes() == BODY
    assert file.asked[1] == "bytes=500000-"


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><p>Log in", b"\n\n <html>", b"\xef\xbb\xbf<?xml?>"])
@pytest.mark.parametrize("name", ["/a.tar.gz", "/a.tgz", "/a.zip", "/list.txt"])
def test_a_web_page_instead_of_the_file(server: Server, tmp_path: Path, page: bytes, name: str) -> None:
    with pytest.raises(Unavailable, match=f"a web page where {name[1:]} is expected"):
        Fetcher().fetch(at(server, File(page), name), tmp_path)
    assert names(tmp_path) == []


def test_a_web_page_does_not_cost_the_part(server: Server, tmp_path: Path) -> None:
    item = at(server, File())
    begun(tmp_path, item, 500_000, server)
    at(server, File(b"<html>log in", etag=None))
    with pytest.raises(Unavailable, match="a web page"):
        Fetcher().fetch(item, tmp_path)
    good = File()
    at(server, good)
    assert Fetcher().fetch(item, tmp_path).read_bytes() == BODY
    assert good.asked == ["bytes=500000-"]


def test_something_else_than_an_archive(server: Server, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="something else where"):
        Fetcher().fetch(at(server, File(b'{"error": "quota"}')), tmp_path)
    with pytest.raises(Unavailable, match="something else where"):
        Fetcher().fetch(at(server, File(b"")), tmp_path)


def test_a_compressed_transfer_is_stored_as_it_comes(server: Server, tmp_path: Path) -> None:
    """Old servers name the compression of a .tgz as if it were one of the transfer."""
    item = at(server, File(headers={"Content-Encoding": "x-gzip"}))
    assert Fetcher().fetch(item, tmp_path).read_bytes() == BODY


def test_redirects(server: Server, tmp_path: Path) -> None:
    item = at(server, File(location="/real"), "/a.tar.gz")
    at(server, File(drops=[500_000]), "/real")
    assert Fetcher().fetch(item, tmp_path).read_bytes() == BODY
    assert server.files["/real"].asked == [None, "bytes=500000-"]


def test_redirects_in_a_circle_and_bad_addresses(server: Server, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"redirects.*check the address"):
        Fetcher().fetch(at(server, File(location="/a.tar.gz")), tmp_path)
    for url in ("no scheme", "ftp://example.org/a", "http://"):
        with pytest.raises(Unavailable, match="check the address"):
            Fetcher().fetch(Download(url, "a.tgz"), tmp_path)


def test_no_such_host_and_nobody_listening(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"name cannot be resolved; check the connection"):
        Fetcher(attempts=2).fetch(Download("https://nowhere.invalid/a.tgz", "a.tgz"), tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable, match="no connection to the server"):
            Fetcher(attempts=2).fetch(Download(f"http://127.0.0.1:{taken.getsockname()[1]}/a.tgz", "a.tgz"), tmp_path)


@pytest.mark.parametrize("name", ["../a.tgz", "/tmp/a.tgz", "a/../../b", ""])
def test_no_file_leaves_the_root(server: Server, tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="not a name for a file below"):
        Fetcher().fetch(Download(server.url("/a.tar.gz"), name), tmp_path / "root")
    assert names(tmp_path) == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("certificate") / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(path) + ".crt"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("openssl is not installed")
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@pytest.fixture
def encrypted(server: Server, certificate: Path) -> Server:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server


def test_certificates_are_verified(
    encrypted: Server, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = at(encrypted, File())
    secure = Download(item.url.replace("http:", "https:"), item.name, md5=MD5)
    with pytest.raises(Unreachable, match=r"certificate cannot be verified.*REQUESTS_CA_BUNDLE"):
        Fetcher().fetch(secure, tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", f"{certificate}.crt")
    assert Fetcher().fetch(secure, tmp_path).read_bytes() == BODY


def test_no_way_from_https_to_http(
    encrypted: Server, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=plain.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    item = at(encrypted, File(location=at(plain, File()).url))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", f"{certificate}.crt")
    with pytest.raises(Unavailable, match="which nothing verifies"):
        Fetcher().fetch(Download(item.url.replace("http:", "https:"), item.name), tmp_path)
    plain.shutdown()
    plain.server_close()


# Disks


def test_too_little_room_is_told_before(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    item = at(server, File())
    begun(tmp_path, item, 500_000, server)
    monkeypatch.setattr(fetch_module.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 400_000}))
    with pytest.raises(DataError, match=r"a.tar.gz.part needs 0\.0 GB more"):
        Fetcher().fetch(item, tmp_path)
    assert (tmp_path / "a.tar.gz.part").stat().st_size == 500_000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_disk_that_fills_up(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_module.PartialDownload, "open", lambda self: open("/dev/full", "wb"))  # noqa: SIM115
    with pytest.raises(DataError, match=r"a.tar.gz: no space left on device; free space, then run the same command"):
        Fetcher().fetch(at(server, File()), tmp_path)


def test_a_root_that_cannot_be_written(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    item = at(server, File())
    for root in (tmp_path / "file", tmp_path / "file" / "below"):

        def command(root: Path = root) -> None:
            download(dataset(item), root)

        assert run(command, []) == 1
        assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'file'}")


# Processes

_CLIENT = """
import signal
import sys
from pathlib import Path
from randquant.data_prep.dataset import Dataset, Download
from randquant.data_prep.fetching.download import download
from randquant.cli.command import run

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs inherit it ignored

def fetch() -> None:
    item = Download(sys.argv[1], "a.tar.gz", sha256=sys.argv[3])
    plan = lambda root: None
    download(Dataset("toy", "Toy", "CC0", "http://example.org", "", (), plan, downloads=(item,)), Path(sys.argv[2]))

raise SystemExit(run(fetch, []))
"""


def client(url: str, root: Path, sha256: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", _CLIENT, url, str(root), sha256]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_process_that_is_ended_midway(server: Server, tmp_path: Path, ending: signal.Signals) -> None:
    body = noise(8_000_001)
    file = File(body, delay=0.02)  # 2.5 s in all
    item = at(server, file)
    sha256 = hashlib.sha256(body).hexdigest()
    part = tmp_path / "a.tar.gz.part"
    process = client(item.url, tmp_path, sha256)
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size > 1_000_000):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(ending)
    _, errors = process.communicate(timeout=60)
    if ending == signal.SIGINT:
        assert process.returncode == 130
        assert errors.splitlines()[-1].startswith("interrupted; what was finished is kept")
    kept = part.stat().st_size
    assert 1_000_000 < kept < len(body)
    file.delay = 0.0
    process = client(item.url, tmp_path, sha256)
    assert process.communicate(timeout=60)[0].startswith("Toy\n  licence: CC0\n")
    assert process.returncode == 0
    assert file.asked == [None, f"bytes={kept}-"]
    assert (tmp_path / "a.tar.gz").read_bytes() == body
    assert names(tmp_path) == [".downloads.json", "a.tar.gz"]


# A dataset


def test_licence_and_source_come_first(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match="404"):
        download(dataset(Download(server.url("/a.tgz"), "a.tgz")), tmp_path)
    assert capsys.readouterr().out == "Toy set\n  licence: CC0\n  source: http://example.org/toy\n"


def test_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="Toy set cannot be downloaded by this command; get it by hand"):
        download(dataset(by_hand="register at X; then\n    unzip it\n"), tmp_path / "root")
    assert capsys.readouterr().out == "register at X; then\n    unzip it\n"
    assert names(tmp_path) == []


def test_verified_files_are_not_read_again(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    item = at(server, File())
    whole = dataset(Download(item.url, item.name, md5=MD5), at(server, File(b"a\n"), "/list.txt"))
    download(whole, tmp_path / "deep" / "root")
    monkeypatch.setattr(download_module, "difference", lambda *_: pytest.fail("read again"))
    download(whole, tmp_path / "deep" / "root")
    assert [len(file.asked) for file in server.files.values()] == [1, 1]
    assert names(tmp_path / "deep" / "root") == [".downloads.json", "a.tar.gz", "list.txt"]


@pytest.mark.parametrize("memory", [None, "{", '{"a.tar.gz": 3}'])
def test_a_file_got_by_hand_is_checked_once(
    server: Server, tmp_path: Path, memory: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = at(server, File())
    (tmp_path / "a.tar.gz").write_bytes(BODY)
    if memory is not None:
        (tmp_path / ".downloads.json").write_text(memory)
    download(dataset(Download(item.url, item.name, md5=MD5)), tmp_path)
    monkeypatch.setattr(download_module, "difference", lambda *_: pytest.fail("read again"))
    download(dataset(Download(item.url, item.name, md5=MD5)), tmp_path)
    assert server.files["/a.tar.gz"].asked == []


def test_a_wrong_file_of_the_users_is_left_alone(server: Server, tmp_path: Path) -> None:
    item = at(server, File())
    whole = dataset(Download(item.url, item.name, md5=MD5))
    download(whole, tmp_path)
    (tmp_path / "a.tar.gz").write_bytes(BODY[:-1] + b"?")
    with pytest.raises(DataError, match=r"is not the published file.*move it away"):
        download(whole, tmp_path)
    assert (tmp_path / "a.tar.gz").read_bytes() == BODY[:-1] + b"?"


def test_one_download_at_a_time(server: Server, tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(DataError, match="another run is writing"):
        download(dataset(at(server, File())), tmp_path)


# Thousands of files


def listed(server: Server, count: int) -> Dataset:
    """A list of archives, and the archives."""
    lines = []
    for index in range(count):
        lines.append(at(server, File(noise(2_000 + index, index)), f"/archives/{index:03d}.tgz").url)
    listing = at(server, File("\n".join(lines).encode()), "/urls.txt")

    def more(root: Path) -> list[Download]:
        return [Download(line, line.rpartition("/")[2]) for line in (root / "urls.txt").read_text().split()]

    return dataset(listing, more=more)


def test_a_list_and_its_archives(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = listed(server, 40)
    download(many, tmp_path)
    for index in range(40):
        assert (tmp_path / f"{index:03d}.tgz").read_bytes() == noise(2_000 + index, index)
    assert len(names(tmp_path)) == 41
    assert capsys.readouterr().out.endswith(f"{tmp_path}: all 40 files are there\n")
    (tmp_path / "007.tgz").unlink()
    download(many, tmp_path)
    assert [path for path, file in server.files.items() if len(file.asked) == 2] == ["/archives/007.tgz"]


def test_failures_are_listed_and_tried_again(server: Server, tmp_path: Path) -> None:
    many = listed(server, 60)
    gone = server.files.pop("/archives/003.tgz")
    server.files["/archives/011.tgz"].statuses = [500] * 3
    server.files["/archives/012.tgz"].drops = [1_000, 500]
    page = server.files["/archives/050.tgz"]
    server.files["/archives/050.tgz"] = File(b"<html>")
    for index in range(20, 45):  # more than would mean that the server is gone
        server.files[f"/archives/{index:03d}.tgz"].statuses = [403]
    with pytest.raises(DataError, match=rf"32 of 60 files are there, 28 could not be downloaded .*{FAILURES} says why"):
        download(many, tmp_path)
    lines = dict(line.split("\t") for line in (tmp_path / FAILURES).read_text().splitlines())
    expected = {3, 11, 50, *range(20, 45)}
    assert {url.rpartition("/")[2] for url in lines} == {f"{index:03d}.tgz" for index in expected}
    assert "404" in lines[server.url("/archives/003.tgz")]
    assert "a web page" in lines[server.url("/archives/050.tgz")]
    server.files |= {"/archives/003.tgz": gone, "/archives/050.tgz": page}
    download(many, tmp_path)
    assert all((tmp_path / f"{index:03d}.tgz").read_bytes() == noise(2_000 + index, index) for index in range(60))
    assert FAILURES not in names(tmp_path)


def test_a_server_that_is_gone_ends_the_download(server: Server, tmp_path: Path) -> None:
    many = listed(server, 120)
    for index in range(10, 120):
        server.files[f"/archives/{index:03d}.tgz"].statuses = [503] * 3
    with pytest.raises(DataError, match=r"20 files in a row were out of reach: http.*503"):
        download(many, tmp_path)
    assert sum(bool(file.asked) for file in server.files.values()) < 100
    for index in range(10, 120):
        server.files[f"/archives/{index:03d}.tgz"].statuses = []
    download(many, tmp_path)
    assert len(names(tmp_path)) == 121


def test_a_full_disk_or_an_interrupt_ends_all_threads(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = listed(server, 50)
    for index in range(1, 50):
        server.files[f"/archives/{index:03d}.tgz"] = File(delay=0.2)  # 3 s each

    class Interrupted:
        def __init__(self, **_: Any) -> None:
            pass

        def update(self) -> None:
            raise KeyboardInterrupt

        def __enter__(self) -> "Interrupted":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    started = time.monotonic()
    with monkeypatch.context() as patch:
        patch.setattr(download_module, "bar", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            download(many, tmp_path)
    assert time.monotonic() - started < 15  # all of them would take 37 s
    assert sum(bool(file.asked) for file in server.files.values()) < 10
    for file in server.files.values():
        file.delay = 0.0
    with monkeypatch.context() as patch:
        patch.setattr(fetch_module.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 10}))
        with pytest.raises(DataError, match="free space"):
            download(many, tmp_path)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("download")]
    download(many, tmp_path)
    assert len(names(tmp_path)) == 51


def test_what_is_remembered_is_readable(server: Server, tmp_path: Path) -> None:
    item = at(server, File())
    download(dataset(Download(item.url, item.name, md5=MD5)), tmp_path)
    entry = json.loads((tmp_path / ".downloads.json").read_text())["a.tar.gz"]
    assert entry == {"size": len(BODY), "mtime_ns": (tmp_path / "a.tar.gz").stat().st_mtime_ns, "md5": MD5}


# The public datasets


def test_a_voxforge_of_few_archives(server: Server, tmp_path: Path) -> None:
    """As listed: without a scheme, by language; saved side by side."""
    folders = [f"/downloads/{language}/Trunk/Audio/Main/16kHz_16bit" for language in ("en", "ru")]
    urls = [at(server, File(), f"{folder}/anna-2008-{index}.tgz").url for index, folder in enumerate(folders)]
    listing = at(server, File("\n".join(url.removeprefix("http://") for url in urls).encode()), "/voxforge_urls.txt")
    download(replace(DATASETS["voxforge"], downloads=(listing,)), tmp_path)
    assert names(tmp_path) == ["anna-2008-0.tgz", "anna-2008-1.tgz", "voxforge_urls.txt"]


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_addresses_are_well_formed(name: str) -> None:
    known = DATASETS[name]
    assert bool(known.downloads) != bool(known.by_hand)
    for file in known.downloads:
        assert all(len(value) == size for value, size in ((file.sha256, 64), (file.md5, 32)) if value is not None)
        assert file.url.startswith("https://") or file.sha256 or file.md5  # something vouches for the bytes
        archive = any(fnmatch(file.name, pattern.pattern) for pattern in known.archives)
        assert archive or known.more_downloads is not None or known.kind == "tables"  # a table is read as it comes
        assert file.sha256 or file.name in file.url


@pytest.mark.parametrize("name", ["nsynth", "spcv2", "spcv2-12", "us8k", "voxforge"])
def test_the_lawful_ones_can_be_downloaded(name: str) -> None:
    assert DATASETS[name].downloads
