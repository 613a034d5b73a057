"""`publisher deliveries`: who got what, and how uncertain ones are settled."""

from __future__ import annotations

from collections.abc import Iterator

import click

from publisher.app.verb_summary import DeliveriesSummary, DeliverySummary
from publisher.cli.asking import Ask
from publisher.cli.command import command
from publisher.core.errors import UsageError
from publisher.render.words import Words

HELP = """The deliveries of the last mailings. With the word uncertain: only those of which nobody knows
whether they arrived, because the run that sent them died. They are never sent again by themselves:
--resend sends them once more (a reader may get two), --sent counts them as arrived."""

_STATES = {
    "waiting": "waiting",
    "sending": "sending",
    "accepted": "accepted",
    "rejected": "rejected",
    "deferred": "deferred",
    "uncertain": "uncertain",
    "skipped": "skipped",
}


@command("deliveries", HELP)
@click.argument("which", required=False, type=click.Choice(["uncertain"]), metavar="[uncertain]")
@click.option("--resend", is_flag=True, help="send the uncertain ones once more")
@click.option("--sent", is_flag=True, help="count the uncertain ones as arrived")
def deliveries(ask: Ask, *, which: str | None, resend: bool, sent: bool) -> int:
    if resend and sent:
        raise UsageError("give either --resend or --sent")
    if (resend or sent) and not which:
        raise UsageError("--resend and --sent are for: publisher deliveries uncertain")
    settle = "resend" if resend else "sent" if sent else None
    listed: DeliveriesSummary = ask.run(ask.app().deliveries, uncertain=which is not None, settle=settle)
    return ask.screen.show(listed, _lines(listed, ask.words, settled=settle is not None))


def _lines(listed: DeliveriesSummary, words: Words, *, settled: bool) -> Iterator[str]:
    for one in listed.deliveries:
        yield "  ".join(filter(None, _columns(one, words)))
    if settled:
        yield words.plural("{n} delivery settled", "{n} deliveries settled", listed.resolved)
    else:
        yield words.plural("{n} delivery", "{n} deliveries", len(listed.deliveries))


def _columns(one: DeliverySummary, words: Words) -> tuple[str, ...]:
    state = words(_STATES.get(one.state, one.state))
    reply = " ".join(filter(None, (one.code, one.text)))
    issue = words("week to {day}", day=one.issue) if one.kind == "weekly" else one.issue
    return issue, one.email, state, words.moment(one.at) if one.at else "", reply
