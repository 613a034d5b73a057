"""`publisher deliver`: go on with mail that waits, or release what is held."""

from __future__ import annotations

from datetime import date

import click

from publisher.cli.asking import Ask
from publisher.cli.command import command
from publisher.cli.progress import watched
from publisher.cli.run_screen import show_run
from publisher.core.errors import UsageError
from publisher.core.issue import IssueName

HELP = """Deliver the mail that waits: of one ISSUE (2025-01-29 or 2025-01-29/2), or of all.
With --release, mail that is held goes out: look at it with preview first."""


@command("deliver", HELP)
@click.argument("issue", required=False)
@click.option("--release", is_flag=True, help="send what is held; ISSUE must be named")
def deliver(ask: Ask, *, issue: str | None, release: bool) -> int:
    if release and issue is None:
        raise UsageError("--release needs the issue", fix="name it: publisher deliver 2025-01-29 --release")
    name = issue_name(issue) if issue else None
    app = ask.app()
    with watched(ask) as progress:
        run = ask.run(app.deliver, name, release=release, progress=progress)
    return show_run(ask, run)


def issue_name(written: str) -> IssueName:
    """'2025-01-29' or '2025-01-29/2' as an issue's name."""
    day, _, sequence = written.partition("/")
    try:
        name = IssueName(date.fromisoformat(day), int(sequence or 1))
    except ValueError:
        name = None
    if name is None or name.sequence < 1:
        raise UsageError(
            "'{written}' is no issue", fix="an issue is named 2025-01-29, or 2025-01-29/2", written=written
        )
    return name
