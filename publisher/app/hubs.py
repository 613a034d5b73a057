"""WebSub: once the new bytes of a feed are served, its hub is told, once for each change."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import urlencode

from publisher.app.equipment import Equipment
from publisher.store import hub_pings
from publisher.store.publication import Publication

SERVED_WITHIN_S = 3.0
"""A web server beside us has read the new feeds by then: a hub that asks at once must not find the old ones."""

PAUSES = tuple(timedelta(minutes=n) for n in (1, 5, 30, 120, 360, 720))
"""After that many failures the hub is not told of this change any more."""

_FORM = "application/x-www-form-urlencoded"


async def tell_hub(e: Equipment, known: Publication) -> int:
    """Announce the feeds that changed since they were announced last; returns how many the hub took."""
    hub, site, now = e.config.feed.hub, e.site(known), e.clock()
    if not hub:
        return 0
    from publisher.render.feeds import ATOM_PATH, DAILY_PATH, JSON_PATH, RSS_PATH

    with e.store.read() as tx:
        said = hub_pings.hashes(tx, (RSS_PATH, ATOM_PATH, JSON_PATH, DAILY_PATH))
    with e.store.write() as tx:
        hub_pings.owe(tx, hub, {site.absolute(path): sha256 for path, sha256 in said.items()}, now)
        due = hub_pings.due(tx, hub, now)
    if due:
        await asyncio.sleep(SERVED_WITHIN_S)
    taken = 0
    for ping in due:
        body = urlencode({"hub.mode": "publish", "hub.url": ping.topic}).encode()
        called = await e.webhook(hub, body, content_type=_FORM, patient=False)
        taken += called.ok
        again = None if called.ok or ping.attempts >= len(PAUSES) else now + PAUSES[ping.attempts]
        with e.store.write() as tx:
            hub_pings.close(tx, hub, ping, now=now, error=called.error, next_at=again)
    return taken
