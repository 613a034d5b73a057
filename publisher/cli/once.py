"""`publisher once`: today's run, now."""

from __future__ import annotations

import click

from publisher.cli.asking import Ask
from publisher.cli.command import command
from publisher.cli.progress import watched
from publisher.cli.run_screen import show_run

HELP = """Today's run, now: reads the documents, publishes what is due,
writes pages and feeds, delivers the mail.
Safe to run again: an issue goes out once, and what was interrupted is finished.

Exit code: 0 done or nothing to do, 1 you must act, 3 some documents were refused,
4 some mail is deferred, uncertain or held."""


@command("once", HELP)
@click.option("--extra", is_flag=True, help="a second issue today, of what waits")
@click.option("--accept-clock", is_flag=True, help="the clock is right although it jumped")
@click.option("--accept-withdrawals", is_flag=True, help="that many entries were taken out on purpose")
def once(ask: Ask, *, extra: bool, accept_clock: bool, accept_withdrawals: bool) -> int:
    app = ask.app()
    with watched(ask) as progress:
        run = ask.run(
            app.once,
            extra=extra,
            accept_clock=accept_clock,
            accept_withdrawals=accept_withdrawals,
            progress=progress,
        )
    return show_run(ask, run)
