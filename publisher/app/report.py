"""Report: what came of a run, read back from the store as it stands now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from msgspec import Struct
from msgspec.structs import replace

from publisher.app.build import Built
from publisher.app.choose import waiting
from publisher.app.equipment import Equipment
from publisher.app.scan import Scanned
from publisher.app.summary import (
    EntrySummary,
    HeldItem,
    IssueSummary,
    LinkSummary,
    MailSummary,
    Note,
    Outcome,
    RunSummary,
    WeeklySummary,
)
from publisher.core import calendar
from publisher.core.choice import Choice
from publisher.core.diagnostics import Diagnostic
from publisher.core.issue import IssueName
from publisher.store import deliveries, documents, entries, issues, links, subscribers
from publisher.store.deliveries import Mailing
from publisher.store.engine import Transaction
from publisher.store.entries import EntryFacts
from publisher.store.issues import StoredIssue
from publisher.store.links import KnownLinks
from publisher.store.publication import Publication


class Reporting(Struct, frozen=True, kw_only=True):
    """What a run knows that the store does not."""

    run: str
    now: datetime
    day: date
    outcome: str
    scanned: Scanned
    choice: Choice
    archived: tuple[str, ...]
    issue: IssueName | None
    held: tuple[HeldItem, ...]
    notes: tuple[Note, ...]
    recovered: tuple[Note, ...]
    built: Built
    mail: MailSummary | None
    weekly: WeeklySummary | None = None
    took_s: float
    command: str = "once"


def report(e: Equipment, known: Publication, r: Reporting) -> RunSummary:
    """The summary of a run."""
    outcome: Outcome = r.outcome  # type: ignore[assignment]
    with e.store.read() as tx:
        issue = issues.named(tx, r.issue) if r.issue else _issue_of_day(tx, r.day)
        used = issue is not None
        at = calendar.next_slot(
            r.now, at=e.config.publish.at, zone=e.config.zone, last=r.day if used else None
        )
        books = _books(tx, issue)
        mailings_held = held_mailings(tx, known)
        scanned = r.scanned.documents
        return RunSummary(
            run=r.run, command=r.command, at=e.local(r.now), day=r.day, outcome=outcome,
            issue=issue_summary(e, tx, known, issue) if issue else None,
            documents=replace(scanned, archived=len(r.archived)),
            diagnostics=(*r.scanned.diagnostics, *_archived_late(tx, r.choice)),
            books=books, held=(*r.held, *mailings_held), recovered=r.recovered, outputs=r.built.outputs,
            recipients=books.get("recipients", subscribers.count_by_state(tx).get("active", 0)),
            mail=r.mail, weekly=_weekly(tx, r.weekly), feed_items=max(0, r.built.feed_items), trial=known.trial,
            timezone=e.config.site.timezone,
            next_run=e.local(at[1]), waiting=waiting(e, tx, r.day, at[0]), notices=r.notes, took_s=r.took_s,
            mail_at=e.config.mail.maildir if e.config.mail.transport == "maildir" else "",
            pages_at=f"{e.config.output.folder.rstrip('/')}/index.html",
        )  # fmt: skip


def _issue_of_day(tx: Transaction, day: date) -> StoredIssue | None:
    made = [issue for issue in issues.of_day(tx, day) if issue.state == "published"]
    return made[-1] if made else None


def _books(tx: Transaction, issue: StoredIssue | None) -> dict[str, int]:
    if issue is not None:
        return deliveries.books(tx, issue.name.day, issue.name.sequence)
    return {}


def _weekly(tx: Transaction, made: WeeklySummary | None) -> WeeklySummary | None:
    """With its books as they stand now."""
    return replace(made, books=deliveries.books(tx, made.day, weekly=True)) if made else None


def _archived_late(tx: Transaction, choice: Choice) -> list[Diagnostic]:
    """Entries older than the start that turned up after it."""
    wanted = [one.uid for one in choice.archived if one.warn]
    return [
        Diagnostic(
            file=one.file or one.uid, line=one.line, column=1, slug="archived-late", params={"uid": one.uid}
        )
        for one in documents.places(tx, wanted)
    ]


def issue_summary(e: Equipment, tx: Transaction, known: Publication, issue: StoredIssue) -> IssueSummary:
    """An issue with its entries as they stand now."""
    facts = entries.of_issue(tx, issue.id)
    states = links.known(tx, [one.id for one in facts])
    site = e.site(known)
    return IssueSummary(
        day=issue.name.day,
        sequence=issue.name.sequence,
        entries=tuple(entry_summary(one, site.absolute(one.permalink), states.get(one.id)) for one in facts),
        published_at=e.local(issue.published_at) if issue.published_at else None,
    )


def entry_summary(facts: EntryFacts, url: str, known: KnownLinks | None) -> EntrySummary:
    """A published entry as a line."""
    return EntrySummary(
        uid=facts.uid, guid=facts.guid, number=facts.number, title=facts.title, topics=facts.topics, words=facts.words,
        minutes=facts.minutes, url=url, label=facts.label, day=facts.day, late=facts.late,
        links=tuple(
            LinkSummary(
                url=state.url, result=state.result, verdict=state.verdict, target=state.target,
                title=state.target_title, http_status=state.http_status,
            )
            for state in (known.pages.values() if known else ())
        ),
    )  # fmt: skip


_WHAT: Mapping[str, str] = {"weekly": "weekly mail of {issue}"}
_WHY: Mapping[str, str] = {
    "gap": "the machine was off for more than a week",
    "late": "it is too old to be sent without asking",
    "restored": "the database was restored",
    "paused": "sending was paused",
    "refused": "the mail server refused many readers in a row: publisher deliveries has its words",
}


def _mail_of(mailing: Mailing) -> str:
    return _WHAT.get(mailing.kind, "mail of {issue}")


def held_mailings(tx: Transaction, known: Publication | None) -> list[HeldItem]:
    """Mailings that wait for the operator; all of them, and the schedule, while the publication is paused."""
    paused = [
        HeldItem(
            what=_mail_of(mailing), why="sending was paused", how="publisher resume {issue}",
            params={"issue": str(mailing.issue)},
        )
        for mailing in deliveries.mailings(tx, "paused")
    ]  # fmt: skip
    if known is not None and known.paused:
        paused.insert(
            0, HeldItem(what="the schedule and all mail", why="sending was paused", how="publisher resume")
        )
    return paused + [
        HeldItem(
            what=_mail_of(mailing), why=_WHY.get(mailing.reason or "", "it was held"),
            how="publisher deliver {issue} --release", params={"issue": str(mailing.issue)},
        )
        for mailing in deliveries.mailings(tx, "held")
    ]  # fmt: skip
