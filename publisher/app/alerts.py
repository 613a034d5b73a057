"""Alert mail: the owner is told of what is wrong once, again when it is said otherwise, and again after a day."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

from publisher.app.equipment import Equipment
from publisher.app.owner_mail import mail_owner, owner_words
from publisher.app.summary import HeldItem, RunSummary
from publisher.core.errors import MailError, PublisherError
from publisher.core.faults import fault
from publisher.render.words import Words
from publisher.store import alerts
from publisher.store.alerts import Alert
from publisher.store.publication import Publication

AGAIN_AFTER = timedelta(days=1)
NOT_WITHIN = timedelta(minutes=15)
"""Between two letters; troubles that come together are told together."""

RUN, MAIL, ENTRIES, UNCERTAIN, MATERIAL = "run", "mail", "entries", "uncertain", "material"
_KEYS: Mapping[str, str] = {"run": RUN, "mail": MAIL, "entry": ENTRIES}
_BY_WISH = "sending was paused"


def troubles(e: Equipment, run: RunSummary) -> dict[str, str]:
    """What is wrong after a run, in the owner's words, each under its key."""
    words = owner_words(e)
    found: dict[str, list[str]] = {}
    for item in run.held:
        if item.why != _BY_WISH:
            found.setdefault(_KEYS[item.kind], []).append(_said(item, words))
    if n := run.books.get("uncertain", 0):
        said = words.plural(
            "{n} delivery may have arrived or not", "{n} deliveries may have arrived or not", n
        )
        found[UNCERTAIN] = [f"{said} — publisher deliveries uncertain"]
    if run.waiting.days < e.config.alerts.material_days:
        found[MATERIAL] = [
            words.plural(
                "there is material for {n} more day", "there is material for {n} more days", run.waiting.days
            )
        ]
    return {key: "\n".join(lines) for key, lines in found.items()}


def trouble_of(e: Equipment, error: Exception) -> str:
    """An error as the owner is told it; what is no error of ours is a bug."""
    words = owner_words(e)
    if isinstance(error, PublisherError):
        return words.error(error)
    what = f"{type(error).__name__}: {error}"
    return words("this is a bug in publisher, please report it: {what}", what=what)


def _said(item: HeldItem, words: Words) -> str:
    said = item.said(words)
    return f"{said['what']}: {said['why']} — {said['how']}"


def note(e: Equipment, found: Mapping[str, str], now: datetime) -> list[Alert]:
    """Write down what is wrong now; returns it. Nothing wrong and nothing known leaves no trace."""
    with e.store.read() as tx:
        known = alerts.every(tx)
    if not found and not known:
        return []
    with e.store.write() as tx:
        alerts.note(tx, found, now)
        alerts.forget(tx, now - AGAIN_AFTER)
        return [alert for alert in alerts.every(tx) if alert.key in found]


def _is_to_tell(alert: Alert, now: datetime) -> bool:
    return alert.is_news or alert.told_at is None or now - alert.told_at >= AGAIN_AFTER


async def tell(e: Equipment, known: Publication, there: list[Alert], now: datetime) -> bool:
    """Write to the owner about what they do not know yet. True when a letter went out.

    Noted before it is sent, so that a run killed in between tells nothing twice.
    """
    untold = [alert for alert in there if _is_to_tell(alert, now)]
    if not untold or not e.config.mail.owner or not e.config.alerts.mail:
        return False
    keys = [alert.key for alert in untold]
    with e.store.write() as tx:
        last = alerts.newest_told(tx)
        if last is not None and timedelta(0) <= now - last < NOT_WITHIN:
            return False
        alerts.set_told(tx, keys, now)
    fault("alert-noted")
    words, site = owner_words(e), e.site(known)
    text = "\n\n".join(alert.said for alert in (*untold, *(one for one in there if one not in untold)))
    name = hashlib.sha256(f"alert\n{now.isoformat()}\n{text}".encode()).hexdigest()
    subject = words("{site}: something needs you", site=site.title)
    try:
        if await mail_owner(e, known, now, name=name, subject=subject, text=f"{text}\n"):
            return True
    except MailError:
        pass  # the mail server is away: this letter waits with everything else
    with e.store.write() as tx:
        alerts.set_told(tx, keys, None)
    return False
