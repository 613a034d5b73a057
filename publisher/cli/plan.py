"""`publisher plan`: what `once` would do, without network and without writing a file."""

from __future__ import annotations

from publisher.cli.asking import Ask
from publisher.cli.command import command
from publisher.cli.progress import watched
from publisher.cli.run_screen import show_run

HELP = """Say exactly what once would do: entries, links, feed items, readers,
the mail's size against its budget. Asks nobody and writes nothing."""


@command("plan", HELP)
def plan(ask: Ask) -> int:
    app = ask.app()
    with watched(ask) as progress:
        run = ask.run(app.plan, progress=progress)
    return show_run(ask, run)
