"""The operator's words about mail: go on with what waits, release what is held, settle what is uncertain."""

from __future__ import annotations

from datetime import date
from typing import Literal

from publisher.app import progress as told
from publisher.app.beginning import site_held
from publisher.app.build import Built
from publisher.app.deliver import deliver, recover
from publisher.app.equipment import Equipment
from publisher.app.progress import Progress
from publisher.app.report import Reporting, report
from publisher.app.run import stamp_site
from publisher.app.scan import Scanned
from publisher.app.summary import Note, OutputsSummary, RunSummary
from publisher.app.verb_summary import DeliveriesSummary, DeliverySummary, Said
from publisher.core.choice import Choice
from publisher.core.errors import OperatorMustAct, UsageError
from publisher.core.issue import IssueName
from publisher.store import deliveries, issues, publication
from publisher.store.deliveries import DeliveryRow, Mailing
from publisher.store.engine import Transaction

Settle = Literal["resend", "sent"]


async def deliver_now(
    e: Equipment, progress: Progress, issue: IssueName | None, *, release: bool = False
) -> RunSummary:
    """Deliver what waits, of one issue or of all; with `release` what is held of this issue goes out.

    UsageError: no such mailing. OperatorMustAct: the site knows more than the database.
    """
    with e.lock("deliver"):
        now, began = e.clock(), e.monotonic()
        with e.store.read() as tx:
            known = publication.get(tx)
        if known is None:
            raise OperatorMustAct("nothing was published yet", fix="publisher once")
        for item in site_held(e, known):
            raise OperatorMustAct(item.why, fix=item.how, **item.params)
        progress.start("deliver", e.local(now), e.config.site.timezone)
        identity = e.identity(known)
        doubtful = recover(e.store, e.mailer, identity, now=now)
        if issue is not None:
            _open(e, issue, release=release)
        stamp_site(e)
        progress.phase("deliver")
        accepted = await deliver(e.store, e.mailer, identity, e.delivering, clock=e.clock, only=issue)
        progress.done(
            "deliver",
            told.DELIVERED if accepted else told.DELIVERED_NONE,
            accepted=accepted,
            recipients=accepted,
        )
        note = Note(
            "{n} deliveries of a broken run are uncertain: publisher deliveries uncertain",
            {"n": len(doubtful)},
        )
        return report(
            e, known,
            Reporting(
                run="", command="deliver", now=now, day=issue.day if issue else e.today(now),
                outcome="already-published",
                scanned=Scanned(), choice=Choice(), archived=(), issue=issue, held=(), notes=(),
                recovered=(note,) if doubtful else (), built=Built(OutputsSummary(), 0), mail=None,
                took_s=e.monotonic() - began,
            ),
        )  # fmt: skip


def _open(e: Equipment, issue: IssueName, *, release: bool) -> None:
    with e.store.write() as tx:
        named = _mailings(tx, issue)
        if not release and any(mailing.state == "held" for mailing in named):
            raise OperatorMustAct(
                "the mail of {issue} is held", issue=str(issue), fix="publisher deliver {issue} --release"
            )
        for mailing in named:
            if mailing.state in ("held", "paused"):
                deliveries.set_mailing(tx, mailing.id, "open", "released")


def set_going(e: Equipment, issue: IssueName | None, *, paused: bool) -> Said:
    """Pause or resume the sending of one issue, or of the whole publication. Takes effect on a run under way:
    it takes no lock. UsageError: no such mailing, or it is over."""
    with e.store.write() as tx:
        if issue is None:
            publication.set_paused(tx, paused=paused)
            if paused:
                return Said(
                    note=Note(
                        "paused: nothing is published by the clock and nothing is sent until publisher resume"
                    )
                )
            return Said(note=Note("resumed: the next run goes on where it was"))
        for mailing in _in_state(tx, issue, "open" if paused else "paused"):
            deliveries.set_mailing(
                tx, mailing.id, "paused" if paused else "open", "paused" if paused else mailing.reason
            )
        said = "the mail of {issue} is paused" if paused else "the mail of {issue} goes on with the next run"
        return Said(note=Note(said, {"issue": str(issue)}))


def cancel(e: Equipment, issue: IssueName) -> Said:
    """End the mailing of an issue: pages and feeds stay, who was not mailed yet is not mailed."""
    with e.store.write() as tx:
        under_way = _in_state(tx, issue, "open", "held", "paused")
        n = sum(deliveries.cancel(tx, mailing.id, e.clock()) for mailing in under_way)
        return Said(
            note=Note(
                "the mail of {issue} is cancelled: {n} readers are not mailed", {"issue": str(issue), "n": n}
            )
        )


def skip(e: Equipment, day: date) -> Said:
    """Leave a slot out: nothing is published in it; its entries go with the next one. UsageError: it was used."""
    with e.lock("skip"), e.store.write() as tx:
        if day < e.today(e.clock()):
            raise UsageError("{day} is over", day=day.isoformat(), fix="name today or a day to come")
        if any(made.state in ("planned", "published") for made in issues.of_day(tx, day)):
            raise UsageError(
                "the issue of {day} is out", day=day.isoformat(), fix="publisher cancel stops its mail"
            )
        issues.skip(tx, day, now=e.clock())
        return Said(
            note=Note("{day} is left out; its entries go with the next issue", {"day": day.isoformat()})
        )


def _mailings(tx: Transaction, issue: IssueName) -> list[Mailing]:
    """The mailing of an issue, and of the week that ended with it: the operator's word is for both."""
    named = [mailing for mailing in deliveries.mailings(tx) if mailing.issue == issue]
    if not named:
        raise UsageError(
            "there is no mail of {issue}", issue=str(issue), fix="publisher status names the last issue"
        )
    return named


def _in_state(tx: Transaction, issue: IssueName, *states: str) -> list[Mailing]:
    """Those of them in one of these states. UsageError when there are none."""
    named = _mailings(tx, issue)
    found = [mailing for mailing in named if mailing.state in states]
    if not found:
        raise UsageError(
            "the mail of {issue} is {state}", issue=str(issue), state=named[0].state,
            fix="publisher deliveries says what became of it",
        )  # fmt: skip
    return found


def listed(e: Equipment, *, uncertain: bool, settle: Settle | None) -> DeliveriesSummary:
    """Deliveries, newest mailing first; with `settle` the uncertain ones are decided before."""
    if settle is None:
        with e.store.read() as tx:
            rows = deliveries.uncertain(tx) if uncertain else deliveries.rows(tx)
        return DeliveriesSummary(deliveries=tuple(_summary(e, row) for row in rows))
    with e.lock("deliveries"), e.store.write() as tx:
        rows = deliveries.uncertain(tx)
        state = "waiting" if settle == "resend" else "accepted"
        resolved = deliveries.settle_uncertain(tx, state=state, now=e.clock())
    return DeliveriesSummary(deliveries=tuple(_summary(e, row) for row in rows), resolved=resolved)


def _summary(e: Equipment, row: DeliveryRow) -> DeliverySummary:
    return DeliverySummary(
        issue=str(row.issue), kind=row.kind, email=row.email, state=row.state, attempts=row.attempts,
        code=str(row.code) if row.code else None, text=row.text or None, at=e.local(row.at),
    )  # fmt: skip
