"""`publisher pause|resume|cancel|skip`: the operator's brakes."""

from __future__ import annotations

from datetime import date

import click

from publisher.app.verb_summary import Said
from publisher.cli.asking import Ask
from publisher.cli.command import command
from publisher.cli.deliver import issue_name
from publisher.core.errors import UsageError

PAUSE = """Stop sending the mail of ISSUE, or, without one, everything: nothing is published by the clock
and nothing is sent until publisher resume. A run that is sending stops within moments."""
RESUME = "Go on after pause."
CANCEL = "End the mail of ISSUE for good: pages and feeds stay; who was not mailed yet is not mailed."
SKIP = "Leave DAY (2025-01-29) out: nothing is published in its slot, its entries go with the next issue."


@command("pause", PAUSE)
@click.argument("issue", required=False)
def pause(ask: Ask, *, issue: str | None) -> int:
    return _said(ask, ask.run(ask.app().pause, issue_name(issue) if issue else None))


@command("resume", RESUME)
@click.argument("issue", required=False)
def resume(ask: Ask, *, issue: str | None) -> int:
    return _said(ask, ask.run(ask.app().resume, issue_name(issue) if issue else None))


@command("cancel", CANCEL)
@click.argument("issue")
def cancel(ask: Ask, *, issue: str) -> int:
    return _said(ask, ask.run(ask.app().cancel, issue_name(issue)))


@command("skip", SKIP)
@click.argument("day")
def skip(ask: Ask, *, day: str) -> int:
    try:
        slot = date.fromisoformat(day)
    except ValueError:
        raise UsageError("'{written}' is no day", fix="write it like 2025-01-29", written=day) from None
    return _said(ask, ask.run(ask.app().skip, slot))


def _said(ask: Ask, said: Said) -> int:
    return ask.screen.show(said, [said.note.said(ask.words)])
