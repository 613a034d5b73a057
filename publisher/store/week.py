"""A stretch of days in figures: issues, readers who came and went, and what became of the mail."""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct
from sqlalchemy import func, select

from publisher.core.issue import IssueName
from publisher.store import schema as s
from publisher.store.engine import Transaction
from publisher.store.entries import SHOWN

_CAME = ("active", "paused")
_LEFT = ("unsubscribed", "bounced", "complained")


class IssueFigures(Struct, frozen=True, kw_only=True):
    """An issue in one line."""

    name: IssueName
    subject: str
    entries: int
    words: int


def issues(tx: Transaction, first: date, last: date) -> list[IssueFigures]:
    """The issues of these slots, oldest first."""
    i, e = s.issues.c, s.entries.c
    query = (
        select(i.day, i.sequence, i.subject, func.count(e.id), func.coalesce(func.sum(e.words), 0))
        .select_from(s.issues.outerjoin(s.entries, (e.issue_id == i.id) & (e.state == "live")))
        .where(i.day.between(first, last), i.state == "published")
        .group_by(i.id)
        .order_by(i.day, i.sequence)
    )
    return [
        IssueFigures(name=IssueName(day, sequence), subject=subject, entries=n, words=words)
        for day, sequence, subject, n, words in tx.execute(query)
    ]


def readers(tx: Transaction, since: datetime, until: datetime) -> tuple[int, int]:
    """How many came and stayed, and how many left."""
    c = s.subscribers.c
    came = select(func.count()).where(
        c.created_at >= since, c.created_at < until, c.state.in_(_CAME), c.owner == 0
    )
    left = select(func.count()).where(c.state_at >= since, c.state_at < until, c.state.in_(_LEFT))
    return int(tx.execute(came).scalar_one()), int(tx.execute(left).scalar_one())


def deliveries(tx: Transaction, since: datetime, until: datetime) -> dict[str, int]:
    """What became of the mail of the mailings made then: state → how many."""
    m, d = s.mailings.c, s.deliveries.c
    query = select(d.state, func.count()).join(s.mailings, m.id == d.mailing_id)
    query = query.where(m.created_at >= since, m.created_at < until).group_by(d.state)
    return {row[0]: row[1] for row in tx.execute(query)}


def links(tx: Transaction) -> dict[str, int]:
    """Links of public entries by verdict, as they stand now."""
    here = (
        select(s.entry_links.c.link_id)
        .join(s.entries, s.entries.c.id == s.entry_links.c.entry_id)
        .outerjoin(s.issues, s.issues.c.id == s.entries.c.issue_id)
        .where(SHOWN)
    )
    c = s.links.c
    query = select(c.verdict, func.count()).where(c.id.in_(here)).group_by(c.verdict)
    return {row[0]: row[1] for row in tx.execute(query)}
