"""The command line's entrance: the list of commands, and what becomes of everything that goes wrong."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from publisher import __version__
from publisher.cli.asking import Ask
from publisher.cli.command import Group

COMMANDS = {
    "init": ("publisher.cli.init", "lay out a new site in a folder"),
    "once": ("publisher.cli.once", "today's run, now: publish, mail, report"),
    "serve": ("publisher.cli.serve", "run by itself, every day, until stopped"),
    "tick": ("publisher.cli.tick", "one beat of the clock, for systemd timers and cron"),
    "plan": ("publisher.cli.plan", "say what once would do, and do nothing"),
    "preview": ("publisher.cli.preview", "write the next issue's pages and mail, and send nothing"),
    "export": ("publisher.cli.export", "write the whole site as plain files for any static host"),
    "lint": ("publisher.cli.lint", "check documents, with line and column"),
    "search": ("publisher.cli.search", "look for words in published entries"),
    "status": ("publisher.cli.status", "how things stand"),
    "history": ("publisher.cli.history", "what the last runs did"),
    "config": ("publisher.cli.config", "the configuration as it holds now"),
    "links": ("publisher.cli.links", "check links, say how they stand, look into one, mend documents"),
    "subscribers": ("publisher.cli.subscribers", "add, list and remove subscribers"),
    "deliver": ("publisher.cli.deliver", "go on with mail that waits; --release what is held"),
    "deliveries": ("publisher.cli.deliveries", "who got what; settle uncertain ones"),
    "pause": ("publisher.cli.sending:pause", "stop sending, of one issue or altogether"),
    "resume": ("publisher.cli.sending:resume", "go on after pause"),
    "cancel": ("publisher.cli.sending:cancel", "end the mail of an issue"),
    "skip": ("publisher.cli.sending:skip", "leave a day's slot out"),
    "allow": ("publisher.cli.allow", "let an entry go out that was kept back"),
    "correct": ("publisher.cli.correct", "add a correction to a published entry"),
    "backup": ("publisher.cli.backup", "copy the database, whole and checked"),
    "restore": ("publisher.cli.backup:restore", "go back to a copy of the database"),
    "adopt": ("publisher.cli.adopt", "go on from published pages after the state was lost"),
}


class Entrance(Group):
    """Errors end here, in one line each and with the exit code that belongs to them."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = "publisher",
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        ask = extra.pop("obj", None) or Ask()
        try:
            code = super().main(
                args, prog_name, complete_var, standalone_mode=False, windows_expand_args=windows_expand_args,
                obj=ask, **extra
            )  # fmt: skip
        except Exception as error:
            from publisher.cli.failures import tell

            # A slip in the command may stand before it.
            ask.json = ask.json or "--json" in (sys.argv[1:] if args is None else args)
            code = tell(error, ask)
        sys.exit(code or 0)


def _version(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"publisher {__version__}")
        ctx.exit()


entrance = Entrance(
    "publisher",
    COMMANDS,
    help="A folder of daily Markdown documents becomes feeds, pages and a mailed digest.",
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_version,
            help="show the version",
        )
    ],
)
