"""HTTP redirects: every step is checked before it is followed."""

import ipaddress
import socket
from urllib.parse import urljoin, urlsplit

import requests
from requests.utils import get_environ_proxies


class UnsafeRedirect(Exception):
    """A redirect to the address `target`, which must not be followed."""

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
        location = super().get_redirect_target(resp)
        if location is None:
            return None
        target = urljoin(resp.url, location)
        before, after = urlsplit(resp.url), urlsplit(target)
        if after.scheme not in ("http", "https"):
            raise UnsafeRedirect(target, "which is not an HTTP address")
        if before.scheme == "https" and after.scheme != "https":
            raise UnsafeRedirect(target, "which nothing verifies")
        if not is_private(before.hostname or "", resp.url) and is_private(after.hostname or "", target):
            raise UnsafeRedirect(target, "which is an address of a private network")
        return location


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
