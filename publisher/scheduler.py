"""The metronome: APScheduler calls one idempotent tick at the publishing time and every minute; the database decides.

A job store in memory, a cron job that is punctual and a sweep that starts at once: it catches up after a start,
a suspension or a jump of the clock. Neither says which day it is: slots are computed in core.calendar, because
cron triggers skip and double whole days when clocks change (measured: APScheduler 3.11.3).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time
from threading import Event
from time import monotonic
from zoneinfo import ZoneInfo

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler

SWEEP_S = 60
STOP_WITHIN_S = 30.0
"""A tick under way may take so long to finish after the first SIGTERM; the second one ends it at once."""

log = logging.getLogger("publisher.scheduler")

Tick = Callable[[Callable[[], bool]], Awaitable[None]]
"""Called with "may I go on?"; returns when the tick is done. It must not raise for what an operator can mend."""


class Metronome:
    """Calls `tick` by the clock until it is stopped. One tick at a time, in a thread of its own.

    The thread has its own event loop: a tick may block on the database or a template without holding up
    whatever else the process serves, and the store keeps its one writer.
    """

    def __init__(self, tick: Tick, *, at: time, zone: ZoneInfo, on_trouble: Callable[[str], None]) -> None:
        self._tick = tick
        self._at, self._zone = at, zone
        self._on_trouble = on_trouble
        self._stopping = Event()
        self._busy = asyncio.Lock()
        self._began_s = self._ended_s = 0.0  # of the last beat, on the monotonic clock; 0: none yet
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tick")
        self._scheduler = AsyncIOScheduler(
            timezone=zone, job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        )

    async def start(self) -> None:
        """Begin; the first tick is due at once."""
        self._scheduler.add_job(self._beat, "cron", hour=self._at.hour, minute=self._at.minute, id="publish")
        self._scheduler.add_job(
            self._beat, "interval", seconds=SWEEP_S, id="sweep", next_run_time=datetime.now(self._zone)
        )
        self._scheduler.add_listener(
            self._heard, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES
        )
        self._scheduler.start()

    async def stop(self) -> bool:
        """No new tick, and the one under way ends soon; False when it did not within its time.

        APScheduler's own shutdown does not wait for coroutines: it cancels them.
        """
        self._stopping.set()
        self._scheduler.pause()
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                async with self._busy:
                    ended = True
        except TimeoutError:
            ended = False
        self._scheduler.shutdown(wait=False)
        self._thread.shutdown(wait=ended, cancel_futures=True)
        return ended

    @property
    def going(self) -> bool:
        return not self._stopping.is_set()

    @property
    def swept_s_ago(self) -> float | None:
        """Seconds since the last beat ended, None before the first one did."""
        return monotonic() - self._ended_s if self._ended_s else None

    @property
    def at_work_s(self) -> float:
        """Seconds since the beat under way began, 0 when none is."""
        return monotonic() - self._began_s if self._busy.locked() else 0.0

    async def _beat(self) -> None:
        """One tick. The cron job and the sweep may meet: the later one finds it running and leaves."""
        if self._busy.locked() or not self.going:
            return
        async with self._busy:
            self._began_s = monotonic()
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._thread, self._run_tick)
            self._ended_s = monotonic()

    def _run_tick(self) -> None:
        asyncio.run(self._awaited())

    async def _awaited(self) -> None:
        await self._tick(lambda: self.going)

    def _heard(self, event: JobExecutionEvent) -> None:
        what = {EVENT_JOB_MISSED: "missed", EVENT_JOB_MAX_INSTANCES: "still running"}.get(
            event.code, "failed"
        )
        error = getattr(event, "exception", None)
        said = f"{event.job_id} {what}" + (f": {type(error).__name__}: {error}" if error else "")
        log.error(said)
        self._on_trouble(said)
