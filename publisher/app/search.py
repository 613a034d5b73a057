"""Search: what a reader's question finds among the published entries. It asks the index alone and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from msgspec import Struct

from publisher.app.summary import as_json
from publisher.core.search import LONGEST_QUERY, Part, Query, loosened, marked, parse_query, snippet
from publisher.core.site import Site
from publisher.core.topics import topic_key
from publisher.render.words import Words
from publisher.store.search import Searchable, SearchIndex

PAGE_HITS = 10
LAST_PAGE = 500
MOST_SUGGESTIONS = 5


class Hit(Struct, frozen=True, kw_only=True):
    """An entry that was found. Its title and the stretch of text around the words are told in parts."""

    uid: str
    permalink: str
    url: str
    day: date
    number: int | None
    title: str
    topics: tuple[str, ...]
    title_parts: tuple[Part, ...]
    snippet: tuple[Part, ...]


class Suggestion(Struct, frozen=True, kw_only=True):
    """Another question that does find something."""

    query: str
    total: int
    year: int | None = None
    topic: str = ""


class SearchSummary(Struct, frozen=True, kw_only=True):
    """An answered question. `query` as it was asked; `asks`: whether anything was asked at all.

    `lagging`: so many days are not in the index yet as they are now.
    """

    query: str
    asks: bool
    year: int | None
    topic: str
    page: int
    pages: int
    total: int
    hits: tuple[Hit, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    years: tuple[int, ...] = ()
    topics: tuple[str, ...] = ()
    lagging: int = 0


def search(
    index: SearchIndex,
    site: Site,
    query: str,
    *,
    year: int | None = None,
    topic: str = "",
    page: int = 1,
    lagging: int = 0,
) -> SearchSummary:
    """Entries that hold all the words, best first, a page of them. Whatever is asked is a fine question.

    Raises StoreError when the index cannot be read.
    """
    query = " ".join(query[:LONGEST_QUERY].split())
    asked, page = parse_query(query), max(1, min(page, LAST_PAGE))
    choices = index.choices()
    topic = next((name for name in choices.topics if topic_key(name) == topic_key(topic)), topic)
    skip = (page - 1) * PAGE_HITS
    matches = index.find(asked, year=year, topic=topic, skip=skip, limit=PAGE_HITS)
    suggestions = () if matches.total or not asked else _suggestions(index, asked, query, year, topic)
    return SearchSummary(
        query=query, asks=bool(asked), year=year, topic=topic, page=page, total=matches.total,
        pages=-(-matches.total // PAGE_HITS), hits=tuple(_hit(found, asked, site) for found in matches.found),
        suggestions=suggestions, years=choices.years, topics=choices.topics, lagging=lagging,
    )  # fmt: skip


def _hit(found: Searchable, asked: Query, site: Site) -> Hit:
    return Hit(
        uid=found.uid, permalink=found.permalink, url=site.absolute(found.permalink), day=found.day,
        number=found.number, title=found.title, topics=found.topics, title_parts=marked(found.title, asked.terms),
        snippet=snippet(found.body, asked.terms),
    )  # fmt: skip


def _suggestions(
    index: SearchIndex, asked: Query, query: str, year: int | None, topic: str
) -> tuple[Suggestion, ...]:
    """The same without what narrows it, then with fewer words; only what finds something."""
    found: list[Suggestion] = []
    for less in _wider(asked, query, year, topic):
        total = index.find(parse_query(less.query), year=less.year, topic=less.topic, limit=1).total
        if total:
            found.append(Suggestion(query=less.query, year=less.year, topic=less.topic, total=total))
        if len(found) == MOST_SUGGESTIONS:
            break
    return tuple(found)


def _wider(asked: Query, query: str, year: int | None, topic: str) -> Iterator[Suggestion]:
    if year is not None and topic:
        yield Suggestion(query=query, year=year, total=0)
        yield Suggestion(query=query, topic=topic, total=0)
    if year is not None or topic:
        yield Suggestion(query=query, total=0)
    for text in loosened(asked):
        yield Suggestion(query=text, total=0)


@as_json.register
def _search_json(found: SearchSummary, words: Words) -> dict[str, Any]:
    hits = [
        {
            "uid": hit.uid, "title": hit.title, "day": hit.day.isoformat(), "number": hit.number, "url": hit.url,
            "topics": list(hit.topics), "snippet": "".join(part.text for part in hit.snippet),
        }
        for hit in found.hits
    ]  # fmt: skip
    others = [
        {"query": one.query, "year": one.year, "topic": one.topic or None, "total": one.total}
        for one in found.suggestions
    ]
    return {
        "query": found.query, "year": found.year, "topic": found.topic or None, "page": found.page,
        "pages": found.pages, "total": found.total, "hits": hits, "suggestions": others, "lagging": found.lagging,
    }  # fmt: skip
