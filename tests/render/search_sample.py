"""Answers of search as values, and their pages: with hits, with nothing found, and the form alone."""

from __future__ import annotations

from datetime import date

from publisher.app.search import Hit, SearchSummary, Suggestion
from publisher.core.search import marked, parse_query, snippet
from publisher.render.environment import Templates
from publisher.render.search import search_page

_TEXT = "海关的人说，关税和 AI 是两件事。" + "路上的灯一盏一盏地亮起来，像有人在数数。" * 12
_QUERY = "关税 AI"


def answers() -> dict[str, SearchSummary]:
    """By the path that the small site shows them at."""
    terms = parse_query(_QUERY).terms
    hits = tuple(
        Hit(
            uid=f"uid{n}", permalink="2025/01/29/talktalk22/", url="https://example.org/", day=date(2025, 1, n),
            number=n, title=f"关税第{n}讲", topics=("经济", "a long topic <b>"), snippet=snippet(_TEXT, terms),
            title_parts=marked(f"关税第{n}讲", terms),
        )
        for n in range(1, 11)
    )  # fmt: skip
    years, topics = (2025, 2024), ("经济", "海港")
    found = SearchSummary(
        query=_QUERY, asks=True, year=2025, topic="经济", page=2, pages=3, total=25, hits=hits, years=years,
        topics=topics,
    )  # fmt: skip
    others = (Suggestion(query="关税", total=25), Suggestion(query=_QUERY, year=2025, topic="经济", total=1))
    nothing = SearchSummary(
        query='"><script>', asks=True, year=1999, topic="没有的话题", page=1, pages=0, total=0, suggestions=others,
        years=years, topics=topics,
    )  # fmt: skip
    form = SearchSummary(query="", asks=False, year=None, topic="", page=1, pages=0, total=0)
    return {"search-hits/": found, "search-nothing/": nothing, "search-form/": form}


def search_pages(templates: Templates) -> dict[str, bytes]:
    """The pages of those answers."""
    return {path: search_page(templates, found) for path, found in answers().items()}
