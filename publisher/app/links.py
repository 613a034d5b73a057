"""The operator's questions about links: check them now, say how they stand, mend the documents."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Literal

from publisher.app.asking import ask_urls
from publisher.app.check_links import Probe, check_links
from publisher.app.equipment import Equipment
from publisher.app.link_summary import FixSummary, LinkPlace, LinkRow, LinksSummary
from publisher.app.ports import Clock
from publisher.app.progress import Progress
from publisher.app.summary import Note
from publisher.config.options import LinksConfig
from publisher.core.diagnostics import Findings
from publisher.core.encoding import decode
from publisher.core.errors import FolderError, UsageError
from publisher.core.link import LinkCheck, Verdict, archive_address, is_short
from publisher.core.verdict import Event, Standing, judge
from publisher.store import link_reports, links
from publisher.store.engine import Transaction
from publisher.store.link_reports import KnownLink, Place

Which = Literal["due", "all", "entry"]
RULES_OLD = "the rules for short links may be out of date: {n} pages matched none of them, see {folder}"
VOID = "this run counts for nothing: our own network seems to be broken"
NEW_DAYS = 7
_ALL = 100_000


# ---------------------------------------------------------------- checking


async def check(
    e: Equipment, progress: Progress, *, which: Which = "due", entry: str | None = None, budget_s: float
) -> LinksSummary:
    """Ask links now: those whose time has come and those never asked, or all, or those of an entry.

    The lock is taken only to write the answers down: asking may take long, and publishing does not wait for it.
    UsageError: no such entry.
    """
    with e.store.read() as tx:
        urls = _wanted(tx, e.clock(), which, entry)
    asked = await ask_urls(e, urls, progress, budget_s=budget_s, lock="links check")
    with e.store.read() as tx:
        known = link_reports.known_links(tx, urls)
    made = {one.url: one for one in asked.checks}
    rows = tuple(_row(e, one, made.get(one.standing.url)) for one in known)
    notices = [Note(VOID)] if asked.void else []
    return LinksSummary(links=rows, void=asked.void, notices=(*notices, *alarms(asked.checks, e.alarms_at)))


def _wanted(tx: Transaction, now: datetime, which: Which, entry: str | None) -> list[str]:
    if which == "due":
        never = links.unasked_published(tx, limit=_ALL)
        return list(dict.fromkeys([*never, *link_reports.due(tx, now, limit=_ALL)]))
    urls = link_reports.everything(tx, entry=entry)
    if which == "entry" and not urls and not link_reports.has_entry(tx, entry or ""):
        raise UsageError("no entry {uid}", uid=entry, fix="publisher once --json lists the uids")
    return urls


def alarms(checks: Iterable[LinkCheck], kept: str) -> tuple[Note, ...]:
    """The one note about pages that a rule should have known; they are `kept` in a folder."""
    n = sum(one.alarm for one in checks)
    return (Note(RULES_OLD, {"n": n, "folder": kept}),) if n else ()


def _row(
    e: Equipment, known: KnownLink, check: LinkCheck | None = None, told: Sequence[Event] = ()
) -> LinkRow:
    s = known.standing
    since, at = (e.local(moment) if moment else None for moment in (s.since, s.checked_at))
    return LinkRow(
        url=s.url, result=check.result if check else s.result, verdict=s.verdict, target=s.target,
        title=s.target_title, chain=check.chain if check else known.chain, http_status=s.http_status,
        error=check.error if check else s.error, since=since, checked_at=at,
        archive=s.state.archive_url if s.verdict == "dead" else "", events=tuple(told),
        places=tuple(
            LinkPlace(uid=one.uid, title=one.title, file=one.file, line=line_of(one, s.url)) for one in known.places
        ),
    )  # fmt: skip


def line_of(place: Place, url: str) -> int:
    """The line of the document on which a link stands; that of its entry's heading when it is not found."""
    for written in spellings(url):
        at = place.markdown.find(written)
        if at >= 0:
            return place.body_line + place.markdown.count("\n", 0, at)
    return place.line


def spellings(url: str) -> tuple[str, ...]:
    """An address as curators write it: whole, or a short one without its scheme."""
    return (url, url.removeprefix("http://")) if is_short(url) else (url,)


# ---------------------------------------------------------------- a file of anybody's


async def check_file(
    files: Iterable[tuple[str, bytes]],
    *,
    probing: AbstractAsyncContextManager[Probe],
    options: LinksConfig,
    progress: Progress,
    now: Clock,
    budget_s: float,
    kept: str = "",
) -> LinksSummary:
    """The links of Markdown files, each judged by this one answer. No history: only a page that says so is dead."""
    places: dict[str, LinkPlace] = {}
    for name, data in files:
        for url, line in _links_of(name, data):
            places.setdefault(url, LinkPlace(file=name, line=line))
    async with probing as probe:
        checks = await check_links(
            list(places), probe=probe, budget_s=budget_s, now=now, progress=progress,
            per_host=options.per_host, retry_wait_s=options.retry_wait_s,
        )  # fmt: skip
    rows = tuple(
        LinkRow(
            url=one.url, result=one.result, verdict=_single_verdict(one), target=one.target, title=one.target_title,
            chain=one.chain, places=(places[one.url],), http_status=one.http_status, error=one.error,
            checked_at=one.at, archive=archive_address(one.target or one.url, None) if one.deleted else "",
        )
        for one in checks
    )  # fmt: skip
    return LinksSummary(links=rows, notices=alarms(checks, kept))


def _single_verdict(check: LinkCheck) -> Verdict:
    return "dead" if check.deleted else judge(Standing(url=check.url), check).verdict


def _links_of(name: str, data: bytes) -> Iterator[tuple[str, int]]:
    from publisher.core.document import EntrySource
    from publisher.core.entry import read_entry

    text = decode(data, Findings(name))
    if text is None:
        raise FolderError("cannot read {path}: {why}", path=name, why="not UTF-8", fix="save it as UTF-8")
    entry, _ = read_entry(EntrySource(markdown=text), file=name)
    for link in entry.links:
        yield link.url, link.line


# ---------------------------------------------------------------- reporting


def report(e: Equipment, *, only: Literal["new", "dead", "unsure"] | None = None) -> LinksSummary:
    """How links stand: what changed within a week, what is dead, what nobody can tell; asks nobody."""
    with e.store.read() as tx:
        recent = link_reports.events_since(tx, e.clock() - timedelta(days=NEW_DAYS))
        urls = [one.url for one in recent] if only in (None, "new") else []
        for verdict in ("dead", "unsure"):
            if only in (None, verdict):
                urls += link_reports.with_verdict(tx, verdict)
        known = link_reports.known_links(tx, urls)
        counts = links.count_by_verdict(tx)
    rows = tuple(
        _row(e, one, told=[event for event in recent if event.url == one.standing.url]) for one in known
    )
    return LinksSummary(links=rows, counts=counts)


def rows_of(e: Equipment, recent: Sequence[Event]) -> list[LinkRow]:
    """The links that something happened to, each with its events."""
    with e.store.read() as tx:
        known = link_reports.known_links(tx, [event.url for event in recent])
    return [_row(e, one, told=[event for event in recent if event.url == one.standing.url]) for one in known]


# ---------------------------------------------------------------- mending


def fix(e: Equipment) -> FixSummary:
    """A patch of the documents: a dead link becomes where it led, or a copy of that. Nothing is written."""
    with e.store.read() as tx:
        dead = [_row(e, one) for one in link_reports.known_links(tx, link_reports.with_verdict(tx, "dead"))]
    by_file: dict[str, list[LinkRow]] = {}
    for row in dead:
        for file in dict.fromkeys(place.file for place in row.places if place.file):
            by_file.setdefault(file, []).append(row)
    pieces, mended = [], set()
    for file, rows in sorted(by_file.items()):
        text = _text_of(e, file)
        after = text
        for row in rows:
            changed = _replaced(after, row)
            if changed != after:
                mended.add(row.url)
            after = changed
        pieces.append(_diff(file, text, after))
    return FixSummary(
        patch="".join(pieces), mended=len(mended), left=tuple(row for row in dead if row.url not in mended)
    )


def replacement(row: LinkRow) -> str:
    """What to put for a dead link: where a dead short link led, or else a copy of the page that is gone."""
    only_the_short_link = is_short(row.url) and row.target and len(row.chain) <= 1
    return row.target or "" if only_the_short_link else row.archive


def _replaced(text: str, row: LinkRow) -> str:
    new = replacement(row)
    if not new:
        return text
    for written in spellings(row.url):
        # not inside a longer address or code
        pattern = rf"(?<![A-Za-z0-9./_-]){re.escape(written)}(?![A-Za-z0-9])"
        text, n = re.subn(pattern, lambda _: new, text)
        if n:
            break
    return text


def _text_of(e: Equipment, file: str) -> str:
    return decode(e.documents.read(file), Findings(file)) or ""


def _diff(file: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{file}", f"b/{file}"
    )
    return "".join(
        line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines
    )
