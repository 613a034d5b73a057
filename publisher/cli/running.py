"""Running for as long as nobody says stop: the parts of a service in one event loop, and the signals that end it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from typing import Protocol


class Part(Protocol):
    """Something that goes on by itself once it is started."""

    async def start(self) -> None: ...
    async def stop(self) -> bool:
        """End soon; False when it did not within its time."""


def run(parts: Sequence[Part], *, on_start: Callable[[], None] = lambda: None) -> int:
    """Run them until SIGTERM or SIGINT; a second one ends the process at once. Returns the exit code.

    What a part cannot start without is raised, after those that were started have ended.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_until_stopped(parts, on_start))


async def _until_stopped(parts: Sequence[Part], on_start: Callable[[], None]) -> int:
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()

    def on_signal() -> None:
        if asked.is_set():
            os._exit(130)
        asked.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    if hasattr(signal, "SIGHUP"):
        loop.add_signal_handler(
            signal.SIGHUP, lambda: None
        )  # the web server reads anew; alone, nothing is held
    started: list[Part] = []
    try:
        for part in parts:
            await part.start()
            started.append(part)
        on_start()
        await asked.wait()
    finally:
        ended = await asyncio.gather(*(part.stop() for part in started))
    return 0 if all(ended) else 1


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed: it is optional, and nearly doubles what the web server answers."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
