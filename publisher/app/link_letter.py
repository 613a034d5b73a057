"""The weekly letter about links to the curator: what is new since the last one, by entry, with file and line."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from publisher.app.equipment import Equipment
from publisher.app.link_summary import LinkPlace, LinkRow
from publisher.app.links import fix, rows_of
from publisher.app.owner_mail import mail_owner, owner_words
from publisher.core.link import host_label, short_form
from publisher.core.verdict import EVENT_WORDS, Event
from publisher.render.words import Words
from publisher.store import link_reports
from publisher.store.publication import Publication

WEEK = timedelta(days=7)


async def send_letter(e: Equipment, known: Publication, now: datetime) -> bool:
    """Send the letter when a week has passed and something is new. True when it went out.

    Sent and noted in this order: a run that dies in between sends it once more under the same Message-ID.
    """
    if e.config.links.report == "never" or not e.config.mail.owner:
        return False
    with e.store.read() as tx:
        fresh, last = link_reports.unreported(tx), link_reports.last_report(tx)
    if not fresh or now - (last or fresh[0].at) < WEEK:
        return False
    text = letter_text(e, fresh, owner_words(e))
    sent = not text or await _handed_over(e, known, now, text)
    if sent:
        with e.store.write() as tx:
            link_reports.mark_reported(tx, fresh[-1].at, now)
    return sent and bool(text)


async def _handed_over(e: Equipment, known: Publication, now: datetime, text: str) -> bool:
    digest = hashlib.sha256(text.encode()).hexdigest()
    subject = owner_words(e)("Links of {site}: what changed", site=e.site(known).title)
    return await mail_owner(e, known, now, name=f"links {digest}", subject=subject, text=text)


# ---------------------------------------------------------------- what it says


def letter_text(e: Equipment, fresh: Sequence[Event], words: Words) -> str:
    """The letter; "" when nothing of what happened is still so."""
    rows = [row for row in map(_still_so, rows_of(e, fresh)) if row.events]
    if not rows:
        return ""
    lines = [words.plural("{n} link changed.", "{n} links changed.", len(rows)), ""]
    for place, some in _by_entry(rows):
        where = f"{place.file}:{place.line}" if place.file else ""
        lines += [f"{place.title}  {where}".rstrip(), ""]
        for row, at in some:
            lines += [*_link_lines(row, at, words), ""]
    mending = fix(e)
    if mending.patch:
        lines += [words("A patch for the documents (publisher links fix prints it too):"), "", mending.patch]
    return "\n".join(lines).rstrip() + "\n"


def _still_so(row: LinkRow) -> LinkRow:
    """Only the last word on whether it opens, and every change of where it leads."""
    opens = [event for event in row.events if event.kind in ("failing", "dead", "back")]
    if opens and (opens[-1].kind == "back") and opens[0].kind == "failing" and not _died(opens):
        opens = []  # it failed and came back between two letters
    kept = {
        id(event) for event in (*opens[-1:], *(one for one in row.events if one.kind in ("moved", "walled")))
    }
    return replace(row, events=tuple(event for event in row.events if id(event) in kept))


def _died(opens: Sequence[Event]) -> bool:
    return any(event.kind == "dead" for event in opens)


def _by_entry(rows: Sequence[LinkRow]) -> list[tuple[LinkPlace, list[tuple[LinkRow, LinkPlace]]]]:
    """Links under the entry that holds them; under each of them when several do."""
    groups: dict[str, tuple[LinkPlace, list[tuple[LinkRow, LinkPlace]]]] = {}
    for row in rows:
        for place in row.places:
            groups.setdefault(place.uid, (place, []))[1].append((row, place))
    return list(groups.values())


def _link_lines(row: LinkRow, place: LinkPlace, words: Words) -> list[str]:
    at = f":{place.line}" if place.line else ""
    lines = []
    for event in row.events:
        why = (
            f" ({words(event.now) if event.now else ''})"
            if event.kind in ("failing", "dead") and event.now
            else ""
        )
        lines.append(
            f"  {short_form(row.url)}  {words(EVENT_WORDS[event.kind])}{why}  {place.file}{at}".rstrip()
        )
        if event.kind == "moved":
            lines.append(f"    {host_label(event.was)} → {host_label(event.now)}  {event.now}")
    if row.title or row.target:
        lines.append("    " + " — ".join(filter(None, (row.title, row.target))))
    if row.archive:
        lines.append(f"    {words('archive')}: {row.archive}")
    return lines
