"""A publication's web server on a loopback port, in a thread of its own: real sockets, real files, a settable clock."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from publisher.web.server import WebServer
from publisher.wiring import App
from tests.house import House


@dataclass
class Served:
    """A running server. `house.at(...)` sets its clock too."""

    house: House
    web: WebServer
    port: int
    client: httpx.Client  # follows no redirect, asks for the bytes as they are
    loop: asyncio.AbstractEventLoop

    def get(self, path: str, **headers: str) -> httpx.Response:
        """GET with these headers, '_' for '-'."""
        return self.ask("GET", path, **headers)

    def ask(self, method: str, path: str, **headers: str) -> httpx.Response:
        return self.client.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def raw(self, sent: bytes, *, wait_s: float = 10, hang_up: bool = True) -> bytes:
        """Send bytes as they are, say that no more come, and read until the end or nothing comes for a while."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait_s) as connection:
            connection.sendall(sent)
            if hang_up:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)
            return received(connection)

    def renew(self) -> None:
        """The table of the site made anew, as after SIGHUP; returns when it is in use."""
        before = self.web.files.table
        self.loop.call_soon_threadsafe(self.web.reload)
        for _ in range(1000):
            if self.web.files.table is not before:
                return
            threading.Event().wait(0.01)
        raise AssertionError("the table was not made anew")


def received(connection: socket.socket) -> bytes:
    """Everything until the end of the connection."""
    parts = []
    with contextlib.suppress(OSError):
        while data := connection.recv(65536):
            parts.append(data)
    return b"".join(parts)


@contextlib.contextmanager
def serving(
    house: House, *, app: App | None = None, heart: Any = None, host: str = "", port: int = 0
) -> Iterator[Served]:
    """Serve a house while the block runs. Requests name the site's host unless `host` says another."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="web server", daemon=True)
    thread.start()

    def run(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(60)

    async def made() -> WebServer:
        web = WebServer(app or house.app, host="127.0.0.1", port=port, heart=heart)
        await web.start()
        return web

    web = run(made())
    port = int(web.addresses[0].rstrip("/").rpartition(":")[2])
    named = {"host": host or house.app.config.site.url.split("/")[2], "accept-encoding": "identity"}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=named, timeout=30) as client:
            yield Served(house, web, port, client, loop)
    finally:
        run(web.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
