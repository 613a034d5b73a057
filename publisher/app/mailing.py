"""Mailings made from the store: who gets which variant, each variant frozen once, and the page of what was mailed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from publisher.app.equipment import Equipment
from publisher.app.summary import MailSummary
from publisher.app.view import SiteView
from publisher.core.issue import EntryLine, IssueName, PublishedDay
from publisher.core.variant import Variant, body_of, language_of
from publisher.render.digest import (
    CorrectionLine,
    Digest,
    Frozen,
    Reader,
    Tokens,
    freeze,
    html_of,
    sections_of,
    splice,
)
from publisher.store import deliveries, entries, publication, recipients
from publisher.store.engine import Transaction
from publisher.store.entries import EntryFacts, PendingCorrection
from publisher.store.issues import StoredIssue
from publisher.store.publication import Publication
from publisher.store.recipients import Wish

if TYPE_CHECKING:
    from publisher.render.environment import Templates

_PAST_YEARS = 3

Given = Sequence[tuple[int, Variant]]
"""Subscribers and the variant each of them gets."""


class Matter(Struct, frozen=True, kw_only=True):
    """What is mailed. `at` is its Date; `issues` with their ids, oldest first: several in a weekly mailing."""

    kind: str
    name: IssueName
    issues: Mapping[IssueName, int]
    at: datetime


class Press:
    """Draws the variants of one mailing, each once and only when somebody gets it."""

    def __init__(self, e: Equipment, known: Publication, matter: Matter) -> None:
        self._e, self._known = e, known
        self.matter = matter
        self._templates: dict[str, Templates] = {}
        self._digests: dict[tuple[IssueName, ...], Digest] = {}
        self.drawn: dict[Variant, Frozen] = {}

    @property
    def usual(self) -> Variant:
        """The whole text in the site's own language: what the mailing is called after and measured by."""
        return Variant("full", language_of(self._e.config.site.language))

    def frozen(self, tx: Transaction, variant: Variant) -> Frozen:
        """This variant, from the entries as they are now or were when the first one was drawn. Raises TemplateError."""
        if variant not in self.drawn:
            names = variant.issues or tuple(self.matter.issues)
            if names not in self._digests:
                self._digests[names] = _digest(self._e, tx, self._known, self.matter, names)
            self.drawn[variant] = freeze(
                self._digests[names],
                self._in(variant.language),
                budget_bytes=self._e.config.mail.html_budget_bytes,
                body=variant.body,
            )
        return self.drawn[variant]

    def draw(self, tx: Transaction, variants: Iterable[Variant]) -> None:
        """Draw these ahead, so that the transaction that publishes has them at hand."""
        for variant in sorted(set(variants), key=str):
            self.frozen(tx, variant)

    def open(self, tx: Transaction, given: Given, *, held: str | None, now: datetime) -> None:
        """Put the mailing on the books, with the bodies that have readers."""
        variants = {str(variant): variant for _, variant in given}
        deliveries.open_mailing(
            tx, kind=self.matter.kind, name=self.matter.name, issue_ids=self.matter.issues.values(),
            recipients=[(subscriber_id, str(variant)) for subscriber_id, variant in given],
            body_of=lambda name: self.frozen(tx, variants[name]).to_bytes(), held=held, now=now,
        )  # fmt: skip

    def summary(self, given: Given) -> MailSummary:
        """Its size against the budget, and how many readers get which variant."""
        counts = Counter(variant for _, variant in given)
        variant = self.usual if self.usual in self.drawn else min(self.drawn, key=str)
        frozen = self.drawn[variant]
        return MailSummary(
            subject=frozen.subject, html_bytes=frozen.html_bytes,
            budget_bytes=self._e.config.mail.html_budget_bytes, message_bytes=frozen.message_bytes,
            shortened=len(frozen.shortened), readers={str(v): counts[v] for v in sorted(counts, key=str)},
        )  # fmt: skip

    def _in(self, language: str) -> Templates:
        """The templates with our words in this language; the site's own kind of it, where that is the same."""
        if language not in self._templates:
            templates = self._e.templates(self._known)
            if language_of(templates.site.language) != language:
                templates = self._e.templates(self._known, language=language)
            self._templates[language] = templates
        return self._templates[language]


def press_of(e: Equipment, tx: Transaction, known: Publication, issue: StoredIssue, now: datetime) -> Press:
    """For the daily mailing of an issue; its Date is that of the newest entry."""
    at = max((facts.published_at for facts in entries.of_issue(tx, issue.id)), default=now)
    kind = "daily" if issue.name.sequence == 1 else "extra"
    return Press(e, known, Matter(kind=kind, name=issue.name, issues={issue.name: issue.id}, at=at))


def daily_readers(tx: Transaction) -> Given:
    """Who gets the mailing of an issue, with their variants."""
    return [(wish.subscriber_id, variant_of(wish)) for wish in recipients.daily(tx)]


def variant_of(wish: Wish, issues: tuple[IssueName, ...] = ()) -> Variant:
    return Variant(body_of(wish.body), language_of(wish.language), issues)


def sample_message(frozen: Frozen, email: str) -> bytes:
    """The message as a reader would get it; its links lead nobody anywhere."""
    tokens = Tokens(unsubscribe="preview", preferences="preview", view="preview")
    return b"".join(splice(frozen, Reader(uid="preview", email=email or "curator@localhost", tokens=tokens)))


def html_as_mailed(e: Equipment, uid: str, kind: str, name: IssueName) -> bytes | None:
    """The HTML of a mailing exactly as this reader got it; None when they were no recipient of it.

    A token of purpose "view" carries the reader's uid and `core.delivery.mailing_key` of the mailing.
    """
    with e.store.read() as tx:
        known = publication.get(tx)
        one = deliveries.of_reader(tx, kind, name, uid)
        if known is None or one is None:
            return None
        frozen = Frozen.from_bytes(deliveries.artifact(tx, one.mailing_id, one.variant))
    return html_of(frozen, e.identity(known).reader(one, kind, name))


def _digest(
    e: Equipment, tx: Transaction, known: Publication, matter: Matter, names: Sequence[IssueName]
) -> Digest:
    view = SiteView(tx, e.options)
    ids = [matter.issues[name] for name in names]
    facts = [one for issue_id in ids for one in entries.of_issue(tx, issue_id)]
    weekly = matter.kind == "weekly"
    config = e.config.mail
    return Digest(
        site=e.site(known),
        issue=matter.name,
        sections=sections_of(_week(view, facts) if weekly else _days(view, facts)),
        published_at=matter.at,
        sender=e.config.sender,
        reply_to=config.reply_to,
        unsubscribe_to=config.unsubscribe_mailbox or config.reply_to or config.sender,
        manage_url=e.config.manage_url,
        kind=matter.kind,
        corrections=tuple(
            _correction(one) for issue_id in ids for one in entries.corrections_of_issue(tx, issue_id)
        ),
        on_this_day=() if weekly else _on_this_day(tx, view, facts),
    )


def _days(view: SiteView, facts: Sequence[EntryFacts]) -> list[PublishedDay]:
    ordered = sorted(facts, key=lambda one: (one.day, one.issue_position))
    return [_day(view, day, list(group)) for day, group in groupby(ordered, key=lambda one: one.day)]


def _week(view: SiteView, facts: Sequence[EntryFacts]) -> list[PublishedDay]:
    """Every day whole, in the order of its page: what was late for its own day is in time for the week."""
    in_time = {one.day for one in facts if not one.late}
    facts = [replace(one, late=one.late and one.day not in in_time) for one in facts]
    ordered = sorted(facts, key=lambda one: (one.day, view.position(one), one.uid))
    return [_day(view, day, list(group)) for day, group in groupby(ordered, key=lambda one: one.day)]


def _day(view: SiteView, day: date, facts: Sequence[EntryFacts]) -> PublishedDay:
    head = view.head(day)
    shown = tuple(view.published(one, "feeds") for one in facts)
    return PublishedDay(day=day, title=head.title, preface=head.preface, entries=shown)


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
