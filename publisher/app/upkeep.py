"""Keeping links true between issues: due ones are asked again, what was learnt is drawn, the letter goes out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from publisher.app import progress as told
from publisher.app.asking import Asked, recheck
from publisher.app.equipment import Equipment
from publisher.app.link_letter import send_letter
from publisher.app.progress import Progress
from publisher.core.errors import MailError
from publisher.core.faults import fault
from publisher.store import link_reports
from publisher.store.publication import Publication


async def keep_links(
    e: Equipment, known: Publication, now: datetime, progress: Progress, *, draw: Callable[[], object]
) -> Asked:
    """One small step, after everything that readers wait for. `draw` writes the pages that say what was learnt."""
    with e.store.read() as tx:
        some = bool(link_reports.due(tx, now, limit=1))
    asked = Asked()
    if some and e.probing is not None:
        progress.phase("links")
        asked = await recheck(e, progress)
        fault("links-rechecked")
        progress.done("links", told.LINKS_AGAIN, asked=asked.made)
        if asked.made:
            draw()
    with suppress(MailError):  # the mail server is away: the letter waits with everything else
        await send_letter(e, known, now)
    return asked
