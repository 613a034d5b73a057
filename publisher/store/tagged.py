"""Which published entries have which topics: one small row an entry, no texts."""

from __future__ import annotations

import json
from datetime import date

from sqlalchemy import Text, cast, select, type_coerce

from publisher.core.tagged import Tagged
from publisher.store import schema as s
from publisher.store.engine import Transaction
from publisher.store.entries import ORDER, PLACED, SHOWN


def tagged(tx: Transaction) -> list[Tagged]:
    """Every entry with a page and a topic, oldest day first, within a day in the order of its page."""
    c = s.entries.c
    raw = [type_coerce(column, Text) for column in (c.day, c.topics, c.published_at)]
    query = select(c.id, *raw, c.permalink, c.title, c.issue_id).select_from(PLACED)
    query = query.where(SHOWN, cast(c.topics, Text) != "[]")
    days: dict[str, date] = {}
    names: dict[str, tuple[str, ...]] = {}
    found = []
    for id_, day, topics, sent, permalink, title, issue_id in tx.execute(query.order_by(*ORDER)):
        if day not in days:
            days[day] = date.fromisoformat(day)
        if topics not in names:
            names[topics] = tuple(json.loads(topics))
        sent = sent if issue_id is not None else ""
        found.append(Tagged(id_, days[day], permalink, title, names[topics], sent))
    return found
