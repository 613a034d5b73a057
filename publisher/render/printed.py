"""Reading identity back from our own pages: what `pages` printed into the articles, as values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from lxml import html
from msgspec import Struct

from publisher.core.issue import IssueName


class PrintedEntry(Struct, frozen=True, kw_only=True):
    """An entry as a page remembers it. `text` is its visible text; "" when withdrawn."""

    uid: str
    guid: str
    permalink: str
    day: date
    position: int
    number: int | None
    title: str
    sha: str
    text: str
    issue: IssueName | None  # None: archived
    late: bool
    withdrawn: bool
    published_at: datetime | None
    updated_at: datetime | None


def read_page(data: bytes) -> list[PrintedEntry]:
    """The entries of a page; [] for a page of somebody else's. Never raises: damaged articles are left out."""
    try:
        root = html.document_fromstring(data.decode("utf-8", "replace").encode())
    except (ValueError, html.etree.ParserError):
        return []
    found = (_entry(article) for article in root.iterfind(".//article"))
    return [entry for entry in found if entry is not None]


def _entry(article: html.HtmlElement) -> PrintedEntry | None:
    said = {str(name): str(value) for name, value in article.attrib.items()}
    try:
        withdrawn = "data-withdrawn" in said
        return PrintedEntry(
            uid=said["data-uid"],
            guid=said.get("data-guid", ""),
            permalink=said["data-permalink"],
            day=date.fromisoformat(said["data-day"]),
            position=int(said.get("data-position", 0)),
            number=int(said["data-number"]) if "data-number" in said else None,
            title=_title(article),
            sha=said.get("data-sha", ""),
            text="" if withdrawn else _text(article),
            issue=_issue(said),
            late="data-late" in said,
            withdrawn=withdrawn,
            published_at=_moment(said, "data-published"),
            updated_at=_moment(said, "data-updated"),
        )
    except (KeyError, ValueError):
        return None


def _issue(said: Mapping[str, str]) -> IssueName | None:
    if "data-issue" not in said:
        return None
    day, _, sequence = said["data-issue"].partition("/")
    return IssueName(date.fromisoformat(day), int(sequence or 1))


def _moment(said: Mapping[str, str], name: str) -> datetime | None:
    return datetime.fromisoformat(said[name]) if name in said else None


def _title(article: html.HtmlElement) -> str:
    for level in ("h1", "h2"):
        found = article.find(f".//{level}")
        if found is not None:
            return " ".join(str(found.text_content()).split())
    return ""


def _text(article: html.HtmlElement) -> str:
    body = article.find(".//*[@data-body]")
    parts = (str(part).strip() for part in (body if body is not None else article).itertext())
    return "\n".join(filter(None, parts))
