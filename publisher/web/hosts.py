"""The names this server answers to: a request for any other is refused, so that no page is made for a foreign name."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_HOST = re.compile(rb"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?", re.IGNORECASE)
_REMEMBERED = 64


class Hosts:
    """The hosts of `urls` (the site's, and where readers' links lead), those of [serve] hosts, and this machine's."""

    def __init__(self, urls: Iterable[str], others: Iterable[str], bound: str) -> None:
        own = [urlsplit(url).hostname or "" for url in urls]
        self._names = {name.strip("[]").lower() for name in (*own, *others, "localhost", bound) if name}
        self.known: set[bytes] = set()
        """Spellings that were looked at and found right."""

    def allows(self, host: bytes, local: str) -> bool:
        """Whether a Host header names us. `local`: the address the connection came in at."""
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match[1].decode("ascii").lower().strip("[]").rstrip(".")
        if name not in self._names:
            if name == local:
                return True
            if not _is_loopback(name):
                return False
        if len(self.known) < _REMEMBERED:
            self.known.add(host)
        return True


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
