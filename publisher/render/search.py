"""The page of search: a form that works without JavaScript, what was found, and other questions when nothing was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol
from urllib.parse import urlencode

from publisher.core.search import LONGEST_QUERY, Part
from publisher.render.environment import Templates
from publisher.render.pages import SEARCH_PATH, drawn


class Hit(Protocol):
    """An entry that was found."""

    @property
    def permalink(self) -> str: ...
    @property
    def day(self) -> date: ...
    @property
    def number(self) -> int | None: ...
    @property
    def topics(self) -> Sequence[str]: ...
    @property
    def title_parts(self) -> Sequence[Part]: ...
    @property
    def snippet(self) -> Sequence[Part]: ...


class Suggestion(Protocol):
    """Another question that does find something."""

    @property
    def query(self) -> str: ...
    @property
    def year(self) -> int | None: ...
    @property
    def topic(self) -> str: ...
    @property
    def total(self) -> int: ...


class Found(Protocol):
    """An answered question."""

    @property
    def query(self) -> str: ...
    @property
    def asks(self) -> bool: ...
    @property
    def year(self) -> int | None: ...
    @property
    def topic(self) -> str: ...
    @property
    def page(self) -> int: ...
    @property
    def pages(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def hits(self) -> Sequence[Hit]: ...
    @property
    def suggestions(self) -> Sequence[Suggestion]: ...
    @property
    def years(self) -> Sequence[int]: ...
    @property
    def topics(self) -> Sequence[str]: ...
    @property
    def lagging(self) -> int: ...


def search_page(templates: Templates, found: Found) -> bytes:
    """The form with what it was filled in with, and the answer under it."""
    return drawn(
        templates, "web/search.html", SEARCH_PATH, found=found, search_path=search_path, longest=LONGEST_QUERY
    )


def search_path(query: str, *, year: int | None = None, topic: str = "", page: int = 1) -> str:
    """The path of a question, below the site root: 'search?q=%E5%85%B3%E7%A8%8E&year=2025'."""
    asked = {"q": query, "year": year, "topic": topic, "page": page if page > 1 else None}
    return (
        f"{SEARCH_PATH}?{urlencode({name: said for name, said in asked.items() if said}, errors='replace')}"
    )
