"""Which bytes of which feed were announced to which hub, and when it is asked again after it failed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct
from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from publisher.store import schema as s
from publisher.store.engine import Transaction


class Ping(Struct, frozen=True, kw_only=True):
    """The announcement of a feed as it is now. `topic` is the feed's full address."""

    topic: str
    attempts: int


def hashes(tx: Transaction, paths: Iterable[str]) -> dict[str, str]:
    """What the feeds consist of now: path → sha256 of those that were written."""
    c = s.outputs.c
    return {row[0]: row[1] for row in tx.execute(select(c.path, c.sha256).where(c.path.in_(list(paths))))}


def owe(tx: Transaction, hub: str, feeds: dict[str, str], now: datetime) -> None:
    """Announce every feed whose bytes are others than those announced last: `feeds` is topic → sha256."""
    c = s.hub_pings.c
    known = {row[0]: row[1] for row in tx.execute(select(c.topic, c.sha256).where(c.hub == hub))}
    fresh = {topic: sha256 for topic, sha256 in feeds.items() if known.get(topic) != sha256}
    for topic, sha256 in fresh.items():
        values = {"sha256": sha256, "state": "waiting", "attempts": 0, "next_at": now, "at": now, "error": ""}
        statement = insert(s.hub_pings).values(hub=hub, topic=topic, **values)
        tx.execute(statement.on_conflict_do_update(index_elements=["hub", "topic"], set_=values))
    tx.execute(delete(s.hub_pings).where(or_(c.hub != hub, c.topic.not_in(list(feeds)))))


def due(tx: Transaction, hub: str, now: datetime) -> list[Ping]:
    """What is to be announced now."""
    c = s.hub_pings.c
    query = select(c.topic, c.attempts).where(c.hub == hub, c.state == "waiting", c.next_at <= now)
    return [Ping(topic=row[0], attempts=row[1]) for row in tx.execute(query.order_by(c.topic))]


def close(
    tx: Transaction, hub: str, ping: Ping, *, now: datetime, error: str = "", next_at: datetime | None
) -> None:
    """What came of it: done without an error; waiting until `next_at`; failed for good when that is None."""
    c = s.hub_pings.c
    state = "done" if not error else "waiting" if next_at else "failed"
    values = {"state": state, "attempts": ping.attempts + 1, "next_at": next_at, "at": now, "error": error}
    tx.execute(update(s.hub_pings).where(c.hub == hub, c.topic == ping.topic).values(values))
