"""Who is to get a mailing: readers by what they chose, what they were mailed before, and which issues a week has."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from msgspec import Struct
from sqlalchemy import ColumnElement, func, or_, select

from publisher.core.issue import IssueName
from publisher.store import schema as s
from publisher.store.engine import Transaction


class Wish(Struct, frozen=True):
    """What an active reader chose."""

    subscriber_id: int
    body: str
    language: str


def daily(tx: Transaction) -> list[Wish]:
    """Active readers who want every issue; the owner gets all of them, whatever they chose."""
    c = s.subscribers.c
    return _wishes(tx, or_(c.cadence == "daily", c.owner == 1))


def weekly(tx: Transaction) -> list[Wish]:
    """Active readers who want one mailing a week."""
    return _wishes(tx, s.subscribers.c.cadence == "weekly")


def _wishes(tx: Transaction, chosen: ColumnElement[bool]) -> list[Wish]:
    c = s.subscribers.c
    query = select(c.id, c.body, c.language).where(c.state == "active", chosen).order_by(c.id)
    return [Wish(*row) for row in tx.execute(query)]


_NEVER_MAILED = ("rejected", "skipped")
"""States of a delivery that surely reached nobody, and never will: two ends. Any other was mailed, may have
been, or still may be."""


def weekly_readers_had(tx: Transaction, issue_ids: Iterable[int]) -> dict[int, set[int]]:
    """Weekly reader → those of these issues that no later mailing may carry to them again."""
    d, of = s.deliveries.c, s.mailing_issues.c
    query = (
        select(d.subscriber_id, of.issue_id)
        .join(s.mailing_issues, of.mailing_id == d.mailing_id)
        .join(s.subscribers, s.subscribers.c.id == d.subscriber_id)
        .where(
            of.issue_id.in_(list(issue_ids)),
            d.state.not_in(_NEVER_MAILED),
            s.subscribers.c.cadence == "weekly",
        )
    )
    had: dict[int, set[int]] = {}
    for subscriber_id, issue_id in tx.execute(query):
        had.setdefault(subscriber_id, set()).add(issue_id)
    return had


def newest_week(tx: Transaction) -> date | None:
    """The day of the newest weekly mailing."""
    query = select(func.max(s.mailings.c.day)).where(s.mailings.c.kind == "weekly")
    return tx.execute(query).scalar_one_or_none()


def unweekly_issues(tx: Transaction, *, first: date, last: date) -> dict[IssueName, int]:
    """Published issues of these slots that no weekly mailing had yet, oldest first, with their ids.

    An issue whose mail the operator cancelled is mailed to nobody.
    """
    c, m, of = s.issues.c, s.mailings.c, s.mailing_issues.c
    closed = (
        select(of.issue_id)
        .join(s.mailings, m.id == of.mailing_id)
        .where(or_(m.kind == "weekly", m.state == "cancelled"))
    )
    query = (
        select(c.day, c.sequence, c.id)
        .where(c.state == "published", c.day >= first, c.day <= last, c.id.not_in(closed))
        .order_by(c.day, c.sequence)
    )
    return {IssueName(row.day, row.sequence): row.id for row in tx.execute(query)}


def hold_of(tx: Transaction, issue_ids: Iterable[int]) -> str | None:
    """Why mail of these issues waits for the operator, if it does: a weekly mailing does not go round that."""
    m, of = s.mailings.c, s.mailing_issues.c
    query = (
        select(m.state, m.reason)
        .join(s.mailing_issues, of.mailing_id == m.id)
        .where(of.issue_id.in_(list(issue_ids)), m.state.in_(("held", "paused")))
        .where(or_(m.state == "paused", m.reason != "late"))
        .order_by(m.id)
    )
    row = tx.execute(query.limit(1)).first()
    return None if row is None else "paused" if row.state == "paused" else row.reason
