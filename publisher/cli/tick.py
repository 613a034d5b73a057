"""`publisher tick`: what the clock would do now, once; for systemd timers and cron."""

from __future__ import annotations

from publisher.cli.asking import Ask
from publisher.cli.command import command
from publisher.cli.progress import watched
from publisher.cli.run_screen import show_run

HELP = """One beat of the clock: publishes the slot that is due, follows edits, goes on with deferred mail.
Nothing due: does nothing. For a systemd timer or cron every few minutes; publisher serve does it by itself.

Exit code: 0 done or nothing to do, 1 you must act, 3 some documents were refused,
4 some mail is deferred, uncertain or held."""


@command("tick", HELP)
def tick(ask: Ask) -> int:
    app = ask.app()
    with watched(ask) as progress:
        run = ask.run(app.tick, progress=progress)
    return show_run(ask, run)
