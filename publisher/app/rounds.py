"""What belongs to a run beside publishing: the monitor hears of it, the hub learns what is new, and by the clock
the night's backup, the week's report and alert mail.

None of it can fail a run: what goes wrong here is a trouble that the owner is told of.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from publisher.app import alerts, just_read, pings
from publisher.app.equipment import Equipment
from publisher.app.publish import due_slot, was_empty
from publisher.app.summary import RunSummary
from publisher.core.errors import Busy
from publisher.store import alerts as known_alerts
from publisher.store import issues, monitor, publication
from publisher.store.publication import Publication

_FAILING_FOR = timedelta(hours=1)


async def attended(e: Equipment, run: Callable[[], Awaitable[RunSummary]], *, by_clock: bool) -> RunSummary:
    """A run with everything around it. Raises what the run raises."""
    rounds = _Rounds(e, by_clock=by_clock)
    await rounds.before()
    try:
        try:
            summary = await run()
        except Busy:
            raise
        except Exception as exc:
            await rounds.failed(exc)
            raise
        await rounds.after(summary)
    finally:
        just_read.forget()
    return summary


class _Rounds:
    """`slot`: whether this run is that of a slot, which a monitor waits for."""

    def __init__(self, e: Equipment, *, by_clock: bool) -> None:
        self._e, self._by_clock = e, by_clock
        self._slot = not by_clock or self._is_due()
        self._wrong: dict[str, str] = {}

    def _is_due(self) -> bool:
        """A slot that was found empty is looked at again every minute: that is no news."""
        known = self._known()
        if known is None:
            return True
        slot = due_slot(self._e, known, self._e.clock())
        return slot is not None and not was_empty(self._e, slot)

    async def before(self) -> None:
        if self._slot and not self._is_failing():
            await self._job("ping", lambda: pings.ping_start(self._e))

    def _is_failing(self) -> bool:
        """A run that fails every minute does not begin anew every minute."""
        since = self._e.clock() - _FAILING_FOR
        with self._e.store.read() as tx:
            return any(one.key == alerts.RUN and one.last_at > since for one in known_alerts.every(tx))

    async def after(self, run: RunSummary) -> None:
        e, now = self._e, self._e.clock()
        known = self._known()
        if known is None:
            return
        if e.config.feed.hub:
            await self._job("hub", lambda: self._hub(known))
        if self._by_clock:
            await self._job("backup", self._backup)
            await self._job("report", lambda: self._report(known, run, now))
        held = [item for item in run.held if item.kind == "run"]
        if not held and (self._slot or self._is_owed(known)):
            await self._job("ping", lambda: pings.ping_done(e))
        await self._tell(known, alerts.troubles(e, run) | self._wrong)

    def _is_owed(self, known: Publication) -> bool:
        """Whether the monitor waits for a success that is there by now: the run that began was killed, or one failed
        and this one did not. While a slot is open, planned or paused nothing is finished."""
        e = self._e
        if not e.config.alerts.ping_url or known.paused or self._is_due():
            return False
        with e.store.read() as tx:
            last = monitor.heard(tx) or monitor.Heard(word="start", day=e.today(e.clock()))
            if last.word == "done" or issues.in_state(tx, "planned"):
                return False
            return last.word == "fail" or bool(issues.of_day(tx, last.day))

    async def failed(self, error: Exception) -> None:
        self._slot = True  # whatever was due, this is what a monitor must hear of
        await self._job(
            "alerts", lambda: self._tell(self._known(), {alerts.RUN: alerts.trouble_of(self._e, error)})
        )

    async def _tell(self, known: Publication | None, found: dict[str, str]) -> None:
        """The monitor and the owner, of what is news to them."""
        e, now = self._e, self._e.clock()
        if self._by_clock:
            there = alerts.note(e, found, now)
            fresh = any(one.key == alerts.RUN and one.first_at == now for one in there)
        else:
            there, fresh = [], True
        if alerts.RUN in found and self._slot and fresh:
            await self._job("ping", lambda: pings.ping_fail(e, found[alerts.RUN]))
        if known is not None:
            await self._job("alerts", lambda: alerts.tell(e, known, there, now))

    async def _hub(self, known: Publication) -> None:
        from publisher.app.hubs import tell_hub

        await tell_hub(self._e, known)

    async def _report(self, known: Publication, run: RunSummary, now: datetime) -> None:
        from publisher.app.week_report import send_report

        await send_report(self._e, known, run, now)

    async def _backup(self) -> None:
        from publisher.app.backup import nightly_backup

        nightly_backup(self._e, self._e.clock())

    def _known(self) -> Publication | None:
        with self._e.store.read() as tx:
            return publication.get(tx)

    async def _job(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Whatever happens in it is told under its name, and the run goes on."""
        try:
            await work()
        except Exception as exc:  # a bug of ours among them: an issue that is out stays out
            self._wrong[name] = f"{name}: {alerts.trouble_of(self._e, exc)}"
