"""Keeping the memory small: old checks of links and old runs are thinned once a day, and nothing that shows is lost.

The newest 90 days stay whole. Of what is older there remain one line a month, every line in which the result changed,
and the last one: what a link or the publisher has gone through can still be told, only not day by day.
Deliveries are never folded: their rows are what keeps a reader from being mailed twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from publisher.app.equipment import Equipment
from publisher.store import thinning

WHOLE = timedelta(days=90)


def maintain(e: Equipment, now: datetime) -> int:
    """Thin what is older than 90 days; returns how many lines went. Doing it again changes nothing."""
    with e.store.write() as tx:
        return thinning.thin_checks(tx, now - WHOLE) + thinning.thin_runs(tx, now - WHOLE)
