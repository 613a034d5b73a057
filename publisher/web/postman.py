"""The postman: letters that forms ask for leave within seconds, not with the next tick."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from threading import Event

from publisher.core.errors import PublisherError
from publisher.wiring import App

LOOK_S = 2.0
REST_S = 60.0
"""After a trouble: a mail server that is down is not asked every two seconds. The tick says what is wrong."""

STOP_WITHIN_S = 25.0

log = logging.getLogger("publisher.web")


class Postman:
    """Looks every two seconds whether a letter is due and sends it, in a thread beside the loop."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._stopping = Event()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._said = ""

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="postman")

    async def stop(self) -> bool:
        """The letter in hand is finished; the others wait for the next start."""
        self._stopping.set()
        self._woken.set()
        if self._task is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_WITHIN_S):
                    await asyncio.shield(self._task)
                return True
        return self._task is None

    async def _run(self) -> None:
        while not self._stopping.is_set():
            rest_s = LOOK_S
            try:
                await asyncio.to_thread(self._send)
                self._said = ""
            except PublisherError as exc:
                self._say(str(exc))
                rest_s = REST_S
            except Exception:  # a bug in one letter must not end all the others
                log.exception("letters could not be sent")
                rest_s = REST_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(rest_s):
                    await self._woken.wait()

    def _say(self, trouble: str) -> None:
        """One line for a trouble, however long it lasts."""
        if trouble != self._said:
            log.warning("letters wait: %s", trouble)
        self._said = trouble

    def _send(self) -> None:
        asyncio.run(self._app.send_letters(going=lambda: not self._stopping.is_set()))
