"""`publisher history`: what the last runs did."""

from __future__ import annotations

from collections.abc import Iterator

import click

from publisher.app.verb_summary import HistorySummary, RunLine
from publisher.cli.asking import Ask
from publisher.cli.command import command
from publisher.render.words import Words

HELP = "The last runs, newest first: when, for which slot, what came of it. Ticks with nothing to do are left out."

_OUTCOMES = {
    "published": "published",
    "already-published": "nothing new to publish",
    "empty": "nothing to publish",
    "held": "held",
    "error": "failed",
    "made": "made",
    "sent": "sent",
    "deferred": "deferred",
}


@command("history", HELP)
@click.option("-n", "count", type=click.IntRange(1, 1000), default=20, metavar="N", help="so many runs (20)")
def history(ask: Ask, *, count: int) -> int:
    listed: HistorySummary = ask.run(ask.app().history, count)
    return ask.screen.show(listed, _lines(listed, ask.words))


def _lines(listed: HistorySummary, words: Words) -> Iterator[str]:
    for line in listed.runs:
        yield "  ".join(filter(None, _columns(line, words)))
    if not listed.runs:
        yield words("no run yet")


def _columns(line: RunLine, words: Words) -> Iterator[str]:
    yield f"#{line.run}"
    yield words.moment(line.started_at)
    yield line.kind
    if line.ok is None:
        yield words("broken off, or still going")
        return
    yield words(_OUTCOMES.get(line.outcome, line.outcome))
    figures = line.figures
    if figures.get("issue"):
        yield str(figures["issue"])
    if figures.get("covers", 1) > 1:
        yield words("covers {n} slots", n=figures["covers"])
    if figures.get("accepted"):
        yield words("{n} accepted", n=words.number(figures["accepted"]))
    if "took_s" in figures:
        yield f"{figures['took_s']:.1f} s"
    yield line.error
