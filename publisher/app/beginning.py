"""How every run begins: the publication exists, its clock is believed, and the site is its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from publisher.app import stamp as site_stamp
from publisher.app.equipment import Equipment
from publisher.app.owner import ensure_owner
from publisher.app.summary import HeldItem, Note
from publisher.core import calendar
from publisher.core.variant import language_of
from publisher.store import documents, outputs, publication, subscribers
from publisher.store.engine import Transaction
from publisher.store.publication import Publication


def begin(
    e: Equipment, now: datetime, *, accept_clock: bool = False
) -> tuple[Publication, list[HeldItem], list[Note]]:
    """Make the publication ready; returns it, what keeps this run from publishing, and what is to be told.

    The first run mints who the publication is. The first run with a real host leaves the trial behind: everything
    tried out is forgotten but the subscribers.
    """
    with e.store.read() as tx:
        known = publication.get(tx)
    notes: list[Note] = []
    if known is not None and known.trial and not e.config.trial:
        e.output.remove(
            site_stamp.PATH
        )  # first: a stamp of the trial beside the new publication would hold the mail
        notes.append(Note("the trial is over: the publication begins anew at {host}", {"host": _host(e)}))
    with e.store.write() as tx:
        known = _publication(e, tx, now)
        fault_of = calendar.clock_fault(now, newest_record=known.newest_now, last_run=known.newest_now)
        language = language_of(e.config.site.language)
        ensure_owner(tx, e.config.mail.owner, mint_uid=e.mint_uid, now=now, language=language)
        if fault_of is None or accept_clock:
            subscribers.wake(tx, e.today(now), now)
            publication.saw_now(tx, now, accept=accept_clock)
    held = [] if fault_of is None or accept_clock else [_clock_held(e, fault_of, now, known)]
    if not held:
        held += site_held(e, known)
    return known, held, notes


def _publication(e: Equipment, tx: Transaction, now: datetime) -> Publication:
    known = publication.get(tx)
    if known is None:
        publication.create(
            tx, uuid=e.mint_uuid(), tag_host=_host(e), trial=e.config.trial, secret=e.mint_secret(), now=now
        )
    elif known.trial and not e.config.trial:
        publication.leave_trial(tx, uuid=e.mint_uuid(), tag_host=_host(e))
    found = publication.get(tx)
    assert found is not None
    return found


def _host(e: Equipment) -> str:
    return urlsplit(e.config.site.url).hostname or "localhost"


def _clock_held(e: Equipment, said: calendar.ClockFault, now: datetime, known: Publication) -> HeldItem:
    last = known.newest_now or known.created_at
    days = abs((now - last).days) or 1
    why = {
        "behind": "the clock says {now}, {days} days before the last run ({last})",
        "ahead": "the clock says {now}, {days} days after the last run ({last})",
    }[said]
    params = {
        "now": f"{e.local(now):%Y-%m-%d %H:%M}",
        "last": f"{e.local(last):%Y-%m-%d %H:%M}",
        "days": days,
    }
    return HeldItem(
        what="publishing", why=why, how="set the clock; if it is right: publisher once --accept-clock", params=params,
        kind="run",
    )  # fmt: skip


_SITE_WHY: Mapping[site_stamp.Conflict, str] = {
    "ahead": "the pages in {folder} know issues that the database has lost: an old copy of it was restored",
    "foreign": "the pages in {folder} belong to another publication, or the database is new",
    "unknown-pages": "{folder} holds day pages, and the database is new",
}


_SITE_HOW = (
    "put the database back and run again; or go on from the pages: publisher adopt; "
    "or move {folder} away to begin anew"
)


def site_conflict(e: Equipment, known: Publication) -> site_stamp.Conflict | None:
    """Why this database may not speak for the site."""
    with e.store.read() as tx:
        new = known.generation == 0 and documents.published_count(tx) == 0
        ours = outputs.all_written(tx) if new else {}
        return site_stamp.conflict(e.output, known, ours, new=new)


def site_held(e: Equipment, known: Publication) -> list[HeldItem]:
    """A site that knows more than the database: publishing now could mail or name things a second time."""
    conflict = site_conflict(e, known)
    if conflict is None:
        return []
    params = {"folder": e.config.output.folder}
    why = _SITE_WHY[conflict]
    return [HeldItem(what="publishing and mail", why=why, how=_SITE_HOW, params=params, kind="run")]
