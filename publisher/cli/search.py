"""`publisher search`: look for words in the published entries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from publisher.app.search import Hit, SearchSummary
from publisher.cli.asking import Ask
from publisher.cli.command import command
from publisher.core.errors import StoreError
from publisher.render.words import Words

HELP = """Look for words in the published entries, as the site's own search does. All words must occur;
"words in quotes" must stand together, and a word with a minus before it must not occur: -- 关税 -汽车

The index is brought up to date first: that takes a while in a large archive without a scheduler."""


@command("search", HELP)
@click.argument("words", nargs=-1, required=True)
@click.option("--year", type=click.IntRange(1, 9999), help="only of this year")
@click.option("--topic", default="", help="only with this topic")
@click.option("--page", type=click.IntRange(1, 500), default=1, help="a later page of ten")
def search(ask: Ask, *, words: tuple[str, ...], year: int | None, topic: str, page: int) -> int:
    said, app = " ".join(words), ask.app()
    _keep_index(ask, app)
    found: SearchSummary = ask.run(app.search, said, year=year, topic=topic, page=page)
    return ask.screen.show(found, _lines(found, ask.words))


def _keep_index(ask: Ask, app: Any) -> None:
    """An index that cannot be written is asked as it is: it may belong to whoever runs the server."""

    def begun(days: int) -> None:
        ask.screen.note(
            ask.words.plural(
                "Bringing the search index up to date: {n} day …",
                "Bringing the search index up to date: {n} days …",
                days,
            )
        )

    try:
        left = ask.run(app.keep_search_index, begun)
        if left:
            ask.screen.note(
                ask.words.plural(
                    "Another process is bringing the search index up to date: {n} day is missing so far.",
                    "Another process is bringing the search index up to date: {n} days are missing so far.",
                    left,
                )
            )
    except StoreError as exc:
        ask.screen.error(ask.words.error(exc))


def _lines(found: SearchSummary, words: Words) -> Iterator[str]:
    for hit in found.hits:
        yield from _hit(hit, words)
    if found.hits:
        pages = words("page {page} of {pages}", page=found.page, pages=words.number(found.pages))
        total = words.plural("{n} entry found", "{n} entries found", found.total)
        yield f"{total} · {pages}" if found.pages > 1 else total
        return
    yield words("Nothing was found.") if found.asks else words("Say at least one word that must occur.")
    if found.suggestions:
        others = (f"{one.query} ({words.number(one.total)})" for one in found.suggestions)
        yield f"{words('These find something')}: {' · '.join(others)}"


def _hit(hit: Hit, words: Words) -> Iterator[str]:
    yield f"{words.day_full(hit.day)}  {hit.title}"
    yield f"  {''.join(part.text for part in hit.snippet)}"
    yield f"  {hit.url}"
    yield ""
