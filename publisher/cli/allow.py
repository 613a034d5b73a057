"""`publisher allow`: let an entry go out that was kept back."""

from __future__ import annotations

import click

from publisher.app.verb_summary import EntryChange
from publisher.cli.asking import Ask
from publisher.cli.command import command

HELP = """Queue an entry that was kept back: archived because it is older than the start, or a near-duplicate.
UID is its ten letters, as its address shows them."""


@command("allow", HELP)
@click.argument("uid")
def allow(ask: Ask, *, uid: str) -> int:
    change: EntryChange = ask.run(ask.app().allow, uid)
    which = ask.words("{title} ({uid})", title=change.title, uid=change.uid)
    return ask.screen.show(change, [which, change.note.said(ask.words)])
