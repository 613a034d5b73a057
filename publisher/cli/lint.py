"""`publisher lint`: what is wrong with documents, at which line and column, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from publisher.app.verb_summary import LintSummary
from publisher.cli.asking import Ask
from publisher.cli.command import command
from publisher.cli.run_report import finding
from publisher.render.words import Words

HELP = """Check documents: all of them, or the files named.
Lists file:line:column: code name: what is wrong — how to mend it.

Exit code: 0 clean or warnings only, 3 errors."""


@command("lint", HELP)
@click.argument("files", nargs=-1, type=click.Path())
def lint(ask: Ask, *, files: tuple[str, ...]) -> int:
    found: LintSummary = ask.run(ask.app().lint, files)
    return ask.screen.show(found, _lines(found, ask.words, verbose=ask.verbose))


def _lines(lint: LintSummary, words: Words, *, verbose: bool) -> Iterator[str]:
    for found in lint.diagnostics:
        if verbose or found.level != "info":
            yield finding(found, words)
    yield _summary(lint, words)


def _summary(lint: LintSummary, words: Words) -> str:
    """'4 个文件 31 篇：1 个错误，2 个警告'."""
    levels = [found.level for found in lint.diagnostics]
    counts = (
        words.plural("{n} error", "{n} errors", levels.count("error")),
        words.plural("{n} warning", "{n} warnings", levels.count("warning")),
    )
    return words(
        "{files}, {entries}: {counts}",
        files=words.plural("{n} file", "{n} files", len(lint.files)),
        entries=words.plural("{n} entry", "{n} entries", len(lint.entries)),
        counts=words(", ").join(counts) if {"error", "warning"} & set(levels) else words("clean"),
    )
