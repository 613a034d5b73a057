"""`publisher adopt`: go on from the published pages when the state was lost or restored."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.app.verb_summary import AdoptSummary
from publisher.cli.asking import Ask
from publisher.cli.command import command
from publisher.render.words import Words

HELP = """Read identities, dates and text hashes back from the pages in the output folder
and mark what they hold as published, so that nothing is mailed twice."""


@command("adopt", HELP)
def adopt(ask: Ask) -> int:
    adopted: AdoptSummary = ask.run(ask.app().adopt)
    return ask.screen.show(adopted, _lines(adopted, ask.words))


def _lines(adopted: AdoptSummary, words: Words) -> Iterator[str]:
    yield words(
        "read back from {pages} pages: {entries} entries in {issues} issues count as published",
        pages=words.number(adopted.pages),
        entries=words.number(adopted.entries),
        issues=words.number(adopted.issues),
    )
    yield from (note.said(words) for note in adopted.notices)
