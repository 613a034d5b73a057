"""Chromium over its DevTools pipe: opens a folder's pages as a site, measures them, takes their picture."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import functools
import http.server
import json
import os
import select
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--remote-debugging-pipe",
)  # fmt: skip
TIMEOUT_S = 20.0  # of silence; then the browser hangs


def find_chromium() -> str | None:
    """The browser's path, or None where there is none."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if name and (found := shutil.which(name))), None)


@contextlib.contextmanager
def serving(folder: Path, prefix: str = "/") -> Iterator[str]:
    """The folder as a site on a free port of this machine: yields its address, which ends with '/'.

    With a prefix ('/daily/') the folder is served below it and nothing above it, as on a shared host.
    """
    handler = functools.partial(_Quiet, directory=str(folder), prefix=prefix)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}{prefix}"
        finally:
            server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *args: Any, prefix: str, **kwargs: Any) -> None:
        self.prefix = prefix
        super().__init__(*args, **kwargs)

    def translate_path(self, path: str) -> str:
        below = path.removeprefix(self.prefix) if path.startswith(self.prefix) else "\0outside"
        return super().translate_path("/" + below.replace("\0", "_"))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


class Chromium:
    """One browser with one page. Use as a context manager; the process ends with the block."""

    def __init__(self, executable: str) -> None:
        self._executable = executable
        self._n = 0
        self._loaded = False
        self.requests: list[str] = []  # every address asked for since `open`

    def __enter__(self) -> Chromium:
        self._home = tempfile.TemporaryDirectory(prefix="chromium-")
        to_read, self._to = os.pipe()
        self._from, to_write = os.pipe()
        # Spoken on descriptors 3 and 4 (Chromium's rule): ours go high first, so that none is overwritten.
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in (to_read, to_write)]
        self._process = os.posix_spawn(
            self._executable,
            [self._executable, *FLAGS, f"--user-data-dir={self._home.name}", "about:blank"],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_DUP2, high[0], 3),
                (os.POSIX_SPAWN_DUP2, high[1], 4),
            ],
        )
        for fd in (to_read, to_write, *high):
            os.close(fd)
        self._buffer = b""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError, EOFError, RuntimeError):
            self._call("Browser.close")
        self._end_process()
        os.close(self._to)
        os.close(self._from)
        self._home.cleanup()

    def _end_process(self) -> None:
        """It has been asked to close; one that does not within the timeout is killed."""
        killer = threading.Timer(TIMEOUT_S, os.kill, (self._process, signal.SIGKILL))
        killer.start()
        os.waitpid(self._process, 0)
        killer.cancel()

    def call(self, method: str, **params: Any) -> Any:
        """One command to the page; raises RuntimeError with Chromium's words when it refuses."""
        return self._call(method, self._session, **params)

    def open(self, url: str, *, width: int, height: int = 900, dark: bool = False) -> None:
        """Load a page at a size and scheme and wait until it is complete."""
        self.resize(width, height)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", media="", features=scheme)
        self.requests.clear()
        self._loaded = False
        self.call("Page.navigate", url=url)
        self.wait_for_load()

    def wait_for_load(self) -> None:
        """Until a page is complete since the last call."""
        while not self._loaded:
            self._receive()
        self._loaded = False

    def follow(self, url: str) -> str:
        """Load a page that leads on by itself: the address of the first page that does not."""
        self.open(url, width=390)
        while b'http-equiv="refresh"' in self.evaluate("document.documentElement.outerHTML").encode():
            self.wait_for_load()
        return str(self.evaluate("location.href"))

    def resize(self, width: int, height: int = 900) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page, as JSON has it."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:500])
        return answer["result"].get("value")

    def picture(self, *, whole: bool = True) -> bytes:
        """The page as PNG: all of it, or only what the window shows."""
        answer = self.call(
            "Page.captureScreenshot", format="png", captureBeyondViewport=whole, **self._clip(whole)
        )
        return base64.b64decode(answer["data"])

    def pdf(self) -> bytes:
        """The page as its print style lays it out on A4."""
        answer = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        return base64.b64decode(answer["data"])

    def _clip(self, whole: bool) -> dict[str, Any]:
        if not whole:
            return {}
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        height = min(size["height"], 16_000)
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1}}

    def _call(self, method: str, session: str | None = None, **params: Any) -> Any:
        self._n += 1
        message: dict[str, Any] = {"id": self._n, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._receive()).get("id") != self._n:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            if not select.select([self._from], [], [], TIMEOUT_S)[0]:
                raise TimeoutError(f"the browser said nothing for {TIMEOUT_S:.0f} s")
            if not (data := os.read(self._from, 1 << 20)):
                raise EOFError("the browser went away")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])
        if message.get("method") == "Page.loadEventFired":
            self._loaded = True
        return message
