"""`publisher correct`: a correction shown with a published entry."""

from __future__ import annotations

import click

from publisher.app.verb_summary import EntryChange
from publisher.cli.asking import Ask
from publisher.cli.command import command

HELP = """Add a correction to a published entry: it stands on its page and in the feeds.
UID is its ten letters, as its address shows them."""


@command("correct", HELP)
@click.argument("uid")
@click.option("--note", required=True, metavar="TEXT", help="what was wrong, in a sentence")
def correct(ask: Ask, *, uid: str, note: str) -> int:
    change: EntryChange = ask.run(ask.app().correct, uid, note)
    which = ask.words("{title} ({uid})", title=change.title, uid=change.uid)
    return ask.screen.show(change, [which, change.note.said(ask.words)])
