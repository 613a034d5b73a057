"""The rules a feed must pass before it may replace the published one: whatever would cost readers text.

A built-in subset of what feed validators and readers ask for (RSS 2.0, RFC 4287, RFC 3339, JSON Feed 1.1).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from lxml import etree
from msgspec import Struct

Kind = Literal["rss", "atom", "json"]
HARD_ENTRIES = 300  # Feedbin reads about 300; Inoreader blocks feeds of thousands
HARD_BYTES = 2_000_000
_ROOM_FOR_HEAD = 100_000  # the feed's own head, beyond its entries

_ATOM = "{http://www.w3.org/2005/Atom}"
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_SY = "{http://purl.org/rss/1.0/modules/syndication/}"
_XHTML = "{http://www.w3.org/1999/xhtml}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


class _Found(Struct, frozen=True, kw_only=True):
    """An entry as a reader would find it; None where it is missing."""

    id: str | None
    title: str | None
    url: str | None
    summary: str | None
    content: str | None
    language: str | None


def check_feed(kind: Kind, data: bytes) -> list[str]:
    """What is wrong with the feed, one sentence each; empty means it may be published. Never raises."""
    if len(data) > HARD_BYTES + _ROOM_FOR_HEAD:
        return [f"the feed has {len(data):,} bytes; readers refuse more than {HARD_BYTES:,}"]
    if kind == "json":
        return list(_json_problems(data))
    root = _parse_xml(data)
    if isinstance(root, str):
        return [root]
    rules = _rss_problems if kind == "rss" else _atom_problems
    return [*rules(root), *_tree_problems(root)]


# ---------------------------------------------------------------- XML


def _parse_xml(data: bytes) -> etree._Element | str:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as exc:
        return f"not well-formed XML: {exc}"
    if getattr(root.getroottree().docinfo, "doctype", ""):
        return "a document type is declared: readers refuse feeds with one"
    return root


def _tree_problems(root: etree._Element) -> Iterator[str]:
    for element in root.iter(etree.Element):
        if str(element.tag).startswith(_XHTML) and not any(_is_content(a) for a in element.iterancestors()):
            yield f"an XHTML element <{etree.QName(element).localname}> stands outside of any content"
        if _LANG in element.attrib:
            yield from _language_problems(str(element.get(_LANG)), "xml:lang")


def _is_content(element: etree._Element) -> bool:
    return element.tag in (f"{_ATOM}content", f"{_ATOM}summary", f"{_ATOM}title")


def _text(parent: etree._Element, tag: str) -> str | None:
    """The text of a child; None when it is missing or blank."""
    found = parent.find(tag)
    return None if found is None or not (found.text or "").strip() else found.text


# ---------------------------------------------------------------- RSS

_RSS_BOTH = {"title", "link", "description", "category", "pubDate"}
_RSS_CHANNEL = _RSS_BOTH | {
    "language", "copyright", "managingEditor", "webMaster", "lastBuildDate", "generator", "docs", "cloud",
    "ttl", "image", "rating", "textInput", "skipHours", "skipDays", "item",
}  # fmt: skip
_RSS_ITEM = _RSS_BOTH | {"author", "comments", "enclosure", "guid", "source"}
_PERIODS = ("hourly", "daily", "weekly", "monthly", "yearly")


def _rss_problems(root: etree._Element) -> Iterator[str]:
    if root.tag != "rss" or root.get("version") != "2.0" or len(root.findall("channel")) != 1:
        yield "not RSS 2.0: expected <rss version='2.0'> with one channel"
        return
    channel = root.find("channel")
    assert channel is not None
    for name in ("title", "link", "description", "lastBuildDate"):
        if not _text(channel, name):
            yield f"the channel has no {name}"
    yield from _undefined(channel, _RSS_CHANNEL)
    yield from _once(channel, _RSS_CHANNEL - {"category", "item"}, "the channel")
    yield from _rfc822_problems(_text(channel, "lastBuildDate"), "lastBuildDate")
    yield from _language_problems(_text(channel, "language") or "", "the channel's language")
    yield from _contact_problems(channel, ("managingEditor", "webMaster"))
    yield from _syndication_problems(channel)
    yield from _rss_link_problems(channel)
    items = channel.findall("item")
    for item in items:
        yield from _rss_item_problems(item)
    yield from _entries_problems([_rss_found(item) for item in items])


def _undefined(parent: etree._Element, known: set[str]) -> Iterator[str]:
    """Elements without a namespace that RSS 2.0 does not define."""
    for child in parent.iterchildren(etree.Element):
        if "}" not in str(child.tag) and child.tag not in known:
            yield f"RSS 2.0 knows no <{child.tag}> in <{parent.tag}>"


def _once(parent: etree._Element, names: Iterable[str], where: str) -> Iterator[str]:
    for name in sorted(names):
        if len(parent.findall(name)) > 1:
            yield f"{where} has more than one {etree.QName(name).localname}"


def _contact_problems(parent: etree._Element, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        for found in parent.findall(name):
            if not re.fullmatch(r"\s*[^\s@()]+@[^\s@()]+(\s*\(.*\))?\s*", found.text or "", re.DOTALL):
                yield f"RSS wants an e-mail address in <{name}>, not {found.text!r}; names go into dc:creator"


def _syndication_problems(channel: etree._Element) -> Iterator[str]:
    for element in channel.iterchildren(etree.Element):
        if not str(element.tag).startswith(_SY):
            continue
        name, value = etree.QName(element).localname, (element.text or "").strip()
        good = {
            "updatePeriod": value in _PERIODS,
            "updateFrequency": value.isdecimal() and value != "0",
            "updateBase": _is_rfc3339(value),
        }
        if not good.get(name, False):
            yield f"sy:{name} may not say {value!r}"


def _rss_link_problems(channel: etree._Element) -> Iterator[str]:
    home = _text(channel, "link") or ""
    own = [a.get("href") or "" for a in channel.findall(f"{_ATOM}link") if a.get("rel") == "self"]
    yield from _address_problems(home, "the channel's link")
    yield from _self_problems(own, home)


def _self_problems(own: list[str], home: str) -> Iterator[str]:
    if len(own) != 1:
        yield f"expected one link rel='self', found {len(own)}"
        return
    yield from _address_problems(own[0], "the link rel='self'")
    if not own[0].startswith(home) or own[0] == home:
        yield f"the link {home!r} is not the home page of {own[0]!r}"


def _rss_item_problems(item: etree._Element) -> Iterator[str]:
    where = f"item {_text(item, 'guid') or _text(item, 'title')!r}"
    yield from _undefined(item, _RSS_ITEM)
    yield from _once(item, (_RSS_ITEM - {"category"}) | {_CONTENT}, where)
    yield from _contact_problems(item, ("author",))
    guid = item.find("guid")
    if guid is not None and guid.get("isPermaLink") != "false":
        yield f"{where}: the guid is no address, so isPermaLink must be 'false'"
    yield from _rfc822_problems(_text(item, "pubDate"), f"{where}: pubDate")


def _rss_found(item: etree._Element) -> _Found:
    return _Found(
        id=_text(item, "guid"),
        title=_text(item, "title"),
        url=_text(item, "link"),
        summary=_text(item, "description"),
        content=_text(item, _CONTENT),
        language=None,
    )


# ---------------------------------------------------------------- Atom


def _atom_problems(root: etree._Element) -> Iterator[str]:
    if root.tag != f"{_ATOM}feed":
        yield "not Atom: expected <feed xmlns='http://www.w3.org/2005/Atom'>"
        return
    entries = root.findall(f"{_ATOM}entry")
    yield from _atom_head_problems(root, "the feed")
    home = next((a.get("href") or "" for a in _links(root, "alternate")), "")
    yield from _address_problems(home, "the feed's alternate link")
    yield from _self_problems([a.get("href") or "" for a in _links(root, "self")], home)
    if not _has_author(root) and not (entries and all(map(_has_author, entries))):
        yield "no author: neither the feed nor every entry names one"
    for entry in entries:
        yield from _atom_entry_problems(entry)
    moments = Counter(_text(entry, f"{_ATOM}updated") for entry in entries)
    yield from (
        f"{n} entries share updated {m}: their order is undefined" for m, n in moments.items() if m and n > 1
    )
    yield from _entries_problems([_atom_found(entry) for entry in entries])


def _atom_head_problems(parent: etree._Element, where: str) -> Iterator[str]:
    """Rules that a feed and an entry share (RFC 4287 §4.1)."""
    for name in ("id", "title", "updated"):
        if not _text(parent, f"{_ATOM}{name}"):
            yield f"{where} has no {name}"
    yield from _once(
        parent, (f"{_ATOM}{n}" for n in ("id", "title", "updated", "published", "content", "summary")), where
    )
    for name in ("updated", "published"):
        value = _text(parent, f"{_ATOM}{name}")
        if value is not None and not _is_rfc3339(value):
            yield f"{where}: {name} {value!r} is no RFC 3339 date"
    alternates = Counter((a.get("type"), a.get("hreflang")) for a in _links(parent, "alternate"))
    if any(n > 1 for n in alternates.values()):
        yield f"{where} has two alternate links of one type and language"
    for link in parent.findall(f"{_ATOM}link"):
        yield from _address_problems(
            link.get("href") or "", f"{where}: link rel='{link.get('rel', 'alternate')}'"
        )


def _links(parent: etree._Element, rel: str) -> list[etree._Element]:
    """The links of a relation; one that is left out means 'alternate'."""
    return [link for link in parent.findall(f"{_ATOM}link") if link.get("rel", "alternate") == rel]


def _has_author(parent: etree._Element) -> bool:
    return any(_text(author, f"{_ATOM}name") for author in parent.findall(f"{_ATOM}author"))


def _atom_entry_problems(entry: etree._Element) -> Iterator[str]:
    where = f"entry {_text(entry, f'{_ATOM}id') or _text(entry, f'{_ATOM}title')!r}"
    yield from _atom_head_problems(entry, where)
    if not _text(entry, f"{_ATOM}published"):
        yield f"{where} has no published"
    for category in entry.findall(f"{_ATOM}category"):
        if not (category.get("term") or "").strip():
            yield f"{where} has a category without a term"
    content = entry.find(f"{_ATOM}content")
    if content is not None and content.get("type") != "html":
        yield f"{where}: content of type {content.get('type')!r}; every reader keeps 'html' alone"


def _atom_found(entry: etree._Element) -> _Found:
    url = next((a.get("href") for a in _links(entry, "alternate")), None)
    id_, title, summary, content = (
        _text(entry, f"{_ATOM}{n}") for n in ("id", "title", "summary", "content")
    )
    return _Found(id=id_, title=title, url=url, summary=summary, content=content, language=None)


# ---------------------------------------------------------------- JSON Feed


def _json_problems(data: bytes) -> Iterator[str]:
    try:
        feed = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as exc:
        yield f"not JSON: {exc}"
        return
    if not isinstance(feed, dict) or feed.get("version") != "https://jsonfeed.org/version/1.1":
        yield "not JSON Feed: expected version https://jsonfeed.org/version/1.1"
        return
    items = feed.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        yield "'items' is not a list of objects"
        return
    if not _string(feed, "title"):
        yield "the feed has no title"
    yield from _address_problems(_string(feed, "home_page_url") or "", "home_page_url")
    yield from _self_problems([_string(feed, "feed_url") or ""], _string(feed, "home_page_url") or "")
    yield from _language_problems(_string(feed, "language") or "", "the feed's language")
    for item in items:
        yield from _json_item_problems(item)
    yield from _entries_problems([_json_found(item) for item in items])


def _string(of: dict[str, Any], name: str) -> str | None:
    value = of.get(name)
    return value if isinstance(value, str) and value.strip() else None


def _json_item_problems(item: dict[str, Any]) -> Iterator[str]:
    where = f"item {item.get('id')!r}"
    for name in ("date_published", "date_modified"):
        value = item.get(name)
        if not isinstance(value, str) or not _is_rfc3339(value):
            yield f"{where}: {name} {value!r} is no RFC 3339 date"
    authors, tags = item.get("authors", []), item.get("tags", [])
    if not isinstance(authors, list) or not all(isinstance(a, dict) and _string(a, "name") for a in authors):
        yield f"{where}: authors must be objects with a name"
    if not isinstance(tags, list) or not all(isinstance(tag, str) and tag.strip() for tag in tags):
        yield f"{where}: tags must be words"
    if "external_url" in item:
        yield from _address_problems(_string(item, "external_url") or "", f"{where}: external_url")


def _json_found(item: dict[str, Any]) -> _Found:
    return _Found(
        id=_string(item, "id"),
        title=_string(item, "title"),
        url=_string(item, "url"),
        summary=_string(item, "summary"),
        content=_string(item, "content_html"),
        language=_string(item, "language"),
    )


# ---------------------------------------------------------------- what every format must hold


def _entries_problems(found: list[_Found]) -> Iterator[str]:
    if len(found) > HARD_ENTRIES:
        yield f"the feed has {len(found)} entries; readers keep {HARD_ENTRIES}"
    repeated = [
        f"{n} entries share the id {i}" for i, n in Counter(e.id for e in found).items() if i and n > 1
    ]
    yield from repeated
    for entry in found:
        where = f"entry {entry.id or entry.title!r}"
        missing = [name for name in ("id", "title", "url", "summary", "content") if not getattr(entry, name)]
        yield from (f"{where} has no {name}" for name in missing)
        if entry.id and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:\S+$", entry.id):
            yield f"{where}: the id is no URI"
        if entry.url:
            yield from _address_problems(entry.url, f"{where}: its link")
        if entry.language:
            yield from _language_problems(entry.language, f"{where}: its language")
        yield from (f"{where}: {problem}" for problem in _content_problems(entry.content or ""))
        if any(map(_NOT_TEXT.search, filter(None, (entry.title, entry.summary, entry.content)))):
            yield f"{where} holds a control character"


# What is forbidden, not what is allowed turned round: that takes 5 ms to compile.
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DANGEROUS = {
    "script", "style", "iframe", "frame", "frameset", "object", "embed", "applet", "form", "input", "button",
    "select", "textarea", "link", "meta", "base", "svg", "math", "template", "noscript",
}  # fmt: skip
_SCHEME = re.compile(r"\s*([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_DANGEROUS_SCHEMES = {"javascript", "vbscript", "data", "file"}
_NO_ADDRESS = re.compile(r'[\s<>"{}|\\^`]')
_ADDRESSES = ("href", "src", "cite", "poster", "action", "data", "background")


def _content_problems(html: str) -> Iterator[str]:
    """What readers strip, warn of, or cannot resolve: they have no base address for relative ones."""
    if not html.strip() or _NOT_TEXT.search(html):
        return
    for element in etree.HTML(f"<div>{html}</div>", etree.HTMLParser(no_network=True)).iter(etree.Element):
        if element.tag in _DANGEROUS:
            yield f"<{element.tag}> in the content is a security risk"
        for name, value in element.attrib.items():
            yield from _attribute_problems(str(name), str(value))


def _attribute_problems(name: str, value: str) -> Iterator[str]:
    shown = f"{name}={value[:80]!r} in the content"
    if name.startswith("on"):
        yield f"{shown} is a security risk"
    elif name in _ADDRESSES:
        scheme = _SCHEME.match(value)
        if scheme is None:
            yield f"{shown} is no full address"
        elif scheme[1].lower() in _DANGEROUS_SCHEMES:
            yield f"{shown} is a security risk"


def _address_problems(address: str, where: str) -> Iterator[str]:
    try:
        parts = urlsplit(address)
        good = (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and not re.search(r'[\s<>"{}|\\^`]', address)
        )
    except ValueError:
        good = False
    if not good:
        yield f"{where} is no full web address: {address!r}"


def _language_problems(tag: str, where: str) -> Iterator[str]:
    """A tag by the form of BCP 47: 'zh-CN', 'zh-Hans-CN', 'en'; 'zh_cn' is none."""
    if not re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", tag):
        yield f"{where} is no language tag: {tag!r}"


_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_RFC822 = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}"
    r" \d\d:\d\d:\d\d ([+-]\d{4}|GMT)"
)


def _is_rfc3339(value: str) -> bool:
    try:
        return bool(_RFC3339.fullmatch(value)) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _rfc822_problems(value: str | None, where: str) -> Iterator[str]:
    if not value or not _is_rfc822(value):
        yield f"{where} {value!r} is no RFC 822 date"


def _is_rfc822(value: str) -> bool:
    """By form, by calendar, and the day of the week agrees."""
    if not _RFC822.fullmatch(value):
        return False
    try:
        return _DAY_NAMES[parsedate_to_datetime(value).weekday()] == value[:3]
    except ValueError:
        return False
