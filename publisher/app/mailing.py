"""The digest of an issue, made from the store: its sections, corrections and past years, frozen for all readers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from publisher.app.equipment import Equipment
from publisher.app.summary import MailSummary
from publisher.app.view import SiteView
from publisher.core.issue import EntryLine, PublishedDay
from publisher.render.digest import CorrectionLine, Digest, Frozen, Reader, freeze, sections_of, splice
from publisher.store import entries
from publisher.store.engine import Transaction
from publisher.store.entries import EntryFacts, PendingCorrection
from publisher.store.issues import StoredIssue
from publisher.store.publication import Publication

VARIANT = "full"
"""The one form that readers get so far."""

_PAST_YEARS = 3


def frozen_digest(
    e: Equipment, tx: Transaction, known: Publication, issue: StoredIssue, *, at: datetime
) -> Frozen:
    """Draw the digest of an issue as its entries are now. `at` is its Date. Raises TemplateError."""
    view = SiteView(tx, e.options)
    facts = entries.of_issue(tx, issue.id)
    templates = e.templates(known)
    config = e.config.mail
    digest = Digest(
        site=templates.site,
        issue=issue.name,
        sections=sections_of(_days(view, facts)),
        published_at=at,
        sender=e.config.sender,
        reply_to=config.reply_to,
        kind=kind_of(issue),
        corrections=tuple(map(_correction, entries.corrections_of_issue(tx, issue.id))),
        on_this_day=_on_this_day(tx, view, facts),
    )
    return freeze(digest, templates, budget_bytes=config.html_budget_bytes)


def kind_of(issue: StoredIssue) -> str:
    """The kind of its mailing."""
    return "daily" if issue.name.sequence == 1 else "extra"


def mail_summary(e: Equipment, frozen: Frozen) -> MailSummary:
    """Its size against the budget."""
    return MailSummary(
        subject=frozen.subject, html_bytes=frozen.html_bytes, budget_bytes=e.config.mail.html_budget_bytes,
        message_bytes=frozen.message_bytes, shortened=len(frozen.shortened),
    )  # fmt: skip


def sample_message(frozen: Frozen, email: str) -> bytes:
    """The message as the owner would get it."""
    return b"".join(splice(frozen, Reader(uid="preview", email=email or "curator@localhost")))


def _days(view: SiteView, facts: Sequence[EntryFacts]) -> list[PublishedDay]:
    days = []
    for day, group in groupby(sorted(facts, key=lambda f: (f.day, f.issue_position)), key=lambda f: f.day):
        head = view.head(day)
        shown = tuple(view.published(one, "feeds") for one in group)
        days.append(PublishedDay(day=day, title=head.title, preface=head.preface, entries=shown))
    return days


def _correction(pending: PendingCorrection) -> CorrectionLine:
    entry = pending.entry
    return CorrectionLine(title=entry.title, permalink=entry.permalink, day=entry.day, note=pending.note)


def _on_this_day(tx: Transaction, view: SiteView, facts: Sequence[EntryFacts]) -> tuple[EntryLine, ...]:
    """往年今日: of the newest day that is not late."""
    days = [one.day for one in facts if not one.late] or [one.day for one in facts]
    if not days:
        return ()
    newest = max(days)
    past = entries.on_this_day(tx, newest.month, newest.day, before=min(days), limit=_PAST_YEARS)
    return tuple(view.line(one) for one in past)
