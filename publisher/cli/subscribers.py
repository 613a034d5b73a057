"""`publisher subscribers add|list|remove`: who receives the digest."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from publisher.app.summary import AddressOutcome, SubscribersChange, SubscribersSummary
from publisher.cli.asking import Ask
from publisher.cli.command import Group, command
from publisher.core.errors import UsageError
from publisher.render.words import Words

subscribers = Group(
    "subscribers",
    {
        "add": ("publisher.cli.subscribers:add", "add addresses, or - for one a line on standard input"),
        "list": ("publisher.cli.subscribers:everyone", "everyone, with their state"),
        "remove": ("publisher.cli.subscribers:remove", "unsubscribe addresses"),
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
}
_STATES = {
    "pending": "to be confirmed",
    "active": "active",
    "paused": "paused",
    "unsubscribed": "unsubscribed",
    "bounced": "bounced",
    "complained": "complained",
}

ADD = """Add subscribers, active at once because you vouch for them.
A single - reads addresses from standard input, one a line."""


@command("add", ADD)
@click.argument("emails", nargs=-1, required=True)
@click.option("--pending", is_flag=True, help="they must confirm first")
def add(ask: Ask, *, emails: tuple[str, ...], pending: bool) -> int:
    change: SubscribersChange = ask.run(ask.app().add_subscribers, _addresses(emails), pending=pending)
    return ask.screen.show(change, _changed(change, ask.words))


@command("remove", "Unsubscribe addresses; what they were mailed stays in the books.")
@click.argument("emails", nargs=-1, required=True)
def remove(ask: Ask, *, emails: tuple[str, ...]) -> int:
    change: SubscribersChange = ask.run(ask.app().remove_subscribers, _addresses(emails))
    return ask.screen.show(change, _changed(change, ask.words))


@command("list", "Everyone, with their state and since when.")
def everyone(ask: Ask) -> int:
    listed: SubscribersSummary = ask.run(ask.app().list_subscribers)
    return ask.screen.show(listed, _listed(listed, ask.words))


def _addresses(emails: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses given; '-' stands for the lines of standard input, blank and # ones left out."""
    if "-" not in emails:
        return emails
    if emails != ("-",):
        raise UsageError("- stands alone: addresses come from standard input")
    lines = [line.strip() for line in sys.stdin.read().removeprefix("\ufeff").splitlines()]
    return tuple(line for line in lines if line and not line.startswith("#"))


def _changed(change: SubscribersChange, words: Words) -> Iterator[str]:
    for address in change.addresses:
        yield f"{address.email}  {_outcome(address, words)}"


def _outcome(address: AddressOutcome, words: Words) -> str:
    why = address.why.said(words) if address.why else ""
    return words(_OUTCOMES[address.outcome], state=_state(address.state, words), why=why)


def _listed(listed: SubscribersSummary, words: Words) -> Iterator[str]:
    from rich.cells import cell_len, set_cell_size

    widest = max((cell_len(one.email) for one in listed.subscribers), default=0)
    for one in listed.subscribers:
        since = f"{one.since:%Y-%m-%d}" if one.since else ""
        yield "  ".join((set_cell_size(one.email, widest), _state(one.state, words), since))
    yield words.plural("{n} subscriber", "{n} subscribers", len(listed.subscribers))


def _state(state: str, words: Words) -> str:
    return words(_STATES.get(state, state))
