"""The keeper of the table: notices that the site has changed, makes the table anew and has the search index follow,
and knows whether all is well."""

from __future__ import annotations

import asyncio
import logging
from datetime import date, datetime, timedelta

from publisher.core.errors import PublisherError
from publisher.web.counts import Counts
from publisher.web.files import Files
from publisher.web.health import Health, Heart, health
from publisher.web.table import Shelf, Table
from publisher.wiring import App

LOOK_S, MOVING_LOOK_S = 1.0, 0.3
MAX_AGE_S = 4 * 3600
"""However far the next slot is: some readers take a longer one for a mistake."""

_MIN_AGE_S = 60
_OPEN_AGE_S = 300  # while the day's issue may still come at any moment
_PULSE_LOOKS, _OVERDUE_PULSE_LOOKS = 60, 5
_PATIENCE_LOOKS = 15  # a site that is being written all the time is shown as it is then
_UNSETTLED_TRIES = 5
_INDEXED_TOGETHER = 200  # entries, a second or so: who ends the process waits no longer

log = logging.getLogger("publisher.web")


class Keeper:
    """Looks once a second at the folder, which every file that we write passes through the top of.

    So its own time moves with any change that a run makes, in this process or beside it.
    """

    def __init__(self, app: App, shelf: Shelf, counts: Counts, heart: Heart | None) -> None:
        self._app, self._shelf, self._counts, self._heart = app, shelf, counts, heart
        self.files = Files(Table(shelf), app.now)
        self._made_of: object = None  # the folder's mark when the table was made
        self._last: object = None  # ... at the last look
        self._moving_looks = 0
        self._unsettled_tries = 0
        self._looks_to_pulse = 0
        self._pulse_at: datetime | None = None  # until when the pulse holds
        self._due: date | None = None
        self._open = False
        self._trouble = ""
        self._indexing: asyncio.Task[None] | None = None
        self._index_moved, self._index_trouble = True, ""
        self._woken, self._anew = asyncio.Event(), False
        self._loop = asyncio.get_running_loop()

    async def start(self) -> None:
        """The first table: when this returns, the site is there."""
        self._last = self._mark()
        await self._feel_pulse()
        await self._renew()

    async def run(self) -> None:
        """Until it is cancelled."""
        try:
            while True:
                self._keep_index()
                woken = await self._wait()
                try:
                    await self._look(woken=woken)
                except Exception:  # whatever it was, the table at hand goes on being served
                    log.exception("the site could not be looked at")
        finally:
            if self._indexing is not None:
                self._indexing.cancel()

    def wake(self, *, anew: bool = False) -> None:
        """Look now, as after a run of our own; `anew`: and make the table again whatever it looks like."""
        self._loop.call_soon_threadsafe(self._wake, anew)

    def _wake(self, anew: bool) -> None:
        self._anew = self._anew or anew
        self._woken.set()

    def health(self) -> Health:
        """How things stand, without asking anybody."""
        return health(self._due, self._heart, self._trouble)

    async def _wait(self) -> bool:
        try:
            async with asyncio.timeout(MOVING_LOOK_S if self._moving_looks else LOOK_S):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True

    async def _look(self, *, woken: bool) -> None:
        mark = self._mark()
        still, self._last = mark == self._last, mark
        if self._anew or (
            mark != self._made_of and (still or woken or self._moving_looks >= _PATIENCE_LOOKS)
        ):
            self._anew = False
            await self._renew()
        elif mark != self._made_of:
            self._moving_looks += 1
        elif self.files.table.unsettled and self._unsettled_tries < _UNSETTLED_TRIES:
            self._unsettled_tries += 1
            await self._renew()
        self._looks_to_pulse -= 1
        if woken or self._looks_to_pulse <= 0 or (self._pulse_at and self._app.now() >= self._pulse_at):
            await self._feel_pulse()
        self._tell()

    def _mark(self) -> object:
        try:
            status = self._shelf.folder.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns

    async def _renew(self) -> None:
        """A new table beside the old one, then the one in place of the other."""
        mark = self._mark()
        try:
            table = await asyncio.to_thread(self._table)
        except PublisherError as exc:
            log.error("%s", exc)  # noqa: TRY400 (what an operator can mend needs no traceback)
            return
        if mark != self._made_of:
            self._unsettled_tries = 0
        self.files.table, self._made_of, self._moving_looks = table, mark, 0
        self._index_moved = True
        self._tell()

    def _table(self) -> Table:
        known = self._app.served_files()
        return self._shelf.table(known.recorded, known.gone, now=self._app.now(), before=self.files.table)

    def _keep_index(self) -> None:
        """Beside everything else, one at a time."""
        if self._index_moved and (self._indexing is None or self._indexing.done()):
            self._index_moved = False
            self._indexing = asyncio.create_task(self._index(), name="index")

    async def _index(self) -> None:
        """All of it, in portions, as long as each comes nearer. What fails is told once, and tried again with the next
        pulse."""
        before, left, trouble = 0, 0, ""
        try:
            while (left := await asyncio.to_thread(self._app.keep_search_index, most=_INDEXED_TOGETHER)) and (
                left < before or not before
            ):
                before = left
        except Exception as exc:
            trouble = f"{type(exc).__name__}: {exc}"
            if trouble != self._index_trouble:
                # What an operator can mend needs no traceback.
                log.error("%s", exc, exc_info=None if isinstance(exc, PublisherError) else exc)  # noqa: TRY400
        self._index_trouble = trouble
        self._counts.gauges |= {
            "publisher_search_days_left": left,
            "publisher_search_failing": float(bool(trouble)),
        }

    async def _feel_pulse(self) -> None:
        """Ask whether an issue is overdue, and when the next is."""
        self._index_moved = True  # it may have failed, or its file be gone
        try:
            pulse = await asyncio.to_thread(self._app.pulse)
        except PublisherError as exc:
            if not self._trouble:
                log.error("%s", exc)  # noqa: TRY400 (as above)
            self._trouble = "the database cannot be read"
            self._looks_to_pulse = _OVERDUE_PULSE_LOOKS
            return
        self._trouble, self._due, self._open, self._pulse_at = "", pulse.due, pulse.open, pulse.next_at
        self._looks_to_pulse = _OVERDUE_PULSE_LOOKS if pulse.due else _PULSE_LOOKS

    def _tell(self) -> None:
        """How long answers hold, and the gauges."""
        left = self._pulse_at - self._app.now() if self._pulse_at and not self._due else timedelta()
        longest_s = _OPEN_AGE_S if self._open else MAX_AGE_S
        age_s = min(longest_s, max(_MIN_AGE_S, int(left.total_seconds())))
        self.files.hold(age_s)
        table = self.files.table
        self._counts.gauges |= {
            "publisher_files": len(table.files),
            "publisher_memory_held_bytes": table.weight,
            "publisher_healthy": float(self.health().ok),
        }
