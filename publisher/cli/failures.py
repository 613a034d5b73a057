"""What the operator is told when a command fails: what happened, what to do, and the exit code."""

from __future__ import annotations

import difflib
import errno
import traceback
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import click

from publisher.cli.asking import Ask
from publisher.core.errors import Busy, ConfigError, OperatorMustAct, PublisherError
from publisher.render.words import Words

INTERRUPTED = 130
USAGE = 2
_OUTPUT_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def tell(error: Exception, ask: Ask) -> int:
    """Say what happened, on stderr and in the JSON face; returns the exit code."""
    if isinstance(error, click.Abort):
        return INTERRUPTED
    if isinstance(error, Busy):
        return _busy(error, ask)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.message, err=True)
        return USAGE
    if isinstance(error, (PublisherError, click.ClickException)):
        lines = _lines(error, ask.words)
        return _failed(lines, error.exit_code, ask)
    if isinstance(error, OSError) and error.errno in _OUTPUT_FULL:
        # Everybody else's is translated where it happens: this is our own output, into a file, say.
        unwritten = OperatorMustAct(
            "the output cannot be written: {why}", why=error.strerror,
            fix="free some space or send it elsewhere, then run again",
        )  # fmt: skip
        return tell(unwritten, ask)
    traceback.print_exception(error)
    what = f"{type(error).__name__}: {error}"
    return _failed([ask.words("this is a bug in publisher, please report it: {what}", what=what)], 1, ask)


def _failed(lines: list[str], code: int, ask: Ask) -> int:
    for line in lines:
        ask.screen.error(ask.words("error: {message}", message=line))
    _face({"outcome": "error", "exit_code": code, "problems": lines}, ask)
    return code


def _face(face: Mapping[str, Any], ask: Ask) -> None:
    """The JSON of a failure. An output that cannot be written is no second failure."""
    with suppress(OSError):
        ask.screen.json(face)


def _busy(error: Busy, ask: Ask) -> int:
    """The holder does the same: what was asked for is being done. Another verb: nothing was done."""
    same = str(error.holder["command"]).removeprefix("publisher ") == ask.command
    ask.screen.error(ask.words.error(error))
    _face({"outcome": "busy", "holder": error.holder}, ask)
    return 0 if same else error.exit_code


def _lines(error: PublisherError | click.ClickException, words: Words) -> list[str]:
    if isinstance(error, ConfigError):
        return error.problems
    if isinstance(error, PublisherError):
        return [words.error(error)]
    how = ""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        how = " — " + words("see `{command} --help`", command=error.ctx.command_path)
    return [_usage(error, words) + how]


def _usage(error: click.ClickException, words: Words) -> str:
    """Click's own complaints in the operator's language; the rare ones stay in click's words."""
    near = _known(error)
    match error:
        case click.NoSuchOption():
            return _near(
                words("no such option: {name}", name=error.option_name), error.option_name, near, words
            )
        case click.exceptions.NoSuchCommand():
            return _near(
                words("no such command: {name}", name=error.command_name), error.command_name, near, words
            )
        case click.MissingParameter(param=click.Parameter() as parameter):
            name = (
                parameter.opts[-1] if isinstance(parameter, click.Option) else parameter.human_readable_name
            )
            return words("{name} is missing", name=name)
        case _:
            return error.format_message()


def _known(error: click.ClickException) -> list[str]:
    """The names that were possible. Our groups load lazily, so click itself does not know their commands."""
    context = error.ctx if isinstance(error, click.exceptions.NoSuchCommand) else None
    if context and isinstance(context.command, click.Group):
        return context.command.list_commands(context)
    return list(getattr(error, "possibilities", None) or ())


def _near(message: str, written: str, known: list[str], words: Words) -> str:
    near = difflib.get_close_matches(written, known, n=1)
    return message + (words("; did you mean {near}?", near=near[0]) if near else "")
