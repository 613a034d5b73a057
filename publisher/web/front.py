"""The front of the site, a plain ASGI function: files are answered here, before any framework sees the request."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp

from publisher.web.answers import NO_STORE, Headers
from publisher.web.counts import Counts
from publisher.web.files import Files, Given, Receive, Scope, Send, Told, tell
from publisher.web.health import Health
from publisher.web.hosts import Hosts
from publisher.web.visitors import Proxies

_ALLOW = (b"allow", b"GET, HEAD")
_CLOSE = (b"connection", b"close")


class Front:
    """What every request meets first: is it for this host, is it a file, a page made when asked, or about ourselves."""

    def __init__(
        self,
        files: Files,
        *,
        hosts: Hosts,
        made: ASGIApp,
        counts: Counts,
        health: Callable[[], Health],
        proxies: Proxies,
        metrics_token: str,
    ) -> None:
        self._files, self._hosts, self._made, self._counts = files, hosts, made, counts
        self._health, self._proxies, self._metrics_token = health, proxies, metrics_token
        shelf = files.table.shelf
        self._base = shelf.base
        self._made_names = frozenset(shelf.made)
        self._security = shelf.preparing.security

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = scope["headers"]
        given: Given = dict(headers)
        if len(given) != len(headers):
            given = _joined(headers)
        if given.get(b"host") not in self._hosts.known and (status := self._refused(scope, given)):
            await self._plain(send, status)
            self._counts.answers["none", status] += 1
            return
        if scope["method"] in ("GET", "HEAD") and scope["raw_path"] in self._files.table.ready:
            told = await self._files.answer(scope, given, send)
        else:
            told = await self._other(scope, given, receive, send)
        self._count(told, scope["raw_path"], given)

    def at_once(self, url: bytes, headers: Headers) -> tuple[bytes, bytes] | None:
        """The same for a plain GET of a file in memory, without a task or a queue; None for everything else.

        web.protocol asks here first.
        """
        given: Given = dict(headers)
        if len(given) != len(headers) or given.get(b"host") not in self._hosts.known:
            return None
        if b"content-length" in given or b"transfer-encoding" in given:
            return None
        found = self._files.at_once(url, given)
        if found is None:
            return None
        told, head, body = found
        self._count(told, url, given)
        return head, body

    def _count(self, told: Told, address: bytes, given: Given) -> None:
        self._counts.answers[told] += 1
        if told.kind == "feed":
            self._counts.polled(address, told.status, given.get(b"user-agent", b""))

    def _refused(self, scope: Scope, given: Given) -> int:
        """The status for a Host header that does not name us, 0 for one that does."""
        host = given.get(b"host")
        if host is None:
            return 0 if scope["http_version"] == "1.0" else 400
        if b"," in host:
            return 400  # two of them
        return 0 if self._hosts.allows(host, (scope.get("server") or ("",))[0]) else 421

    async def _other(self, scope: Scope, given: Given, receive: Receive, send: Send) -> Told:
        """Everything that is no file in memory under the very path that was asked for."""
        path, method = scope["path"], scope["method"]
        if path in ("/healthz", "/metrics") and method in ("GET", "HEAD"):
            return await (self._healthz(send) if path == "/healthz" else self._metrics(scope, given, send))
        below = path.removeprefix(self._base) if path.startswith(self._base) else ""
        if below.partition("/")[0] in self._made_names:
            return await self._make(scope, receive, send)
        if method in ("GET", "HEAD"):
            return await self._files.answer(scope, given, send)
        status = 405 if method != "OPTIONS" else 204
        await self._plain(send, status, [_ALLOW, _CLOSE])
        return Told("none", status)

    async def _make(self, scope: Scope, receive: Receive, send: Send) -> Told:
        """A page that is made when asked, with the headers that everything carries."""
        status = 500

        async def send_on(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": self._complete(list(message.get("headers", ())))}
            await send(message)

        inner = dict(scope)
        inner["root_path"] = self._base.rstrip("/")
        await self._made(inner, receive, send_on)
        return Told("made", status)

    def _complete(self, headers: Headers) -> Headers:
        names = {name.lower() for name, _ in headers}
        wanted = (*self._security, NO_STORE)
        return headers + [(name, value) for name, value in wanted if name not in names]

    async def _healthz(self, send: Send) -> Told:
        health = self._health()
        status = 200 if health.ok else 503
        body = json.dumps(health.told()).encode() + b"\n"
        await tell(send, status, self._about(b"application/json", body), body)
        return Told("health", status)

    async def _metrics(self, scope: Scope, given: Given, send: Send) -> Told:
        if not self._may_read_metrics(scope, given):
            await self._plain(send, 403)
            return Told("metrics", 403)
        body = self._counts.text()
        await tell(send, 200, self._about(b"text/plain; version=0.0.4; charset=utf-8", body), body)
        return Told("metrics", 200)

    def _may_read_metrics(self, scope: Scope, given: Given) -> bool:
        """A program on this machine, or whoever bears the token."""
        token = self._metrics_token.encode()
        bearer = given.get(b"authorization", b"").removeprefix(b"Bearer ")
        return bool(token and hmac.compare_digest(bearer, token)) or self._proxies.is_local(scope)

    def _about(self, content_type: bytes, body: bytes) -> Headers:
        length = (b"content-length", str(len(body)).encode())
        return [*self._security, NO_STORE, (b"content-type", content_type), length]

    async def _plain(self, send: Send, status: int, more: Headers | None = None) -> None:
        """A status and its usual words."""
        body = b"" if status == 204 else HTTPStatus(status).phrase.encode() + b"\n"
        headers = self._about(b"text/plain; charset=utf-8", body)
        if status == 204:
            headers = [one for one in headers if one[0] not in (b"content-length", b"content-type")]
        await tell(send, status, headers + (more or []), body)


def _joined(headers: Headers) -> Given:
    """Headers that were given more than once, as one with commas."""
    given: Given = {}
    for name, value in headers:
        given[name] = given[name] + b", " + value if name in given else value
    return given
