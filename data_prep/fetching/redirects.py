"""HTTP redirects: every step is checked before it is followed."""

import ipaddress
import socket
from urllib.parse import urljoin, urlsplit

import requests
from requests.utils import get_environ_proxies


class UnsafeRedirect(Exception):
    """A redirect to an address that must not be followed.

    Attributes:
        target: where to.
    """

    def __init__(self, target: str, reason: str) -> None:
        super().__init__(reason)
        self.target = target


class SafeSession(requests.Session):
    """A session that never leaves HTTPS or the public network by a redirect."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Where the answer redirects to, None where it does not.

        Raises:
            UnsafeRedirect: from HTTPS to something else, to anything but HTTP(S), or from a public host to one of a
                private network or of this computer.
        """
        target = super().get_redirect_target(resp)
        if target is not None:
            _refuse_unsafe(resp.url, urljoin(resp.url, target))
        return target


def _refuse_unsafe(origin: str, target: str) -> None:
    before, after = urlsplit(origin), urlsplit(target)
    if after.scheme not in ("http", "https"):
        raise UnsafeRedirect(target, "which is not an HTTP address")
    if before.scheme == "https" and after.scheme != "https":
        raise UnsafeRedirect(target, "which nothing verifies")
    if not is_private(before.hostname or "", origin) and is_private(after.hostname or "", target):
        raise UnsafeRedirect(target, "which is an address of a private network")


def is_private(host: str, url: str) -> bool:
    """Whether a host is private or local; by its name alone if a proxy resolves it."""
    if host.lower().rstrip(".") == "localhost" or host.lower().rstrip(".").endswith((".localhost", ".local")):
        return True
    try:
        addresses = {host} if get_environ_proxies(url) else {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        addresses = {host}  # it does not resolve, so nothing answers there
    return any(_is_private_address(address) for address in addresses)


def _is_private_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return not (mapped or address).is_global
