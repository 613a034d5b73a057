"""The web pages: home, day, entry, subscribe and the small files beside them, for any static host.

Every page is a pure function of values: the same values and templates give the same bytes. All paths are
below the site root, without a leading '/'; one that ends with '/' is written as its index.html (`file_of`).

Identity is printed into day and entry pages, so that a lost database can be rebuilt from the site. Each
entry is one `<article>` with these attributes, all public and stable:

    data-uid          its uid
    data-guid         its guid, 'tag:HOST,DATE:UID'
    data-sha          sha256 of its normalised text; on its own page only: nine of them are half a kilobyte
    data-permalink    path below the site root
    data-day          the curator's day it stands under, '2025-01-29'
    data-position     its order within that day, from 0
    data-number       its number, absent when it has none
    data-issue        the issue it went out with, '2025-01-29' or '2025-01-29/2'; absent when archived
    data-archived     present (empty) when it is archived: a page, but in no feed and no mail
    data-late         present (empty) when its day had been published before it
    data-published    RFC 3339, UTC
    data-updated      RFC 3339, UTC

On its own page, `data-body` marks the element that holds its text, and the h1 is its title.
A withdrawn entry's page carries `<article data-uid data-permalink data-day data-withdrawn>`, with data-guid
when it is known.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from markupsafe import Markup
from msgspec import Struct, field

from publisher.core.issue import EntryLine, PublishedDay, PublishedEntry
from publisher.core.lifespan import Generation
from publisher.core.link import LinkState, host_label, short_form, visible
from publisher.core.site import Site
from publisher.core.tagged import Tagged
from publisher.core.topics import topic_path
from publisher.core.verdict import EVENT_WORDS
from publisher.render import html
from publisher.render.environment import Templates
from publisher.render.phrases import seen

ARCHIVE_PATH, TOPICS_PATH, LINKS_PATH, SEARCH_PATH = "archive/", "topics/", "links/", "search"
SITEMAP_LIMIT = 50_000  # addresses in one sitemap (sitemaps.org)
_ROW_TITLES = 72  # characters of titles in a day's row: two lines of the column
_MIN_SECTIONS = 3  # from here on an entry gets its own small contents
_CSS_STRING_OR_COMMENT = re.compile(r"""("[^"]*"|'[^']*')|/\*.*?\*/""", re.DOTALL)
_CSS_STRING_OR_SLACK = re.compile(r"""("[^"]*"|'[^']*')|;\s*(?=\})|\s*([{},;])\s*|(:)\s+|\s+""")


class DayLine(Struct, frozen=True, kw_only=True):
    """A day as one row of a list: what archives and neighbours need, without the texts."""

    day: date
    title: str = ""
    entries: tuple[EntryLine, ...] = ()

    @property
    def words(self) -> int:
        return sum(entry.words for entry in self.entries)

    @property
    def minutes(self) -> int:
        return sum(entry.minutes for entry in self.entries)

    @property
    def path(self) -> str:
        return day_path(self.day)

    @property
    def headline(self) -> str:
        """What the day is called in one line: its title, or that of its first entry."""
        return self.title or (self.entries[0].title if self.entries else "")

    @property
    def updated_at(self) -> datetime | None:
        return max((e.updated_at for e in self.entries if e.updated_at), default=None)


class LinkLine(Struct, frozen=True, kw_only=True):
    """A link as a row of the page about links: what it was, where it stands, what happened to it."""

    state: LinkState
    since: datetime | None = None  # of the verdict
    entries: tuple[tuple[str, str], ...] = ()  # (permalink, title) of those that hold it
    kind: str = ""  # of an event: 'dead', 'back', 'moved'
    at: datetime | None = None
    was: str = ""
    now: str = ""


class LinkBook(Struct, frozen=True, kw_only=True):
    """What the page about links shows: the dead, newest first; the last changes; counts by verdict; life spans."""

    dead: tuple[LinkLine, ...] = ()
    changed: tuple[LinkLine, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    by_year: tuple[Generation, ...] = ()  # how long links live
    by_site: tuple[Generation, ...] = ()


# --- addresses ------------------------------------------------------------------------------------------


def day_path(day: date) -> str:
    """'2025/01/29/'."""
    return f"{day.year:04}/{day.month:02}/{day.day:02}/"


def number_path(day: date, number: int) -> str:
    """'2025/01/29/3/': leads to the entry that holds the number now."""
    return f"{day_path(day)}{number}/"


def year_path(year: int) -> str:
    """'archive/2025/'."""
    return f"{ARCHIVE_PATH}{year:04}/"


def file_of(path: str) -> str:
    """The file a path is served from: '2025/01/29/' is '2025/01/29/index.html'."""
    return f"{path}index.html" if path == "" or path.endswith("/") else path


def number_redirects(day: PublishedDay) -> tuple[tuple[str, str], ...]:
    """(number path, permalink) for each number of the day; the first in file order keeps one given twice.

    A number whose path is itself some entry's permalink (an explicit id such as {#3}) gets no redirect.
    """
    taken = {published.permalink for published in day.entries}
    holders: dict[str, str] = {}
    for published in day.entries:
        number = published.entry.source.number
        if number is not None and (path := number_path(day.day, number)) not in taken:
            holders.setdefault(path, published.permalink)
    return tuple(holders.items())


# --- lines ----------------------------------------------------------------------------------------------


def entry_line(published: PublishedEntry) -> EntryLine:
    """A published entry as one line."""
    entry = published.entry
    return EntryLine(
        uid=published.uid,
        permalink=published.permalink,
        day=published.day,
        position=published.position,
        number=entry.source.number,
        label=entry.source.label,
        title=entry.title,
        words=entry.words,
        minutes=entry.minutes,
        topics=tuple(topic.name for topic in entry.topics),
        updated_at=published.updated_at,
    )


def day_line(day: PublishedDay) -> DayLine:
    """A published day as one row."""
    return DayLine(day=day.day, title=day.title, entries=tuple(entry_line(p) for p in day.entries))


# --- pages ----------------------------------------------------------------------------------------------


def day_page(
    templates: Templates,
    day: PublishedDay,
    *,
    previous: DayLine | None = None,
    next: DayLine | None = None,  # noqa: A002
    years_before: Sequence[DayLine] = (),
    drawn_before: MutableMapping[str, Article] | None = None,
) -> bytes:
    """All entries of a day in full, with contents. `previous` is the older neighbour, `next` the newer.

    `years_before`: the same day of the calendar in earlier years. `drawn_before`: articles by uid, as they are
    now; what is not in there is drawn and left there.
    """
    articles = [_article(templates, p, drawn_before) for p in day.entries]
    return drawn(
        templates,
        "web/day.html",
        day_path(day.day),
        day=day,
        line=day_line(day),
        preface=_preface(templates, day),
        articles=[a for a in articles if not a.published.late],
        late=[a for a in articles if a.published.late],
        previous=previous,
        next=next,
        years_before=years_before,
    )


def entry_page(
    templates: Templates,
    published: PublishedEntry,
    *,
    day_entries: Sequence[EntryLine] = (),
    previous: EntryLine | None = None,
    next: EntryLine | None = None,  # noqa: A002
    related: Sequence[Tagged] = (),
    drawn_before: MutableMapping[str, Article] | None = None,
) -> bytes:
    """One entry at its permalink. The neighbours default to those among `day_entries`; `drawn_before` as above."""
    before, after = _neighbours(published.uid, day_entries)
    return drawn(
        templates,
        "web/entry.html",
        published.permalink,
        article=_article(templates, published, drawn_before),
        previous=previous or before,
        next=next or after,
        related=related,
    )


def home_page(templates: Templates, newest: PublishedDay | None, *, recent: Sequence[DayLine] = ()) -> bytes:
    """The newest day with the beginning of each entry, and recent days.

    `newest` None: nothing is published yet. `recent` may hold the newest day too; it is left out of the list.
    """
    articles = [_article(templates, p) for p in newest.entries] if newest else []
    return drawn(
        templates,
        "web/home.html",
        "",
        day=newest,
        line=day_line(newest) if newest else None,
        preface=_preface(templates, newest) if newest else "",
        articles=articles,
        recent=[line for line in recent if newest is None or line.day != newest.day],
    )


def links_page(templates: Templates, book: LinkBook) -> bytes:
    """The links that are dead, with their last good title and a copy, and those that changed of late."""
    return drawn(
        templates,
        "web/links.html",
        LINKS_PATH,
        book=book,
        short_form=short_form,
        host_label=host_label,
        visible=visible,
        event_words=EVENT_WORDS,
    )


def subscribe_page(templates: Templates) -> bytes:
    """The feed addresses, explained for people."""
    return drawn(templates, "web/subscribe.html", "subscribe/")


def not_found_page(templates: Templates) -> bytes:
    """Shown for any address that is not there; links are root-relative, so it may be served at any depth."""
    return drawn(templates, "web/404.html", "404.html")


def gone_page(
    templates: Templates,
    line: EntryLine,
    *,
    guid: str | None = None,
    withdrawn: date | None = None,
    has_day: bool = True,
) -> bytes:
    """Stands at the permalink of a withdrawn entry: date and number stay, title and text are gone.

    `has_day`: whether others of its day are left, so that the day has a page.
    """
    return drawn(
        templates,
        "web/gone.html",
        line.permalink,
        line=line,
        guid=guid,
        withdrawn=withdrawn,
        has_day=has_day,
    )


def redirect_page(templates: Templates, target_path: str) -> bytes:
    """Leads on to `target_path` at once, on any static host, with a visible link for those who stay."""
    return drawn(templates, "web/redirect.html", target_path, target=target_path)


# --- the small files ------------------------------------------------------------------------------------


def style(templates: Templates) -> bytes:
    """style.css, without its comments and layout: it counts against the weight of every first visit."""
    return _tightened(templates.render("web/style.css"))


def favicon(templates: Templates) -> bytes:
    """favicon.svg."""
    return templates.render("web/favicon.svg").encode()


def robots(templates: Templates) -> bytes:
    """robots.txt."""
    return templates.render("web/robots.txt").encode()


def sitemap(
    templates: Templates, days: Iterable[DayLine], *, fixed: bool = True, others: Iterable[str] = ()
) -> bytes:
    """A sitemap with the newest SITEMAP_LIMIT addresses; an edit moves the lastmod of entry and day.

    `fixed`: the pages that are no days are in it too, `others` among them; without them it is one of several.
    """
    newest_first = sorted(days, key=lambda line: line.day, reverse=True)
    newest = max((line.updated_at for line in newest_first if line.updated_at), default=None)
    places: list[tuple[str, datetime | None]] = _fixed_places(newest, others) if fixed else []
    for line in newest_first:
        places.append((line.path, line.updated_at))
        places.extend((entry.permalink, entry.updated_at) for entry in line.entries)
    return _encode(templates.render("web/sitemap.xml", places=places[:SITEMAP_LIMIT], utc=_utc))


def fixed_sitemap(templates: Templates, newest: datetime | None, others: Iterable[str] = ()) -> bytes:
    """The pages that are no days, of a sitemap in several files."""
    return _encode(
        templates.render("web/sitemap.xml", places=_fixed_places(newest, others)[:SITEMAP_LIMIT], utc=_utc)
    )


def sitemap_index(templates: Templates, parts: Sequence[tuple[str, datetime | None]]) -> bytes:
    """The files of a sitemap that has several, each with the newest lastmod in it (sitemaps.org)."""
    return _encode(templates.render("web/sitemap-index.xml", parts=parts, utc=_utc))


def _fixed_places(newest: datetime | None, others: Iterable[str]) -> list[tuple[str, datetime | None]]:
    known: list[tuple[str, datetime | None]] = [("", newest), (ARCHIVE_PATH, newest)]
    return known + [(path, None) for path in ("subscribe/", LINKS_PATH, *others)]


# --- what templates see ---------------------------------------------------------------------------------


class Article(Struct, frozen=True, kw_only=True):
    """An entry as the templates of pages show it."""

    published: PublishedEntry
    site: Site
    lang: str | None  # None: the text says nothing about its language
    body: Markup
    source: Markup  # the source link's box, or empty
    sections: bool  # show the small contents
    numbered_only: bool  # the title repeats the first words: the number stands as the visible heading
    updated_local: datetime | None  # None: never edited

    @property
    def entry(self) -> object:
        return self.published.entry

    @property
    def number(self) -> str:
        number = self.published.entry.source.number
        return "" if number is None else str(number)

    @property
    def lead(self) -> Markup:
        return html.lead_html(self.published, self.site, "web")

    @property
    def lead_is_all(self) -> bool:
        return self.lead == self.body


def _article(
    templates: Templates, published: PublishedEntry, drawn_before: MutableMapping[str, Article] | None = None
) -> Article:
    known = {} if drawn_before is None else drawn_before
    if published.uid not in known:
        known[published.uid] = _drawn_article(templates, published)
    return known[published.uid]


def _drawn_article(templates: Templates, published: PublishedEntry) -> Article:
    entry, site = published.entry, templates.site
    edited = published.updated_at > published.published_at
    return Article(
        published=published,
        site=site,
        lang=_html_lang(entry.lang, site),
        body=html.body_html(published, site, "web"),
        source=html.source_link_html(published, site, "web"),
        sections=len(entry.sections) >= _MIN_SECTIONS,
        numbered_only=entry.title_in_body and (entry.source.number is not None or bool(entry.topics)),
        updated_local=_local(published.updated_at, site) if edited else None,
    )


def _preface(templates: Templates, day: PublishedDay) -> Markup:
    return html.markdown_html(day.preface, templates.site, "web") if day.preface.strip() else Markup("")


def _neighbours(uid: str, lines: Sequence[EntryLine]) -> tuple[EntryLine | None, EntryLine | None]:
    at = next((i for i, line in enumerate(lines) if line.uid == uid), None)
    if at is None:
        return None, None
    return (lines[at - 1] if at else None), (lines[at + 1] if at + 1 < len(lines) else None)


def _row_titles(line: DayLine) -> list[str]:
    """As many titles as fill two lines of a row; the style sheet cuts the last one with an ellipsis."""
    shown: list[str] = []
    for title in filter(None, (line.title, *(entry.title for entry in line.entries))):
        if sum(len(earlier) + 3 for earlier in shown) >= _ROW_TITLES:
            break
        shown.append(title)
    return shown


def drawn(templates: Templates, template: str, path: str, **context: object) -> bytes:
    """A page from its template, at its path, with what every page knows."""
    css = hashlib.sha256(style(templates)).hexdigest()[:8]
    text = templates.render(
        template,
        path=path,
        stylesheet=f"style.css?v={css}",
        day_path=day_path,
        year_path=year_path,
        topic_path=topic_path,
        row_titles=_row_titles,
        utc=_utc,
        local=lambda at: _local(at, templates.site),
        **context,
    )
    return _encode(text)


@lru_cache(maxsize=4)
def _tightened(css: str) -> bytes:
    css = _CSS_STRING_OR_COMMENT.sub(lambda m: m[1] or "", css)
    css = _CSS_STRING_OR_SLACK.sub(lambda m: m[1] or m[2] or m[3] or ("" if ";" in m[0] else " "), css)
    return css.strip().encode()


def _encode(text: str) -> bytes:
    """UTF-8, less the code points that no HTML or XML document may hold."""
    return seen(text).encode()


def _html_lang(lang: str, site: Site) -> str | None:
    if lang == "zh":
        return site.html_lang if site.html_lang.startswith("zh") else "zh-Hans"
    return None if lang == "und" else lang


def _local(at: datetime, site: Site) -> datetime:
    return at.astimezone(ZoneInfo(site.timezone))


def _utc(at: datetime) -> str:
    """'2025-01-29T00:00:09Z'."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
