"""Publish: the daily run by hand (`once`) and by the clock (`tick`), and its rehearsal on a copy."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime
from typing import TYPE_CHECKING

from publisher.app.beginning import begin
from publisher.app.deliver import Going, always
from publisher.app.equipment import Equipment
from publisher.app.notices import send_due, tidy
from publisher.app.progress import Progress, Silent
from publisher.app.run import Run
from publisher.app.summary import RunSummary
from publisher.core import calendar
from publisher.core.errors import MailError, PublisherError
from publisher.core.faults import fault
from publisher.store import issues, runs
from publisher.store.publication import Publication

if TYPE_CHECKING:
    from publisher.render.digest import Frozen


async def once(
    e: Equipment,
    progress: Progress,
    *,
    extra: bool = False,
    accept_clock: bool = False,
    accept_withdrawals: bool = False,
) -> RunSummary:
    """Today's run, now. A second call the same day finds it done, refreshes what was edited, and says so.

    Raises Busy, FolderError, StoreError, TemplateError; what was begun is finished by the next call.
    """
    with e.lock("once"):
        now = e.clock()
        known, held, notes = begin(e, now, accept_clock=accept_clock)
        run = Run(
            e, progress, now, extra=extra, accept_withdrawals=accept_withdrawals, held=held, notes=notes
        )
        summary = await _logged(run, known, "once")
        await _letters(e, now, always)
        return summary


async def tick(
    e: Equipment, *, going: Going = always, fresh: bool = True, progress: Progress | None = None
) -> RunSummary:
    """What the clock calls every minute: publish the newest slot that is due (it covers those missed before it),
    follow edits, go on with deferred mail. With nothing to do it leaves no trace.

    `fresh`: look at every output even when no document changed (the first tick of a process). Raises as `once`.
    """
    with e.lock("tick"):
        now = e.clock()
        known, held, notes = begin(e, now)
        slot = due_slot(e, known, now)
        run = Run(
            e, progress or Silent(), now, slot=slot, scheduled=True, fresh=fresh, going=going,
            settle_s=e.config.documents.settle_s, held=held, notes=notes,
        )  # fmt: skip
        summary = await _logged(run, known, "tick")
        await _letters(e, now, going)
        return summary


async def _letters(e: Equipment, now: datetime, going: Going) -> None:
    """Single letters to readers, after everything else."""
    with suppress(MailError):  # the mail server is away: they wait with everything else
        await send_due(e, going=going)
    tidy(e, now)


def due_slot(e: Equipment, known: Publication, now: datetime) -> date | None:
    """The newest slot whose time has come and that is still open; None while the publication is paused."""
    if known.paused:
        return None
    today = e.today(now)
    with e.store.read() as tx:
        last = issues.last_closed(tx, today=today)
    since = e.today(known.created_at)
    due = calendar.slots_due(now, since_day=since, at=e.config.publish.at, zone=e.config.zone, last=last)
    return due[-1] if due else None


async def _logged(run: Run, known: Publication, kind: str) -> RunSummary:
    """The run, with its beginning and end in the log of runs: a tick that does nothing is not logged."""
    e = run.e
    silent = run.scheduled and (run.slot is None or bool(run.held) or was_empty(e, run.slot))
    if not silent:
        with e.store.write() as tx:
            run.run_id = runs.begin(tx, kind=kind, host=e.host, now=run.now, day=run.day)
        fault("run-begun")
    run.progress.start(kind, e.local(run.now), e.config.site.timezone, run=str(run.run_id or ""))
    try:
        summary = await run.go(known)
    except PublisherError as exc:
        _end(run, kind, ok=False, outcome="error", error=str(exc))
        raise
    if not silent or run.did_something:
        _end(run, kind, ok=True, outcome=summary.outcome)
    return summary


def _end(run: Run, kind: str, *, ok: bool, outcome: str, error: str = "") -> None:
    """Note how it ended. A tick that failed or was held the same way a minute ago is noted once."""
    with run.e.store.write() as tx:
        if not run.run_id:
            before = runs.newest(tx, kind)
            again = before and (before.outcome, before.error) == (outcome, error)
            if again and outcome in ("error", "held"):
                return
            run.run_id = runs.begin(tx, kind=kind, host=run.e.host, now=run.now, day=run.day)
        runs.end(
            tx, run.run_id, now=run.e.clock(), ok=ok, outcome=outcome, error=error, summary=run.figures()
        )


def was_empty(e: Equipment, slot: date) -> bool:
    """Whether the slot was found empty before: it stays open, and is looked at again every minute."""
    with e.store.read() as tx:
        return any(issue.state == "empty" for issue in issues.of_day(tx, slot))


async def rehearse(e: Equipment, progress: Progress, now: datetime) -> tuple[RunSummary, dict[str, Frozen]]:
    """A whole run on a copy: what `once` would do, and every variant that it would mail. `e` is a rehearsing one."""
    known, held, notes = begin(e, now)
    run = Run(e, progress, now, rehearsal=True, held=held, notes=notes)
    progress.start("plan", e.local(now), e.config.site.timezone)
    summary = await run.go(known)
    return summary, run.drawn
