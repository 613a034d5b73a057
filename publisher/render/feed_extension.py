"""What feedgen writes wrongly or not at all: links, dates, creators, languages, the stylesheet line.

feedgen calls `extend_rss` / `extend_atom` of these classes with the element it has just built. In its Atom
trees elements have no namespace (the `xmlns` of the root is an ordinary attribute), so ours have none either.
"""

from __future__ import annotations

from datetime import datetime
from xml.sax.saxutils import quoteattr

from lxml import etree
from msgspec import Struct

DC = "http://purl.org/dc/elements/1.1/"
SY = "http://purl.org/rss/1.0/modules/syndication/"
ATOM = "http://www.w3.org/2005/Atom"
FH = "http://purl.org/syndication/history/1.0"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class AtomLink(Struct, frozen=True):
    """A link of an Atom feed or entry with all its attributes; feedgen 1.0.0 keeps only the address of an entry's."""

    href: str
    rel: str
    type: str = ""
    title: str = ""

    @property
    def attributes(self) -> dict[str, str]:
        """Those that say something."""
        given = {"rel": self.rel, "type": self.type, "href": self.href, "title": self.title}
        return {name: value for name, value in given.items() if value}


def rfc822(moment: datetime) -> str:
    """'Wed, 29 Jan 2025 08:00:09 +0800', English in every locale (feedgen switches the process's)."""
    day = f"{_DAYS[moment.weekday()]}, {moment.day:02d} {_MONTHS[moment.month - 1]} {moment.year:04d}"
    return f"{day} {moment:%H:%M:%S %z}"


class _Extension:
    """The shape that feedgen expects of every extension."""

    def extend_ns(self) -> dict[str, str]:
        return {}


class _Styled(_Extension):
    """A whole feed: names the stylesheet for people who open it in a browser (CSS; XSLT is leaving them)."""

    stylesheet: str = ""

    def _style(self, root: etree._Element) -> None:
        if self.stylesheet:
            data = f'type="text/css" href={quoteattr(self.stylesheet)}'
            root.addprevious(etree.PI("xml-stylesheet", data.replace("?>", "?&gt;")))


class RssChannel(_Styled):
    """The channel: when it last changed, how often it does, and who tells of it at once."""

    updated: datetime | None = None
    hub: str = ""

    def extend_ns(self) -> dict[str, str]:
        return {"dc": DC, "sy": SY}

    def extend_rss(self, root: etree._Element) -> etree._Element:
        self._style(root)
        channel = root[0]
        if self.hub:
            etree.SubElement(channel, f"{{{ATOM}}}link", {"rel": "hub", "href": self.hub})
        if self.updated:
            etree.SubElement(channel, "lastBuildDate").text = rfc822(self.updated)
        etree.SubElement(channel, f"{{{SY}}}updatePeriod").text = "daily"
        etree.SubElement(channel, f"{{{SY}}}updateFrequency").text = "1"
        return root


class RssItem(_Extension):
    """An item: its address after the title, its date, its authors (RSS's own `author` wants e-mail)."""

    link: str = ""
    published: datetime | None = None
    creators: tuple[str, ...] = ()

    def extend_rss(self, item: etree._Element) -> etree._Element:
        link = etree.Element("link")
        link.text = self.link
        item.insert(1, link)
        if self.published:
            etree.SubElement(item, "pubDate").text = rfc822(self.published)
        for name in self.creators:
            etree.SubElement(item, f"{{{DC}}}creator").text = name
        return item


class AtomFeed(_Styled):
    """The feed: the stylesheet, links of other kinds than feedgen's own, and whether it is an archive document."""

    links: tuple[AtomLink, ...] = ()
    archive: bool = False

    def extend_ns(self) -> dict[str, str]:
        return {"fh": FH} if self.archive else {}

    def extend_atom(self, root: etree._Element) -> etree._Element:
        self._style(root)
        for link in self.links:
            etree.SubElement(root, "link", link.attributes)
        if self.archive:
            etree.SubElement(root, f"{{{FH}}}archive")
        return root


class AtomEntry(_Extension):
    """An entry: its links with their `rel`, and its language when it is not the feed's."""

    links: tuple[AtomLink, ...] = ()
    language: str = ""

    def extend_atom(self, entry: etree._Element) -> etree._Element:
        if self.language:
            entry.set(XML_LANG, self.language)
        for link in self.links:
            etree.SubElement(entry, "link", link.attributes)
        return entry
