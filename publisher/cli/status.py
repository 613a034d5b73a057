"""`publisher status`: how things stand, without changing anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from publisher.app.summary import BOOKS
from publisher.app.verb_summary import StatusSummary
from publisher.cli.asking import Ask
from publisher.cli.command import command
from publisher.cli.run_report import TRIAL, held_line
from publisher.render.words import Words

_WORDS = {
    "recipients": "{n} recipients",
    "waiting": "{n} waiting",
    "sending": "{n} sending",
    "accepted": "{n} accepted",
    "rejected": "{n} rejected",
    "deferred": "{n} deferred",
    "uncertain": "{n} uncertain",
    "skipped": "{n} skipped",
    "alive": "{n} alive",
    "dead": "{n} dead",
    "unsure": "{n} unsure",
    "unchecked": "{n} not checked yet",
    "pending": "{n} to be confirmed",
    "active": "{n} active",
    "paused": "{n} paused",
    "unsubscribed": "{n} unsubscribed",
    "bounced": "{n} bounced",
    "complained": "{n} complained",
}


@command("status", "Next and last run, material in stock, mail, links and subscribers.")
def status(ask: Ask) -> int:
    stands: StatusSummary = ask.run(ask.app().status)
    return ask.screen.show(stands, _lines(stands, ask.words))


def _lines(stands: StatusSummary, words: Words) -> Iterator[str]:
    rows = {
        "Next run": _moment(stands.next_run, words),
        "Last run": " · ".join(filter(None, (_moment(stands.last_run, words), words(stands.last_outcome)))),
        "Material": _material(stands, words),
        "Mail": " · ".join(filter(None, (stands.last_issue, _counts(stands.books, BOOKS, words)))),
        "Links": _counts(stands.links, tuple(stands.links), words),
        "Subscribers": _counts(stands.subscribers, tuple(stands.subscribers), words),
    }
    labels = [words(label) for label in rows]
    for label, value in zip(labels, rows.values(), strict=True):
        yield f"{_padded(label, labels)}  {value or words('none')}"
    for item in stands.held:
        yield " — ".join(held_line(item, words))
    if stands.trial:
        yield words(TRIAL)


def _padded(label: str, labels: list[str]) -> str:
    from rich.cells import cell_len, set_cell_size

    return set_cell_size(label, max(map(cell_len, labels)))


def _moment(at: datetime | None, words: Words) -> str:
    return words.moment(at) if at else ""


def _material(stands: StatusSummary, words: Words) -> str:
    entries = words.plural("{n} entry", "{n} entries", stands.unpublished_entries)
    days = words.plural("{n} day", "{n} days", stands.days_of_material)
    drafts = words.plural("{n} draft", "{n} drafts", stands.drafts) if stands.drafts else ""
    return " · ".join(filter(None, (entries, days, drafts)))


def _counts(counts: Mapping[str, int], order: tuple[str, ...], words: Words) -> str:
    """'412 成功 · 2 延后': what is not zero."""
    return " · ".join(words(_WORDS[name], n=words.number(counts[name])) for name in order if counts.get(name))
