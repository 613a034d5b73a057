"""RSS 2.0, Atom and JSON Feed 1.1 from one model; the only file that imports feedgen, and never raw."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from feedgen.feed import FeedGenerator
from msgspec import Struct
from msgspec.structs import replace

from publisher.core.issue import PublishedEntry
from publisher.core.site import Site
from publisher.render.environment import Templates
from publisher.render.feed_check import HARD_BYTES, HARD_ENTRIES
from publisher.render.feed_extension import AtomEntry, AtomFeed, AtomLink, RssChannel, RssItem
from publisher.render.feed_items import (
    Item,
    issue_item,
    item_of,
    one_line,
    site_author,
    site_title,
    whole_second,
)

__all__ = [
    "ATOM_PATH", "CSS_PATH", "DAILY_PATH", "HARD_BYTES", "HARD_ENTRIES", "JSON_PATH", "RSS_PATH",
    "Feed", "atom", "css", "fitting", "json_feed", "rss", "window",
]  # fmt: skip

RSS_PATH, ATOM_PATH, JSON_PATH, CSS_PATH = "rss.xml", "atom.xml", "feed.json", "feed.css"
DAILY_PATH = "daily.xml"
ATOM_ENDING, JSON_ENDING = ".atom.xml", ".feed.json"
_ENTRY_OVERHEAD = 1_000  # bytes of tags, dates and addresses around an entry's own text
_TTL_MINUTES = 60


class Feed(Struct, frozen=True, kw_only=True):
    """What all formats say. `entries` newest first; `updated` moves as an entry comes or is edited.

    The publication's own feed unless it says otherwise: `path`, `page`, `title` and `about` are those of another one.
    """

    site: Site
    entries: tuple[PublishedEntry, ...]
    updated: datetime
    path: str = ""
    page: str = ""  # that it is the feed of, below the site root
    title: str = ""
    about: str = ""  # what sets its id apart: 'topic/大出海'
    hub: str = ""  # WebSub
    older: str = (
        ""  # the archive document with the entries before these (RFC 5005), without the format's ending
    )
    archive: Archive | None = None


class Archive(Struct, frozen=True, kw_only=True):
    """What makes a feed an archive document of RFC 5005: its entries are complete and stay."""

    newer: str = ""  # the document after it, without the format's ending


def window(
    entries: Sequence[PublishedEntry],
    templates: Templates,
    *,
    max_entries: int = 50,
    max_bytes: int = 512_000,
) -> tuple[PublishedEntry, ...]:
    """The entries a feed shows, newest first: whole days while they fit, the newest day always.

    The newest day may pass the limits, but never 300 entries or 2 MB: then its oldest entries stay out.
    Archived entries (of no issue) are never shown.
    """
    public = sorted((e for e in entries if e.issue), key=lambda e: (e.published_at, e.uid), reverse=True)
    chosen: list[PublishedEntry] = []
    used = 0
    for _, group in groupby(public, key=_slot):
        day = list(group)
        sizes = [_size(item_of(published, templates)) for published in day]
        if chosen and (len(chosen) + len(day) > max_entries or used + sum(sizes) > max_bytes):
            break
        for published, size in zip(day, sizes, strict=True):
            if len(chosen) == HARD_ENTRIES or used + size > HARD_BYTES:
                return tuple(chosen)
            chosen.append(published)
            used += size
    return tuple(chosen)


def fitting(entries: Sequence[PublishedEntry], templates: Templates) -> tuple[PublishedEntry, ...]:
    """The entries of an archive's document, in their order, without those with which it would be refused by readers."""
    chosen: list[PublishedEntry] = []
    used = 0
    for published in entries:
        size = _size(item_of(published, templates))
        if len(chosen) < HARD_ENTRIES and used + size <= HARD_BYTES:
            chosen.append(published)
            used += size
    return tuple(chosen)


def _slot(published: PublishedEntry) -> object:
    """The day it went out: an issue may carry several of the curator's days, a slot several issues."""
    return published.issue and published.issue.day


def _size(item: Item) -> int:
    """Bytes the item takes in the largest format: escaped in XML or quoted in JSON."""
    text = "".join((item.title, item.summary, item.content, item.url, *item.topics, *item.authors))
    xml, quoted = escape(text), json.dumps(text, ensure_ascii=False)
    return max(len(xml.encode()), len(quoted.encode())) + _ENTRY_OVERHEAD


def _items(feed: Feed, templates: Templates) -> Iterator[Item]:
    return _apart(item_of(published, templates) for published in feed.entries)


def _apart(given: Iterable[Item]) -> Iterator[Item]:
    """No two with one `updated`: validators call their order undefined."""
    taken: set[datetime] = set()
    for item in given:
        updated = item.updated
        while updated in taken:  # the older one gives way, backwards: a later time could lie in the future
            updated -= timedelta(seconds=1)
        taken.add(updated)
        yield replace(item, updated=updated)


# ---------------------------------------------------------------- RSS and Atom


def rss(feed: Feed, templates: Templates) -> bytes:
    """RSS 2.0: the summary as `description`, the full text as `content:encoded`."""
    site = feed.site
    generator = _generator(feed, RssChannel, RssItem, path=RSS_PATH, media_type="application/rss+xml")
    generator.ours.hub = feed.hub
    generator.description(one_line(site.description) or site_title(site))
    generator.ttl(_TTL_MINUTES)
    generator.ours.updated = whole_second(feed.updated, ZoneInfo(site.timezone))
    # feedgen would write this date by switching the locale of the whole process, and has no way to unset it.
    vars(generator)["_FeedGenerator__rss_lastBuildDate"] = None
    for item in _items(feed, templates):
        entry = _entry(generator, item)
        entry.summary(escape(item.summary))  # RSS readers take a description for HTML
        entry.content(item.content, type="html")
        entry.ours.link = item.url
        entry.ours.published = item.published
        entry.ours.creators = item.authors
    return bytes(generator.rss_str(pretty=True))


def atom(feed: Feed, templates: Templates) -> bytes:
    """Atom (RFC 4287): the summary as text, the full text as escaped HTML (some readers lose XHTML)."""
    return _atom(feed, _items(feed, templates))


def daily(feed: Feed, templates: Templates) -> bytes:
    """Atom with one item an issue, which holds all its entries: for those who find nine items a day a flood."""
    issues = groupby(feed.entries, key=lambda published: published.issue)
    days = (issue_item(name, list(some), templates) for name, some in issues if name is not None)
    return _atom(feed, _apart(days))


def _atom(feed: Feed, items: Iterable[Item]) -> bytes:
    site = feed.site
    generator = _generator(feed, AtomFeed, AtomEntry, path=ATOM_PATH, media_type="application/atom+xml")
    generator.id(_feed_id(feed))
    generator.ours.links = tuple(_feed_links(feed))
    generator.ours.archive = feed.archive is not None
    generator.subtitle(one_line(site.description) or None)
    generator.author({"name": site_author(site), "uri": site.url})
    generator.updated(whole_second(feed.updated, ZoneInfo(site.timezone)))
    for item in items:
        entry = _entry(generator, item)
        entry.summary(item.summary)
        entry.content(item.content, type="html")
        entry.published(item.published)
        entry.updated(item.updated)
        entry.author([{"name": name} for name in item.authors])
        entry.ours.links = tuple(_atom_links(item))
        entry.ours.language = "" if item.language == site.language else item.language
    return bytes(generator.atom_str(pretty=True))


def _feed_id(feed: Feed) -> str:
    """The publication's own for its feed and its archive; another feed's says what it is about too."""
    site = feed.site
    if not feed.about:
        return f"urn:uuid:{site.publisher_uuid}" if site.publisher_uuid else site.url
    x = hashlib.sha256(f"{site.publisher_uuid or site.url} {feed.about}".encode()).hexdigest()
    return f"urn:uuid:{x[:8]}-{x[8:12]}-8{x[13:16]}-a{x[17:20]}-{x[20:32]}"  # version 8: by a rule of our own


def _feed_links(feed: Feed) -> Iterator[AtomLink]:
    """The hub, and where the entries before and after these are."""
    site, kind = feed.site, "application/atom+xml"
    if feed.hub:
        yield AtomLink(feed.hub, "hub")
    if feed.archive is not None:
        yield AtomLink(site.absolute(ATOM_PATH), "current", type=kind)
    if feed.older:
        yield AtomLink(site.absolute(feed.older + ATOM_ENDING), "prev-archive", type=kind)
    if feed.archive is not None and feed.archive.newer:
        yield AtomLink(site.absolute(feed.archive.newer + ATOM_ENDING), "next-archive", type=kind)


def _generator(feed: Feed, feed_class: type, entry_class: type, *, path: str, media_type: str) -> Any:
    site, generator = feed.site, FeedGenerator()
    is_rss = feed_class is RssChannel
    generator.register_extension("ours", feed_class, entry_class, atom=not is_rss, rss=is_rss)
    path = feed.path or path
    # Relative: it is found at any host, on a trial or a mirror too.
    generator.ours.stylesheet = "../" * path.count("/") + CSS_PATH
    generator.title(one_line(feed.title) or site_title(site))
    generator.language(site.language)
    generator.generator("publisher")
    generator.link(href=site.absolute(path), rel="self", type=media_type)
    # The home page comes last: feedgen takes the last link, whatever its rel, for RSS's <link>.
    generator.link(href=site.absolute(feed.page), rel="alternate", type="text/html")
    return generator


def _entry(generator: Any, item: Item) -> Any:
    entry = generator.add_entry(order="append")
    entry.id(item.guid)  # and RSS's guid with isPermaLink="false"
    entry.title(item.title)
    entry.category([{"term": topic} for topic in item.topics])
    return entry


def _atom_links(item: Item) -> Iterator[AtomLink]:
    yield AtomLink(item.url, "alternate", type="text/html")
    if item.source:
        yield AtomLink(item.source.href, "related", title=item.source.title)


# ---------------------------------------------------------------- JSON Feed


def json_feed(feed: Feed, templates: Templates) -> bytes:
    """JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""
    site = feed.site
    head: dict[str, object] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": one_line(feed.title) or site_title(site),
        "home_page_url": site.absolute(feed.page),
        "feed_url": site.absolute(feed.path or JSON_PATH),
        "next_url": site.absolute(feed.older + JSON_ENDING) if feed.older else "",
        "hubs": [{"type": "WebSub", "url": feed.hub}] if feed.hub else [],
        "description": one_line(site.description),
        "language": site.language,
        "authors": [{"name": site_author(site), "url": site.url}],
    }
    content = _filled(head) | {"items": [_json_item(item) for item in _items(feed, templates)]}
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def _json_item(item: Item) -> dict[str, object]:
    return _filled(
        {
            "id": item.guid,
            "url": item.url,
            "external_url": item.source.href if item.source else "",
            "title": item.title,
            "content_html": item.content,
            "summary": item.summary,
            "date_published": item.published.isoformat(),
            "date_modified": item.updated.isoformat(),
            "authors": [{"name": name} for name in item.authors],
            "tags": list(item.topics),
            "language": item.language,
        }
    )


def _filled(fields: dict[str, object]) -> dict[str, object]:
    """Without what is empty: the format knows absent, not empty."""
    return {name: value for name, value in fields.items() if value}


# ---------------------------------------------------------------- the stylesheet


def css(templates: Templates) -> bytes:
    """feed.css: what a person sees who opens rss.xml or atom.xml in a browser."""
    return templates.render("feed/feed.css").encode()
