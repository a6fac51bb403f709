"""Under which names the page may be called, and by whose pages: an allow-list of hosts against DNS rebinding, and the
same-origin rule against other sites' pages.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")
EVERYWHERE = ("0.0.0.0", "::")
PORTS = {"http": 80, "https": 443}
LONGEST_NAME = 253  # of a host, in DNS


@dataclass(frozen=True, slots=True)
class Site:
    """Where the page listens, and under which further names people reach it (`--allow-host`)."""

    host: str = "127.0.0.1"
    names: tuple[str, ...] = ()

    @property
    def local(self) -> bool:
        """Whether only people of this machine see the page; a further name means that a proxy stands before it."""
        return self.host in LOOPBACK and not self.names

    def knows(self, name: str) -> bool:
        """Whether `name`, in small letters and without a port, is one of ours. Where the page listens everywhere, any
        address in digits is: nobody can point a name at us that way.
        """
        ours = {*LOOPBACK, self.host.lower(), *(one.lower() for one in self.names)}
        return name in ours or (self.host in EVERYWHERE and _in_digits(name))

    def named(self, name: str) -> bool:
        """Whether it is one of the further names."""
        return name in {one.lower() for one in self.names}


def split(address: str) -> tuple[str, int | None]:
    """(name in small letters, port or None) of what stands in a Host header; ("", None) for what is no host."""
    try:
        parts = urlsplit(f"//{address}")
        port = parts.port
    except ValueError:  # half a bracket, a port that is no number
        return "", None
    name = (parts.hostname or "").rstrip(".")
    good = parts.netloc == address and "@" not in address and len(name) <= LONGEST_NAME
    return (name, port) if good else ("", None)


def unknown_host(headers: Mapping[str, str], site: Site) -> str:
    """Why the Host header is refused, in a sentence; nothing where it is one of ours."""
    hosts = [headers.get("host", ""), *filter(None, [headers.get("x-forwarded-host")])]
    strange = next((host for host in hosts if not site.knows(split(host)[0])), None)
    if strange is None:
        return ""
    name = split(strange)[0]
    way_out = f" If it is to be one, start with --allow-host {name}." if name.isascii() and name else ""
    return f"{strange[:LONGEST_NAME]!r} is not a name of this page.{way_out}"


def foreign(headers: Mapping[str, str], method: str, path: str, scheme: str, site: Site) -> bool:
    """Whether another site's page makes this call. Following a link to the page itself is no call of that site.

    Programs that are no browser send neither header: they hold no cookie that another's page could use.
    """
    origin, fetch = headers.get("origin"), headers.get("sec-fetch-site", "none")
    if origin is not None and not _own(origin, headers.get("host", ""), scheme, site):
        return True
    if fetch in ("same-origin", "none"):
        return False
    opens = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return not (opens and method == "GET" and path == "/")


def _own(origin: str, host: str, scheme: str, site: Site) -> bool:
    """Whether an Origin header is the page's own. A proxy may put another Host into a call; then the name that people
    use, on its usual port, is known from `--allow-host`.
    """
    theirs, _, address = origin.partition("://")
    if theirs not in PORTS or (scheme == "https" and theirs != "https"):
        return False
    name, port = split(address)
    our_name, our_port = split(host)
    default = PORTS[theirs]
    if name and (name, port or default) == (our_name, our_port or default):
        return True
    return site.named(name) and (port or default) == default


def _in_digits(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
