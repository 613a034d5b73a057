"""Real HTTP servers on loopback: a small WebSub hub (W3C Recommendation of 2018), its subscriber, and a monitor.

hub = Hub(); reader = Reader()
reader.subscribe(hub, topic)      the hub verifies the intent with the callback before it believes it
POST hub.mode=publish             the hub fetches the topic and sends its bytes to every callback
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

_FORM = "application/x-www-form-urlencoded"


class Asked(NamedTuple):
    """A request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    headers: dict[str, str]

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


class Answered(NamedTuple):
    """What is answered."""

    status: int
    body: bytes = b""


class Server:
    """Keeps what it was asked, and answers with `answer`. Use it with `with`."""

    def __init__(self, answer: Callable[[Asked], Answered] = lambda _: Answered(200)) -> None:
        self.asked: list[Asked] = []
        self.answer = answer
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _handle(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, parts.path, query, body, headers)
                server.asked.append(asked)
                said = server.answer(asked)
                self.send_response(said.status)
                self.send_header("content-length", str(len(said.body)))
                self.end_headers()
                self.wfile.write(said.body)

            do_GET = do_POST = _handle  # noqa: N815 - the names that the base class looks for

            def log_message(self, *_: object) -> None:
                """Nothing is printed."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/"

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@dataclass
class _Subscription:
    callback: str
    topic: str
    secret: str


@dataclass
class Hub(Server):
    """Answers subscriptions and publications; `read` fetches a topic (the tests' own way to the files)."""

    read: Callable[[str], bytes]
    fails: int = 0  # so many requests are answered with 503 first
    subscriptions: list[_Subscription] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self._answer)

    @property
    def published(self) -> list[str]:
        """The topics that were announced, in order."""
        return [asked.form["hub.url"] for asked in self.asked if asked.form.get("hub.mode") == "publish"]

    def _answer(self, asked: Asked) -> Answered:
        form = asked.form
        if self.fails:
            self.fails -= 1
            return Answered(503)
        if asked.method != "POST" or asked.headers.get("content-type") != _FORM:
            return Answered(400, b"a POST of a form, please")
        match form.get("hub.mode"):
            case "subscribe":
                return self._subscribe(form)
            case "publish":
                return self._distribute(form["hub.url"])
            case _:
                return Answered(400)

    def _subscribe(self, form: dict[str, str]) -> Answered:
        """Verification of intent: only who really controls the callback echoes the challenge."""
        challenge = secrets.token_urlsafe()
        query = {
            "hub.mode": "subscribe", "hub.topic": form["hub.topic"], "hub.challenge": challenge,
            "hub.lease_seconds": "864000",
        }  # fmt: skip
        try:
            with urllib.request.urlopen(f"{form['hub.callback']}?{urlencode(query)}", timeout=5) as answer:
                echoed = answer.read().decode()
        except urllib.error.URLError:
            return Answered(202)
        if echoed == challenge:
            made = _Subscription(form["hub.callback"], form["hub.topic"], form.get("hub.secret", ""))
            self.subscriptions.append(made)
        return Answered(202)

    def _distribute(self, topic: str) -> Answered:
        body = self.read(topic)
        for one in self.subscriptions:
            if one.topic == topic:
                signature = hmac.new(one.secret.encode(), body, hashlib.sha256).hexdigest()
                headers = {
                    "content-type": "application/atom+xml", "x-hub-signature": f"sha256={signature}",
                    "link": f'<{self.url}>; rel="hub", <{topic}>; rel="self"',
                }  # fmt: skip
                request = urllib.request.Request(one.callback, body, headers, method="POST")
                with urllib.request.urlopen(request, timeout=5):
                    pass
        return Answered(204)


@dataclass
class Reader(Server):
    """A subscriber: wants one topic, believes only what is signed with its secret."""

    wants: str
    secret: str = "known to the hub and me"
    received: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self._answer)

    def subscribe(self, hub: str) -> int:
        form = {
            "hub.mode": "subscribe",
            "hub.topic": self.wants,
            "hub.callback": self.url,
            "hub.secret": self.secret,
        }
        with urllib.request.urlopen(hub, urlencode(form).encode(), timeout=10) as answer:
            return int(answer.status)

    def _answer(self, asked: Asked) -> Answered:
        if asked.method == "GET":
            wanted = asked.query.get("hub.topic") == self.wants
            return Answered(200, asked.query["hub.challenge"].encode()) if wanted else Answered(404)
        signature = hmac.new(self.secret.encode(), asked.body, hashlib.sha256).hexdigest()
        if hmac.compare_digest(asked.headers.get("x-hub-signature", ""), f"sha256={signature}"):
            self.received.append(asked.body)
        return Answered(200)
