"""uvicorn's HTTP protocol with the limits it leaves to a proxy, and a short way for files that are in memory.

The short way: an application may have a method `at_once(url, headers)` that gives the head and body of an answer, or
None. It spares the task, the queue and the checks that uvicorn makes for each request, more than half of the time.

The limits: uvicorn has no deadline for receiving a request (its keep-alive timer stops at the first byte) and with
httptools no limit on headers. Deadlines are kept by one look a second at every connection, not by a timer a request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_WITHIN_S = 10.0
BODY_WITHIN_S = 30.0
TAKEN_WITHIN_S = 30.0
"""A visitor who takes nothing of an answer for so long is let go."""

KEEP_ALIVE_S = 15
"""A connection without a request is kept so long."""

HEAD_BYTES = 32 * 1024

_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


AtOnce = Callable[[bytes, "list[tuple[bytes, bytes]]"], "tuple[bytes, bytes] | None"]


class LimitedProtocol(HttpToolsProtocol):
    """One connection. Whoever runs the server calls `look` once a second."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._began = self.loop.time()  # when the request that is being received began; 0 when none is
        self._in_head = True
        self._head_bytes = 0
        self._idle_since = 0.0  # set while nothing is asked after an answer that was given at once
        self._answered = False  # the request that is being received, at once
        self._at_once: AtOnce | None = getattr(self.app, "at_once", None)
        self._untaken, self._untaken_since = 0, 0.0

    def data_received(self, data: bytes) -> None:
        if not self._began:
            self._began, self._idle_since = self.loop.time(), 0.0
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES and b"\r\n\r\n" not in data[:HEAD_BYTES]:
                self._end(_TOO_LARGE)
                return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._in_head, self._head_bytes = False, 0
        self._answered = self._answer_at_once()
        if not self._answered:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self._answered:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head, self._began = True, 0.0
        if self._answered:
            self._idle_since = self.loop.time()
        else:
            super().on_message_complete()

    def _answer_at_once(self) -> bool:
        """Whether the request was answered here: a plain GET, with nothing before it that still is being answered."""
        parser, transport = self.parser, self.transport
        if transport.is_closing():
            return True  # nobody hears it any more
        busy = self.pipeline or not (self.cycle is None or self.cycle.response_complete)
        if self._at_once is None or busy or self.flow.write_paused or self._is_full():
            return False
        if parser.get_method() != b"GET" or parser.get_http_version() != "1.1" or parser.should_upgrade():
            return False
        answer = self._at_once(self.url, self.headers)
        if answer is None:
            return False
        head, body = answer
        parts = [head, *(b"%s: %s\r\n" % header for header in self.server_state.default_headers)]
        keeps = parser.should_keep_alive()
        if not keeps:
            parts.append(b"connection: close\r\n")
        parts += b"\r\n", body
        transport.write(b"".join(parts))
        if not keeps:
            transport.close()
        return True

    def _is_full(self) -> bool:
        return self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency

    def look(self, now: float) -> None:
        """End the connection when its visitor is too slow."""
        if self._began and now - self._began > (HEAD_WITHIN_S if self._in_head else BODY_WITHIN_S):
            self._end(_TOO_SLOW)
        if self._idle_since and now - self._idle_since > KEEP_ALIVE_S:
            self.transport.close()
        untaken = self.transport.get_write_buffer_size()
        if untaken != self._untaken:
            self._untaken, self._untaken_since = untaken, now
        elif untaken and now - self._untaken_since > TAKEN_WITHIN_S:
            self.transport.abort()

    def _end(self, said: bytes) -> None:
        """Say why, unless an answer is on its way, and hang up."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(said)
        self.transport.close()
