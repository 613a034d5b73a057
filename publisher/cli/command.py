"""Our click commands: help in the operator's language, global options before and after, loaded when run."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from publisher.cli.asking import Ask
from publisher.render.words import Words

COMMON = ("config", "json", "quiet", "verbose")


def _note(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
    """Given once, before or after the command, it holds."""
    if value:
        setattr(ask_of(ctx), str(parameter.name), value)


def common_options() -> list[click.Parameter]:
    """The global options; every command and group has them."""
    kind = click.Path(path_type=Path)
    shared: dict[str, Any] = {"expose_value": False, "callback": _note}
    flags = (
        (["--json"], "print exactly one JSON object on stdout"),
        (["-q", "--quiet"], "print nothing but errors"),
        (["-v", "--verbose"], "say more: infos, every link"),
    )
    return [
        click.Option(
            ["--config"], type=kind, metavar="PATH", help="the configuration (./config.toml)", **shared
        ),
        *(click.Option(names, is_flag=True, help=text, **shared) for names, text in flags),
    ]


def ask_of(ctx: click.Context) -> Ask:
    """What is being asked; every context shares one."""
    return ctx.ensure_object(Ask)


class Command(click.Command):
    """A command whose callback takes the `Ask` first and returns the exit code. `help` is a message id."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.params += common_options()

    def invoke(self, ctx: click.Context) -> Any:
        ask = ask_of(ctx)
        ask.command = ctx.command_path.partition(" ")[2]
        return ctx.invoke(self.callback, ask, **ctx.params) if self.callback else None

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _usage(self, ctx, formatter)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _text(ask_of(ctx).words(self.help or ""), formatter)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _options(self, ctx, formatter)


class Group(click.Group):
    """A group that knows its commands' names and short helps, and loads a command's module when it is run."""

    def __init__(self, name: str, lazy: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(name, **options)
        self.lazy = lazy  # name → (module[:attribute], short help as a message id)
        self.params += common_options()

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            return None
        module, _, attribute = self.lazy[cmd_name][0].partition(":")
        found = getattr(importlib.import_module(module), attribute or module.rpartition(".")[2])
        return found if isinstance(found, click.Command) else None

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _usage(self, ctx, formatter)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _text(ask_of(ctx).words(self.help or ""), formatter)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        words = ask_of(ctx).words
        with formatter.section(words("Commands")):
            formatter.write_dl([(name, words(short)) for name, (_, short) in self.lazy.items()])
        _options(self, ctx, formatter)


def command(name: str, help: str) -> Callable[[Callable[..., int]], click.Command]:  # noqa: A002 (click's word)
    """Decorator: `@command("plan", "say what `once` would do")` over `def plan(ask: Ask) -> int`."""
    return click.command(name, cls=Command, help=help)


def _usage(one: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    pieces = " ".join(one.collect_usage_pieces(ctx))
    formatter.write(f"{ask_of(ctx).words('Usage: ')}{ctx.command_path} {pieces}\n")


def _text(text: str, formatter: click.HelpFormatter) -> None:
    """Lines as they were written: click wraps by characters, and a Han character is two columns wide."""
    if text:
        formatter.write_paragraph()
        for line in text.splitlines():
            formatter.write(f"  {line}".rstrip() + "\n")


def _options(one: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    words = ask_of(ctx).words
    options = [option for option in one.get_params(ctx) if isinstance(option, click.Option)]
    common = [option for option in options if option.name in COMMON and not option.expose_value]
    own = [option for option in options if option not in common and "--help" not in option.opts]
    last = [option for option in options if "--help" in option.opts]
    for title, some in (("Options", own), ("Options of every command", common + last)):
        if some:
            with formatter.section(words(title)):
                formatter.write_dl([_record(option, ctx, words) for option in some])


def _record(option: click.Option, ctx: click.Context, words: Words) -> tuple[str, str]:
    spelling, _ = option.get_help_record(ctx) or ("", "")
    return spelling, words("show this help" if "--help" in option.opts else option.help or "")
