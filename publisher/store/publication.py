"""The publication itself: who it is, how far it got, and what its clock last said."""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct
from sqlalchemy import delete, func, insert, select, update

from publisher.store import schema as s
from publisher.store.engine import Transaction


class Publication(Struct, frozen=True, kw_only=True):
    """`generation` counts publications; the site's stamp carries the same number."""

    uuid: str
    tag_host: str  # the authority of every guid
    trial: bool
    secret: bytes
    since_day: date | None  # None until the first issue or archive
    generation: int
    newest_now: datetime | None  # the latest 'now' of any run
    created_at: datetime
    paused: bool = False  # nothing is published by the clock and nothing is sent

    def __repr__(self) -> str:  # the secret never reaches a log
        return f"Publication(uuid={self.uuid!r}, tag_host={self.tag_host!r}, generation={self.generation})"


def get(tx: Transaction) -> Publication | None:
    """The publication, or None in a new database."""
    row = tx.execute(select(s.publication)).mappings().one_or_none()
    if row is None:
        return None
    facts = {name: row[name] for name in Publication.__struct_fields__}
    return Publication(**facts | {"trial": bool(row["trial"]), "paused": bool(row["paused"])})


def create(tx: Transaction, *, uuid: str, tag_host: str, trial: bool, secret: bytes, now: datetime) -> None:
    """Begin a publication. It exists once: a second call violates the table's constraint."""
    tx.execute(
        insert(s.publication).values(
            id=1,
            uuid=uuid,
            tag_host=tag_host,
            trial=int(trial),
            secret=secret,
            generation=0,
            paused=0,
            created_at=now,
        )
    )


def begin_since(tx: Transaction, day: date) -> None:
    """Fix the day before which documents that turn up later are archived. Kept once set."""
    tx.execute(update(s.publication).where(s.publication.c.since_day.is_(None)).values(since_day=day))


def raise_generation(tx: Transaction) -> int:
    """Count one more publication; returns the new generation."""
    tx.execute(update(s.publication).values(generation=s.publication.c.generation + 1))
    return int(tx.execute(select(s.publication.c.generation)).scalar_one())


def set_paused(tx: Transaction, *, paused: bool) -> None:
    """Rest, or go on."""
    tx.execute(update(s.publication).values(paused=int(paused)))


def restore_generation(tx: Transaction, generation: int, *, uuid: str, tag_host: str) -> None:
    """Take over who a site says it is (adopt)."""
    tx.execute(
        update(s.publication).values(
            generation=func.max(s.publication.c.generation, generation), uuid=uuid, tag_host=tag_host
        )
    )


def saw_now(tx: Transaction, now: datetime, *, accept: bool = False) -> None:
    """Remember the newest clock reading; with `accept` also an older one (the operator vouches for it)."""
    column = s.publication.c.newest_now
    condition = (column.is_(None)) | (column < now)
    statement = update(s.publication).values(newest_now=now)
    tx.execute(statement if accept else statement.where(condition))


def leave_trial(tx: Transaction, *, uuid: str, tag_host: str) -> None:
    """A trial becomes real: everything tried out is forgotten but the subscribers and the list of outputs.

    The secret stays: who asked to be forgotten is kept as hashes that only it can make.
    Outputs are kept so that the next build removes what no longer belongs.
    """
    for table in (
        s.deliveries, s.batches, s.artifacts, s.mailing_issues, s.mailings, s.link_checks, s.link_events,
        s.entry_links, s.links, s.corrections, s.sketches, s.revisions, s.entries, s.issues, s.documents, s.files,
    ):  # fmt: skip
        tx.execute(delete(table))
    tx.execute(
        update(s.publication).values(uuid=uuid, tag_host=tag_host, trial=0, since_day=None, generation=0)
    )
