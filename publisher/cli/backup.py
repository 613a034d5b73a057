"""`publisher backup` and `publisher restore`: a copy of the database by hand, and the way back to one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from publisher.app.backup import BackupSummary, RestoreSummary
from publisher.cli.asking import Ask
from publisher.cli.command import command
from publisher.render.words import Words

HELP = """Copy the database to FILE, or to var/backups/ under the present time:
whole, checked, while everything goes on. publisher serve and publisher tick make one every night;
[store] backups says how many of those are kept."""

RESTORE_HELP = """Put a copy in the database's place; the one that stood there is kept in var/backups/.
Mail that was on its way is held, readers who left since then stay away, and when the site knows issues
that the copy does not, all mail is held until publisher adopt."""

_FILE = click.Path(path_type=Path, dir_okay=False)


@command("backup", HELP)
@click.argument("file", required=False, type=_FILE)
def backup(ask: Ask, *, file: Path | None) -> int:
    made: BackupSummary = ask.run(ask.app().backup, file)
    megabytes = f"{made.size / 1e6:.1f}"
    return ask.screen.show(
        made, [ask.words("copied to {path}, {megabytes} MB", path=made.path, megabytes=megabytes)]
    )


@command("restore", RESTORE_HELP)
@click.argument("file", type=_FILE)
def restore(ask: Ask, *, file: Path) -> int:
    done: RestoreSummary = ask.run(ask.app().restore, file)
    return ask.screen.show(done, _lines(done, ask.words))


def _lines(done: RestoreSummary, words: Words) -> Iterator[str]:
    yield words("the database is that of {path} now", path=done.path)
    if done.replaced:
        yield words("the one before is kept in {path}", path=done.replaced)
    yield from (note.said(words) for note in done.notices)
