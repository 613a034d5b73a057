"""The pages of a static copy that stand where a server would answer: they say so, and lead to what works there."""

from __future__ import annotations

from publisher.render.environment import Templates
from publisher.render.pages import SEARCH_PATH, drawn, file_of


def copy_pages(templates: Templates) -> dict[str, bytes]:
    """File → page, for searching and subscribing."""
    pages = {f"{SEARCH_PATH}/": "web/copy-search.html", "subscribe/": "web/copy-subscribe.html"}
    return {file_of(path): drawn(templates, template, path) for path, template in pages.items()}
