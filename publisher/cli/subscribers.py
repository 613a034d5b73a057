"""`publisher subscribers …`: who receives the digest, what they chose, and lists of them from and to elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime

import click

from publisher.app.people_summary import (
    AddressOutcome,
    SubscribersChange,
    SubscribersSummary,
    SubscriberSummary,
)
from publisher.cli.asking import Ask
from publisher.cli.command import Group, command
from publisher.core.errors import UsageError
from publisher.core.preferences import CADENCES
from publisher.core.variant import BODIES
from publisher.render.words import Words

subscribers = Group(
    "subscribers",
    {
        "add": ("publisher.cli.subscribers:add", "add addresses, or - for one a line on standard input"),
        "list": ("publisher.cli.subscribers:everyone", "everyone, with their state"),
        "remove": ("publisher.cli.subscribers:remove", "unsubscribe addresses"),
        "pause": ("publisher.cli.subscribers:pause", "mail nothing to somebody until a day"),
        "set": ("publisher.cli.subscribers:choose", "choose for somebody: cadence, body, language"),
        "import": ("publisher.cli.people:take", "take over a list from a CSV file"),
        "export": ("publisher.cli.people:write", "write the list to a CSV file, without loss"),
        "forget": ("publisher.cli.people:forget", "erase somebody, and keep lists from bringing them back"),
    },
    help="Who receives the digest.",
)

_OUTCOMES = {
    "added": "added",
    "reactivated": "subscribed again",
    "already": "was there already ({state})",
    "removed": "removed",
    "unknown": "is no subscriber",
    "refused": "refused: {why}",
    "suppressed": "not added: {why}",
    "forgotten": "forgotten",
    "paused": "paused",
    "changed": "changed",
    "blocked": "blocked",
}
_STATES = {
    "pending": "to be confirmed",
    "active": "active",
    "paused": "paused",
    "unsubscribed": "unsubscribed",
    "bounced": "bounced",
    "complained": "complained",
}

_EMAIL_CELLS = 49

ADD = """Add subscribers, active at once because you vouch for them.
A single - reads addresses from standard input, one a line."""


@command("add", ADD)
@click.argument("emails", nargs=-1, required=True)
@click.option("--pending", is_flag=True, help="they must confirm first")
def add(ask: Ask, *, emails: tuple[str, ...], pending: bool) -> int:
    change: SubscribersChange = ask.run(ask.app().add_subscribers, addresses(emails), pending=pending)
    return ask.screen.show(change, changed(change, ask.words))


@command("remove", "Unsubscribe addresses; what they were mailed stays in the books.")
@click.argument("emails", nargs=-1, required=True)
@click.option(
    "--complained", "because", flag_value="complained", help="they called it spam: only they can come back"
)
@click.option(
    "--block", "because", flag_value="blocked", help="nothing is mailed there, until it is added by hand"
)
@click.option("--left", "because", flag_value="left", default="left", help="they asked for it (the default)")
def remove(ask: Ask, *, emails: tuple[str, ...], because: str) -> int:
    change: SubscribersChange = ask.run(
        ask.app().remove_subscribers, addresses(emails), because=because or "left"
    )
    return ask.screen.show(change, changed(change, ask.words))


@command("list", "Everyone, with their state and since when; --json has every address whole.")
@click.option("--state", type=click.Choice(list(_STATES)), help="those in one state alone")
def everyone(ask: Ask, *, state: str | None) -> int:
    listed: SubscribersSummary = ask.run(ask.app().list_subscribers, state=state)
    return ask.screen.show(listed, _listed(listed, ask.words))


@command(
    "pause",
    "Mail nothing to somebody until a day, or until they say so by themselves; --end mails them again.",
)
@click.argument("email")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="the first day on which mail comes again",
)
@click.option("--end", is_flag=True, help="end the pause now")
def pause(ask: Ask, *, email: str, until: datetime | None, end: bool) -> int:
    if end and until:
        raise UsageError("give one of --until, --end")
    app = ask.app()
    change: SubscribersChange
    if end:
        change = ask.run(app.wake_subscriber, email)
    else:
        change = ask.run(app.pause_subscriber, email, until.date() if until else None)
    return ask.screen.show(change, changed(change, ask.words))


@command("set", "Choose for somebody what they would choose on their own page.")
@click.argument("email")
@click.option("--cadence", type=click.Choice(CADENCES), help="every day, or once a week")
@click.option("--body", type=click.Choice(BODIES), help="whole texts, their beginnings, or titles alone")
@click.option("--language", type=click.Choice(["zh-Hans", "en"]), help="of our words, not of the texts")
def choose(ask: Ask, *, email: str, cadence: str | None, body: str | None, language: str | None) -> int:
    if not (cadence or body or language):
        raise UsageError("give at least one of --cadence, --body, --language")
    chosen = {"cadence": cadence, "body": body, "language": language}
    change: SubscribersChange = ask.run(ask.app().set_subscriber, email, **chosen)
    return ask.screen.show(change, changed(change, ask.words))


def addresses(emails: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses given; '-' stands for the lines of standard input, blank and # ones left out."""
    if "-" not in emails:
        return emails
    if emails != ("-",):
        raise UsageError("- stands alone: addresses come from standard input")
    lines = [line.strip() for line in sys.stdin.read().removeprefix("\ufeff").splitlines()]
    return tuple(line for line in lines if line and not line.startswith("#"))


def changed(change: SubscribersChange, words: Words) -> Iterator[str]:
    for address in change.addresses:
        yield f"{address.email}  {_outcome(address, words)}"


def _outcome(address: AddressOutcome, words: Words) -> str:
    why = address.why.said(words) if address.why else ""
    return words(_OUTCOMES[address.outcome], state=_state(address.state, words), why=why)


def _listed(listed: SubscribersSummary, words: Words) -> Iterator[str]:
    from rich.cells import cell_len, set_cell_size

    shown = [_cropped(one.email) for one in listed.subscribers]
    widest = max(map(cell_len, shown), default=0)
    for email, one in zip(shown, listed.subscribers, strict=True):
        since = f"{one.since:%Y-%m-%d}" if one.since else ""
        yield "  ".join(
            (set_cell_size(email, widest), _state(one.state, words), since, *_choices(one, words))
        )
    yield words.plural("{n} subscriber", "{n} subscribers", len(listed.subscribers))


def _cropped(email: str) -> str:
    """An address in the column of addresses: the middle of a very long one is left out."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(email) <= _EMAIL_CELLS:
        return email
    half = (_EMAIL_CELLS - 1) // 2
    end = email[-half:]
    while cell_len(end) > half:
        end = end[1:]
    return f"{set_cell_size(email, half).rstrip()}…{end}"


def _choices(one: SubscriberSummary, words: Words) -> Iterator[str]:
    """What somebody chose, where it is not the usual."""
    if one.cadence != "daily":
        yield words("once a week")
    if one.body != "full":
        yield words("beginnings") if one.body == "lead" else words("titles alone")
    if one.language != "zh-Hans":
        yield one.language
    if one.paused_until:
        yield words("until {day}", day=one.paused_until.isoformat())


def _state(state: str, words: Words) -> str:
    return words(_STATES.get(state, state))
