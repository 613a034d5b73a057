"""At the door of the form that strangers fill in: not from another site's page, and not too often."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit

from starlette.requests import Request

from publisher.core.preferences import AskLimits
from publisher.web.visitors import Proxies

AN_HOUR_PER_NETWORK = 20
AN_HOUR_IN_ALL = 1_000
"""As many as get a letter: who is let in here is never turned away in silence further on."""


class Gatekeeper:
    """One for all requests of a process."""

    def __init__(self, own_urls: Iterable[str], hosts: Iterable[str], proxies: Proxies) -> None:
        self._own = {_host(url) for url in own_urls} | {host.lower() for host in hosts}
        self._proxies = proxies
        self._limits = AskLimits(network=AN_HOUR_PER_NETWORK, everybody=AN_HOUR_IN_ALL)

    def network(self, request: Request) -> str:
        """The visitor's network, which limits and records of consent go by."""
        return self._proxies.network(request.scope)

    def has_room(self, request: Request, now: datetime) -> bool:
        """Count one more visitor; False when there were too many within the hour."""
        return self._limits.allows(self.network(request), now)

    def is_own(self, request: Request) -> bool:
        """Whether a form was sent from a page of ours, as far as a browser tells; a program tells nothing.

        The browser's own verdict counts more than names: a proxy in front may have changed the Host.
        """
        verdict = request.headers.get("sec-fetch-site")
        if verdict is not None:
            return verdict in ("same-origin", "none")
        origin = request.headers.get("origin")
        if origin is None:
            return True
        return _host(origin) in self._own | {_host(f"//{request.headers.get('host', '')}")}


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        return "\0"
