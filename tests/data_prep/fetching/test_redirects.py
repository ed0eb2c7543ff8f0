"""A chain of redirects is as safe as its weakest step, which is never taken."""

import io
import itertools
import socket
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from randquant.data_prep.fetching.redirects import SafeSession, UnsafeRedirect

PUBLIC, PRIVATE = "93.184.216.34", "10.0.0.7"


class Chain(BaseAdapter):
    """Answers each address with a redirect to the next, the last with 200, and remembers what was asked."""

    def __init__(self, *addresses: str) -> None:
        super().__init__()
        self.next = dict(itertools.pairwise(addresses))
        self.asked: list[str] = []

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        address = str(request.url)
        self.asked.append(address)
        response = requests.Response()
        response.status_code = 302 if address in self.next else 200
        response.headers["Location"] = self.next.get(address, "")
        response.url, response.request = address, request
        response.raw = HTTPResponse(io.BytesIO(b"it"), preload_content=False)
        return response

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)

    def resolved(host: str, port: object, *rest: object) -> list[tuple[Any, ...]]:
        address = host if host[0].isdigit() or ":" in host else PRIVATE if "inside" in host else PUBLIC
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


def follow(*addresses: str) -> Chain:
    chain, session = Chain(*addresses), SafeSession()
    for scheme in ("http://", "https://"):
        session.mount(scheme, chain)
    session.get(addresses[0])
    return chain


@pytest.mark.parametrize(
    "addresses",
    [
        ("https://a.org/x", "https://b.org/x"),
        ("http://a.org/x", "http://b.org/x"),
        ("http://a.org/x", "https://a.org/x", "https://b.org/x"),
        ("http://127.0.0.1/x", "http://127.0.0.1/y"),
        ("https://inside.example/x", "https://other.inside.example/x"),
    ],
)
def test_chains_that_are_followed(addresses: tuple[str, ...]) -> None:
    assert follow(*addresses).asked == list(addresses)


@pytest.mark.parametrize(
    ("addresses", "reason"),
    [
        (("https://a.org/x", "http://a.org/x", "https://b.org/x"), "nothing verifies"),
        (("http://a.org/x", "https://a.org/x", "http://a.org/y"), "nothing verifies"),
        (("https://a.org/x", "file:///etc/passwd"), "not an HTTP address"),
        (("https://a.org/x", "ftp://a.org/x"), "not an HTTP address"),
        (("https://a.org/x", "https://inside.example/x"), "private network"),
        (("https://a.org/x", "https://127.0.0.1/x"), "private network"),
        (("https://a.org/x", "https://[::1]/x"), "private network"),
        (("https://a.org/x", "https://[::ffff:10.0.0.1]/x"), "private network"),
        (("https://a.org/x", "https://169.254.169.254/latest/meta-data"), "private network"),
        (("http://a.org/x", "http://localhost/x"), "private network"),
        (("https://a.org/x", "https://b.org/x", "https://b.org/y", "http://b.org/z"), "nothing verifies"),
    ],
)
def test_chains_that_are_refused(addresses: tuple[str, ...], reason: str) -> None:
    chain, session = Chain(*addresses), SafeSession()
    for scheme in ("http://", "https://"):
        session.mount(scheme, chain)
    with pytest.raises(UnsafeRedirect, match=reason):
        session.get(addresses[0])
    refused = next(place for place, address in enumerate(addresses) if place and address not in chain.asked)
    assert chain.asked == list(addresses[:refused])
