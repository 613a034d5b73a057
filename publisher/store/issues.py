"""Issues: slots and what was published in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct
from sqlalchemy import bindparam, func, insert, select, update

from publisher.core.issue import IssueName
from publisher.store import schema as s
from publisher.store.engine import Transaction, new_id


class StoredIssue(Struct, frozen=True, kw_only=True):
    """An issue as recorded. `mail_hold` is why its mailing will be (or was) held."""

    id: int
    name: IssueName
    covers: int
    state: str
    planned_at: datetime
    published_at: datetime | None
    subject: str
    mail_hold: str | None


class Placement(Struct, frozen=True, kw_only=True):
    """An entry's place in an issue, decided with the plan and fixed from then on."""

    entry_id: int
    permalink: str
    published_at: datetime
    late: bool


def named(tx: Transaction, name: IssueName) -> StoredIssue | None:
    """The issue of this name."""
    return _one(tx, s.issues.c.day == name.day, s.issues.c.sequence == name.sequence)


def of_day(tx: Transaction, day: date) -> list[StoredIssue]:
    """All issues of a slot, in sequence."""
    query = select(s.issues).where(s.issues.c.day == day).order_by(s.issues.c.sequence)
    return [_issue(row) for row in tx.execute(query).mappings()]


def in_state(tx: Transaction, state: str) -> list[StoredIssue]:
    """Issues in this state, oldest first."""
    query = select(s.issues).where(s.issues.c.state == state).order_by(s.issues.c.day, s.issues.c.sequence)
    return [_issue(row) for row in tx.execute(query).mappings()]


def newest(tx: Transaction) -> StoredIssue | None:
    """The published issue of the newest slot."""
    query = (
        select(s.issues)
        .where(s.issues.c.state == "published")
        .order_by(s.issues.c.day.desc(), s.issues.c.sequence.desc())
        .limit(1)
    )
    row = tx.execute(query).mappings().one_or_none()
    return _issue(row) if row else None


def last_slot(tx: Transaction, *, before: date) -> date | None:
    """The newest slot before this date that was used or found empty."""
    query = select(func.max(s.issues.c.day)).where(s.issues.c.day < before)
    return tx.execute(query).scalar_one_or_none()


def newest_entry_time(tx: Transaction) -> datetime | None:
    """When the newest entry of any issue was published: later ones are never older."""
    query = select(func.max(s.entries.c.published_at)).where(s.entries.c.issue_id.is_not(None))
    return tx.execute(query).scalar_one_or_none()


def plan(
    tx: Transaction,
    name: IssueName,
    placements: Sequence[Placement],
    *,
    covers: int,
    mail_hold: str | None,
    now: datetime,
) -> int:
    """Bind entries to an issue that is 'planned' from here on; an empty slot of the same name is taken over.

    The publication row is locked first: on PostgreSQL a unique key alone loses entries to a neighbour.
    Raises IntegrityError when the slot was planned by somebody else.
    """
    tx.execute(select(s.publication.c.id).with_for_update())
    values = {"state": "planned", "covers": covers, "planned_at": now, "mail_hold": mail_hold}
    taken_over = tx.execute(
        update(s.issues)
        .where(s.issues.c.day == name.day, s.issues.c.sequence == name.sequence, s.issues.c.state == "empty")
        .values(values | {"covers": func.max(s.issues.c.covers, covers)})
        .returning(s.issues.c.id)
    ).scalar_one_or_none()
    issue_id = taken_over or _insert(tx, name, values)
    _place(tx, issue_id, placements)
    return issue_id


def _insert(tx: Transaction, name: IssueName, values: dict[str, object]) -> int:
    made = tx.execute(insert(s.issues).values(day=name.day, sequence=name.sequence, subject="", **values))
    return new_id(made)


def _place(tx: Transaction, issue_id: int, placements: Sequence[Placement]) -> None:
    c = s.entries.c
    rows = [
        {
            "entry": one.entry_id, "place": position, "is_late": int(one.late), "address": one.permalink,
            "at": one.published_at,
        }
        for position, one in enumerate(placements)
    ]  # fmt: skip
    if not rows:
        return
    bound = tx.execute(
        update(s.entries)
        .where(c.id == bindparam("entry"), c.issue_id.is_(None))
        .values(
            issue_id=issue_id, issue_position=bindparam("place"), state="live", late=bindparam("is_late"),
            permalink=func.coalesce(c.permalink, bindparam("address")),
            published_at=bindparam("at"), updated_at=bindparam("at"),
        ),
        rows,
    )  # fmt: skip
    if bound.rowcount != len(rows):
        msg = f"{len(rows) - bound.rowcount} of the entries are in an issue already"
        raise AssertionError(msg)


def commit(tx: Transaction, issue_id: int, *, subject: str, now: datetime) -> None:
    """The issue is out: from here on it is frozen."""
    tx.execute(
        update(s.issues)
        .where(s.issues.c.id == issue_id)
        .values(state="published", published_at=now, subject=subject)
    )


def record_empty(tx: Transaction, day: date, *, covers: int, now: datetime) -> bool:
    """The slot had nothing to publish. It stays open: a document that arrives later the same day takes it over.

    True when this was not known before.
    """
    if of_day(tx, day):
        return False
    _insert(tx, IssueName(day), {"state": "empty", "covers": covers, "planned_at": now, "mail_hold": None})
    return True


def skip(tx: Transaction, day: date, *, now: datetime) -> None:
    """Close a slot without an issue, by the operator's wish. An empty one is closed; nothing else is there yet."""
    values = {"state": "cancelled", "covers": 1, "planned_at": now, "mail_hold": None}
    if of_day(tx, day):
        tx.execute(
            update(s.issues)
            .where(s.issues.c.day == day, s.issues.c.state == "empty")
            .values(state="cancelled")
        )
    else:
        _insert(tx, IssueName(day), values)


def last_closed(tx: Transaction, *, today: date) -> date | None:
    """The newest slot that nothing more can come of: used, skipped, or empty with its date over.

    A slot that was found empty and is still open closed those before it: it stands for them.
    """
    c = s.issues.c
    skipped_ahead = (c.state == "cancelled") & (c.day > today)
    query = select(c.day, c.state).where(~skipped_ahead).order_by(c.day.desc(), c.sequence.desc())
    newest = tx.execute(query.limit(1)).one_or_none()
    if newest is None:
        return None
    day: date = newest.day
    return day - timedelta(days=1) if newest.state == "empty" and day >= today else day


def empty_out(tx: Transaction, issue_id: int) -> None:
    """A planned issue whose entries were all withdrawn: the slot is empty again."""
    tx.execute(update(s.issues).where(s.issues.c.id == issue_id).values(state="empty"))


def _one(tx: Transaction, *conditions: object) -> StoredIssue | None:
    row = tx.execute(select(s.issues).where(*conditions)).mappings().one_or_none()  # type: ignore[arg-type]
    return _issue(row) if row else None


def _issue(row: object) -> StoredIssue:
    facts = {name: row[name] for name in StoredIssue.__struct_fields__ if name != "name"}  # type: ignore[index]
    return StoredIssue(**facts, name=IssueName(row["day"], row["sequence"]))  # type: ignore[index]
