"""An entry as feed readers get it, whatever the format: clean strings, whole seconds, full addresses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from markupsafe import escape
from msgspec import Struct

from publisher.core.entry import Entry
from publisher.core.issue import IssueName, PublishedEntry
from publisher.core.link import host_label, is_short, short_form
from publisher.core.site import Site
from publisher.render.environment import Templates
from publisher.render.html import body_html, lead_html
from publisher.render.pages import day_path

_LARGEST_ENTRY = 1_000_000  # bytes of HTML; a larger text gives its lead and the way to its page


class SourceLine(Struct, frozen=True, kw_only=True):
    """The link an entry came from, as its last line shows it."""

    href: str
    text: str  # '标题 — weibo.com', the curator's words, or the bare address
    address: str = ""  # 't.cn/A63SL70V' when `text` does not say it
    title: str = ""  # of the page it leads to, when known
    dead: str = ""  # the day its death was seen; "" while it may live
    copy: str = ""  # ... then where a copy of what it led to may be found


class CorrectionLine(Struct, frozen=True, kw_only=True):
    """A correction with its day as readers see it."""

    day: str
    note: str


class Item(Struct, frozen=True, kw_only=True):
    """All that any format says of an entry."""

    guid: str
    url: str
    title: str
    summary: str  # plain text
    content: str  # HTML
    published: datetime
    updated: datetime
    authors: tuple[str, ...]
    topics: tuple[str, ...]
    language: str  # "" when unknown
    source: SourceLine | None


def item_of(published: PublishedEntry, templates: Templates) -> Item:
    """One entry made ready for every format. No field but `language` and `source` is ever empty."""
    entry, site, zone = published.entry, templates.site, ZoneInfo(templates.site.timezone)
    title = one_line(entry.title) or one_line(entry.summary) or templates.words.day_full(published.day)
    return Item(
        guid=published.guid,
        url=site.absolute(published.permalink),
        title=title,
        summary=one_line(entry.summary) or title,
        content=_content(published, templates),
        published=whole_second(published.published_at, zone),
        updated=whole_second(published.updated_at, zone),
        authors=_authors(entry) or (site_author(site),),
        topics=_topics(entry),
        language=_language(entry, site),
        source=_source_line(published, templates),
    )


def issue_item(name: IssueName, entries: Sequence[PublishedEntry], templates: Templates) -> Item:
    """A whole issue as one item: its entries in their order, each under its title."""
    site, items = templates.site, [item_of(published, templates) for published in entries]
    words, zone = templates.words, ZoneInfo(site.timezone)
    titles = items[0].title
    if len(items) > 1:
        titles = words.plural("{title}", "{title} and others, {n} entries", len(items), title=titles)
    more = f" ({name.sequence})" if name.sequence > 1 else ""
    content = "\n".join(map(_chapter, items))
    if len(content.encode()) > _LARGEST_ENTRY:
        content = "\n".join(_headline(item) for item in items)
    return Item(
        guid=f"tag:{site.tag_host},{name.day}:issue{name.sequence}",
        url=site.absolute(day_path(entries[0].day)),
        title=f"{words.day_full(name.day)}{more} · {titles}",
        summary=" · ".join(item.title for item in items),
        content=content,
        published=whole_second(max(one.published_at for one in entries), zone),
        updated=whole_second(max(one.updated_at for one in entries), zone),
        authors=(site_author(site),),
        topics=tuple(dict.fromkeys(topic for item in items for topic in item.topics)),
        language="",
        source=None,
    )


def _headline(item: Item) -> str:
    return f'<h2><a href="{escape(item.url)}">{escape(item.title)}</a></h2>'


def _chapter(item: Item) -> str:
    return f"{_headline(item)}\n{item.content}"


def _content(published: PublishedEntry, templates: Templates) -> str:
    """The full text from templates/feed/entry.html; of a monstrous one its lead."""
    html = _drawn(published, templates, whole=True)
    return html if len(html.encode()) <= _LARGEST_ENTRY else _drawn(published, templates, whole=False)


def _drawn(published: PublishedEntry, templates: Templates, *, whole: bool) -> str:
    site, entry = templates.site, published.entry
    draw = body_html if whole else lead_html
    html = templates.render(
        "feed/entry.html",
        published=published,
        entry=entry,
        body=draw(published, site, "feed"),
        whole=whole,
        url=site.absolute(published.permalink),
        byline=[line for line in map(one_line, entry.byline) if line],
        source=_source_line(published, templates),
        topics=_topics(entry),
        corrections=[CorrectionLine(day=_day(c.at, templates), note=c.note) for c in published.corrections],
        day=templates.words.day_full(published.day),
        late=published.late,
    )
    return clean(html).strip()


def _day(moment: datetime, templates: Templates) -> str:
    return templates.words.day_full(moment.astimezone(ZoneInfo(templates.site.timezone)).date())


def _topics(entry: Entry) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (one_line(topic.name) for topic in entry.topics))))


def _source_line(published: PublishedEntry, templates: Templates) -> SourceLine | None:
    """None without a source link, or when a reader could not ask for its address.

    One failed check is not told: a feed is read for weeks, and a live link must not be called dead in it.
    """
    link = published.entry.source_link
    href = web_address(link.url) if link else ""
    if not link or not href:
        return None
    state = published.link_state(link.url)
    title = one_line(state.target_title or "")
    show = templates.site.show_links
    text = _own_words(one_line(link.text), href) or (
        "" if show == "original" else _destination(title, state.target)
    )
    behind = web_address(state.target or "") if show == "resolved" and is_short(link.url) else ""
    dead_on = (state.checked_at or published.published_at) if state.verdict == "dead" else None
    return SourceLine(
        href=behind or href,
        text=text or short_form(one_line(link.url)),
        address=short_form(one_line(link.url)) if text and not behind else "",
        title=title,
        dead=_day(dead_on, templates) if dead_on else "",
        copy=web_address(state.archive_url) if dead_on else "",
    )


def _own_words(text: str, address: str) -> str:
    """The curator's words of a [link](…); '' when they only repeat the address."""
    return "" if quote(text.split("://", 1)[-1], safe="/#?&=%~:@!$'()*+,;-._") in address else text


def _destination(title: str, target: str | None) -> str:
    """'标题 — weibo.com', as far as it is known."""
    return " — ".join(filter(None, (title, host_label(target)))) if target else ""


_NOT_AUTHORS = re.compile(r"(来源|转自|[翻编]?译|整理|编辑|图|摄影|[审校]+|source)\s*[:：/／]", re.IGNORECASE)
_AUTHOR_MARK = re.compile(r"(作者|撰文|文|by)\s*([:：/／|｜]|\s(?=[A-Za-z]))\s*", re.IGNORECASE)


def _authors(entry: Entry) -> tuple[str, ...]:
    """Who wrote it, if the byline says so ('作者：某人', 'JANE DOE'); not date, source or translator."""
    lines = [line for line in map(one_line, entry.byline) if re.search(r"[^\W\d_年月日]", line)]
    names = [_AUTHOR_MARK.sub("", line, count=1) or line for line in lines if not _NOT_AUTHORS.match(line)]
    return tuple(dict.fromkeys(names))


def _language(entry: Entry, site: Site) -> str:
    """The entry's language as a tag: the site's own when it is of the same family, '' when undetermined."""
    if entry.lang in ("", "und"):
        return ""
    return site.language if site.language.split("-")[0].lower() == entry.lang else entry.lang


def site_author(site: Site) -> str:
    """Atom asks for an author: the site itself when nobody is named."""
    return one_line(site.author) or site_title(site)


def site_title(site: Site) -> str:
    return one_line(site.title) or site.host


def whole_second(moment: datetime, zone: ZoneInfo) -> datetime:
    """The moment on the site's clock, so that people who see the raw date see their own day."""
    return moment.replace(microsecond=0).astimezone(zone)


# ---------------------------------------------------------------- text that every XML parser takes

# What is forbidden, not what is allowed turned round: that takes 5 ms to compile. No "\r": we write "\n" alone.
_NOT_XML = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_BREAKS = re.compile("[ \t\n\x85\u2028\u2029]+")  # not U+3000: an ideographic space is set on purpose


def clean(text: str) -> str:
    """The text without what XML 1.0 cannot hold: one control character would cost readers the whole feed."""
    return _NOT_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """Clean, on one line; "" when there is nothing to be seen."""
    line = _BREAKS.sub(" ", clean(text)).strip(" ")
    return line if line.strip() else ""


def web_address(url: str) -> str:
    """The http(s) address with everything quoted that a URI cannot hold; '' when it is not one."""
    quoted = quote(one_line(url), safe="/#?&=%~:@!$'()*+,;-._")
    try:
        parts = urlsplit(quoted)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return ""
    return quoted if parts.scheme.lower() in ("http", "https") and host else ""
