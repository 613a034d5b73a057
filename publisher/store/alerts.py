"""What is wrong with the publication, each trouble under one word, and when the owner was told of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from publisher.store import schema as s
from publisher.store.engine import Transaction


class Alert(Struct, frozen=True, kw_only=True):
    """One trouble. `first_at`: since it is said in these words."""

    key: str
    said: str
    first_at: datetime
    last_at: datetime
    told_at: datetime | None

    @property
    def is_news(self) -> bool:
        """The owner was not told of it in these words."""
        return self.told_at is None or self.told_at < self.first_at


def every(tx: Transaction) -> list[Alert]:
    """All of them, also those that are over and not forgotten yet."""
    columns = [s.alerts.c[name] for name in Alert.__struct_fields__]
    return [Alert(**row) for row in tx.execute(select(*columns).order_by(s.alerts.c.key)).mappings()]


def note(tx: Transaction, found: Mapping[str, str], now: datetime) -> None:
    """These troubles are there now."""
    for key, said in found.items():
        statement = insert(s.alerts).values(key=key, said=said, first_at=now, last_at=now)
        tx.execute(statement.on_conflict_do_nothing())
        changed = {"said": said, "first_at": now}
        tx.execute(update(s.alerts).where(s.alerts.c.key == key, s.alerts.c.said != said).values(changed))
        tx.execute(update(s.alerts).where(s.alerts.c.key == key).values(last_at=now))


def set_told(tx: Transaction, keys: Iterable[str], at: datetime | None) -> None:
    """The owner is told of these; None: not after all."""
    tx.execute(update(s.alerts).where(s.alerts.c.key.in_(list(keys))).values(told_at=at))


def newest_told(tx: Transaction) -> datetime | None:
    """When the owner was told of anything last."""
    newest: datetime | None = tx.execute(
        select(func.max(s.alerts.c.told_at, type_=s.alerts.c.told_at.type))
    ).scalar_one()
    return newest


def forget(tx: Transaction, before: datetime) -> None:
    """Troubles that were not there any more since then."""
    tx.execute(delete(s.alerts).where(s.alerts.c.last_at < before))
