"""The web server: uvicorn on sockets of our own, in a loop that it shares with the rest of the service."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from publisher.core.errors import ListenError
from publisher.web.answers import security_headers
from publisher.web.app import asked
from publisher.web.counts import Counts
from publisher.web.files import Files
from publisher.web.front import Front
from publisher.web.health import Heart
from publisher.web.hosts import Hosts
from publisher.web.keeper import Keeper
from publisher.web.prepared import Preparing
from publisher.web.protocol import KEEP_ALIVE_S, LimitedProtocol
from publisher.web.table import Shelf
from publisher.web.visitors import Proxies
from publisher.wiring import App

STOP_WITHIN_S = 25
"""Answers under way may take so long to end."""

CONNECTIONS = 2_000
_SPARE_FILES = 200  # of the process's open files, for everything that is no connection
_BACKLOG = 2_048


class WebServer:
    """One web server. `start` returns when it answers; `wake` tells it that the site may have changed."""

    def __init__(self, app: App, *, host: str, port: int, heart: Heart | None = None) -> None:
        self._app, self._host, self._port, self._heart = app, host, port, heart
        self._tasks: list[asyncio.Task[None]] = []
        self.addresses: list[str] = []

    async def start(self) -> None:
        """Raises ListenError when the address cannot be had."""
        sockets = _listen(self._host, self._port)
        self.addresses = [_shown(one) for one in sockets]
        counts = Counts()
        made = asked(self._app)
        self._keeper = Keeper(self._app, self._shelf(made), counts, self._heart)
        await self._keeper.start()
        gc.freeze()  # what is there now stays: no collection need look at it while somebody waits
        self._server = _Server(self._uvicorn(self._front(made, counts)), counts)
        self._tasks = [
            asyncio.create_task(self._server.serve(sockets), name="web"),
            asyncio.create_task(self._keeper.run(), name="keeper"),
        ]
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # none in a thread
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.reload)
        while not self._server.started and not self._tasks[0].done():
            await asyncio.sleep(0.01)

    @property
    def files(self) -> Files:
        """What is served now."""
        return self._keeper.files

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._server.server_state.connections)

    def wake(self) -> None:
        """A run has ended: the site may have changed. From any thread."""
        self._keeper.wake()

    def reload(self) -> None:
        """Make the table of the site anew."""
        self._keeper.wake(anew=True)

    async def stop(self) -> bool:
        """No new connection; what is being answered ends within its time, what is not is cut off."""
        self._server.should_exit = True
        serving, keeping = self._tasks
        keeping.cancel()
        await asyncio.gather(serving, keeping, return_exceptions=True)
        self._keeper.files.close()
        return True

    def _shelf(self, made: Starlette) -> Shelf:
        config = self._app.config
        site = config.site
        preparing = Preparing(
            site_url=site.url, security=security_headers(site.url, remote_images=site.remote_images),
            hub=config.feed.hub,
        )  # fmt: skip
        return Shelf(
            folder=config.output_folder, base=urlsplit(site.url).path or "/", preparing=preparing,
            made=frozenset(route.path.split("/")[1] for route in made.routes if isinstance(route, Route)),
        )  # fmt: skip

    def _front(self, made: Starlette, counts: Counts) -> Front:
        config = self._app.config
        return Front(
            self._keeper.files, hosts=Hosts((config.site.url, config.manage_url), config.serve.hosts, self._host),
            made=made, counts=counts, health=self._keeper.health,
            proxies=Proxies(config.serve.trusted_proxies),
            metrics_token=config.serve.metrics_token.get_secret_value(),
        )  # fmt: skip

    def _uvicorn(self, front: Front) -> uvicorn.Config:
        return uvicorn.Config(
            front, http=LimitedProtocol, ws="none", lifespan="off", interface="asgi3", log_config=None,
            log_level="error", access_log=False, proxy_headers=False, server_header=False,
            limit_concurrency=_connections(), timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=STOP_WITHIN_S, backlog=_BACKLOG,
        )  # fmt: skip


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling, with a look at every connection once a second."""

    def __init__(self, config: uvicorn.Config, counts: Counts) -> None:
        super().__init__(config)
        self._counts = counts

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:  # it is called ten times a second
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, LimitedProtocol):
                    connection.look(now)
            self._counts.gauges["publisher_connections"] = len(self.server_state.connections)
        return await super().on_tick(counter)


def _listen(host: str, port: int) -> list[socket.socket]:
    """Sockets on every address of that name, listening."""
    opened: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((info[0], info[4]) for info in found):
            if opened and not port:
                break  # any free port: of one address
            opened.append(socket.create_server(address[:2], family=family, backlog=_BACKLOG))
            # asyncio sets it on sockets of its own making alone; without it every small answer waits 40 ms for an ACK.
            opened[-1].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as exc:
        for one in opened:
            one.close()
        raise ListenError(
            "cannot listen on {host}:{port}: {why}", host=host, port=port, why=exc.strerror or exc,
            fix="choose another [serve] host or port, or end what holds it",
        ) from exc  # fmt: skip
    return opened


def _shown(one: socket.socket) -> str:
    host, port = one.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _connections() -> int:
    """As many as there may be files open, which is raised as far as we are allowed to."""
    try:
        import resource
    except ImportError:
        return CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + _SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(10, min(CONNECTIONS, soft - _SPARE_FILES)) if soft != resource.RLIM_INFINITY else CONNECTIONS
