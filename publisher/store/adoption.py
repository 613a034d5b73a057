"""Taking over what published pages remember into a store that has lost it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from sqlalchemy import func, insert, select, update

from publisher.core.issue import IssueName
from publisher.store import publication, recipients
from publisher.store import schema as s
from publisher.store.engine import Transaction, new_id


class Remembered(Protocol):
    """An entry as a page remembers it."""

    @property
    def uid(self) -> str: ...
    @property
    def guid(self) -> str: ...
    @property
    def permalink(self) -> str: ...
    @property
    def day(self) -> date: ...
    @property
    def position(self) -> int: ...
    @property
    def number(self) -> int | None: ...
    @property
    def title(self) -> str: ...
    @property
    def sha(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def issue(self) -> IssueName | None: ...
    @property
    def late(self) -> bool: ...
    @property
    def withdrawn(self) -> bool: ...
    @property
    def published_at(self) -> datetime | None: ...
    @property
    def updated_at(self) -> datetime | None: ...


def take_over(tx: Transaction, remembered: Sequence[Remembered], *, now: datetime) -> int:
    """Make every remembered entry known and published; returns how many changed.

    Entries known by the same uid keep their text; the others get the page's text until the next scan finds theirs.
    """
    issue_ids = {
        entry.issue: _issue_id(tx, entry.issue, remembered, now) for entry in remembered if entry.issue
    }
    changed = sum(_take(tx, entry, issue_ids, now) for entry in remembered)
    days = [entry.day for entry in remembered if entry.issue]
    if days:
        publication.begin_since(tx, min(days))
    close_weeks(tx, now)
    return changed


def close_weeks(tx: Transaction, now: datetime) -> None:
    """Weekly mail of issues whose weekly mailing may be forgotten: they count as mailed, like the daily mail of them.

    A weekly mailing to nobody closes them, which is what a week without readers leaves too.
    """
    open_issues = recipients.unweekly_issues(tx, first=date.min, last=date.max)
    if not open_issues:
        return
    day = max(open_issues).day
    m = s.mailings.c
    newest = select(func.coalesce(func.max(m.sequence), 0)).where(m.kind == "weekly", m.day == day)
    sequence = int(tx.execute(newest).scalar_one()) + 1
    made = tx.execute(
        insert(s.mailings).values(
            kind="weekly", day=day, sequence=sequence, state="done", recipients=0, created_at=now
        )
    )
    rows = [{"mailing_id": new_id(made), "issue_id": issue_id} for issue_id in open_issues.values()]
    tx.execute(insert(s.mailing_issues), rows)


def _issue_id(tx: Transaction, name: IssueName, remembered: Sequence[Remembered], now: datetime) -> int:
    times = [entry.published_at for entry in remembered if entry.issue == name and entry.published_at]
    at = max(times, default=now)
    i = s.issues.c
    known = tx.execute(
        select(i.id, i.state).where(i.day == name.day, i.sequence == name.sequence)
    ).one_or_none()
    if known is None:
        made = tx.execute(
            insert(s.issues).values(
                day=name.day, sequence=name.sequence, covers=1, state="published", planned_at=at, published_at=at,
                subject="",
            )
        )  # fmt: skip
        return new_id(made)
    if known.state != "published":
        tx.execute(update(s.issues).where(i.id == known.id).values(state="published", published_at=at))
    return int(known.id)


def _take(tx: Transaction, entry: Remembered, issue_ids: dict[IssueName, int], now: datetime) -> int:
    c = s.entries.c
    known = tx.execute(select(s.entries).where(c.uid == entry.uid)).mappings().one_or_none()
    issue_id = issue_ids.get(entry.issue) if entry.issue else None
    public: dict[str, object] = {
        "guid": entry.guid or f"urn:uid:{entry.uid}", "permalink": entry.permalink,
        "state": "withdrawn" if entry.withdrawn else ("live" if entry.issue else "archived"),
        "issue_id": issue_id, "late": int(entry.late),
        "published_at": entry.published_at or now, "updated_at": entry.updated_at or entry.published_at or now,
    }  # fmt: skip
    if known is not None:
        if all(known[name] == value for name, value in public.items()):
            return 0
        public["issue_position"] = _next_position(tx, issue_id, known["issue_id"], known["issue_position"])
        tx.execute(update(s.entries).where(c.id == known["id"]).values(public))
        return 1
    _insert(tx, entry, public | {"issue_position": _next_position(tx, issue_id, None, None)}, now)
    return 1


def _next_position(
    tx: Transaction, issue_id: int | None, had: int | None, position: int | None
) -> int | None:
    if issue_id is None:
        return None
    if had == issue_id:
        return position
    c = s.entries.c
    last = tx.execute(select(func.max(c.issue_position)).where(c.issue_id == issue_id)).scalar_one_or_none()
    return 0 if last is None else int(last) + 1


def _insert(tx: Transaction, entry: Remembered, public: dict[str, object], now: datetime) -> None:
    sha = entry.sha or f"page:{entry.uid}"
    tx.execute(
        insert(s.entries).values(
            uid=entry.uid, explicit_id=None, document_id=None, day=entry.day, position=entry.position,
            number=entry.number, label="", line=1, body_line=1, draft=0, heading="", heading_url=None,
            markdown=entry.text, sha=sha, source_sha=f"page:{sha}", length=len(entry.text), title=entry.title,
            title_rule="R0", summary="", words=0, minutes=1, lang="zh", topics=[], media={}, hold=None, allowed=0,
            first_seen=now, **public,
        )
    )  # fmt: skip
